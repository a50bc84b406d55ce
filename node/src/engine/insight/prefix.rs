//! Use by prefix of the key: the part before its first `:`.
//!
//! A prefix is known by 64 bits: its own bytes up to eight of them, beyond that a mix. It is compared by them alone; two
//! long prefixes that meet by chance share a row. A bounded number of prefixes has rows; the rest is counted together.

use ringhold_model::wire::KeyUse;

/// Prefixes that a shard tells apart in a space.
pub(in crate::engine) const PREFIXES_MAX: usize = 64;
/// Prefixes that are known by one comparison.
const QUICK: usize = 4;
/// A first `:` further on makes no prefix.
const PREFIX_BYTES_MAX: usize = 32;
/// Rows of a table before it grows; always a power of two, at least half of them free.
const ROWS_MIN: usize = 4;

const ONES: u64 = 0x0101_0101_0101_0101;
const COLONS: u64 = ONES * b':' as u64;
const HIGHS: u64 = ONES * 0x80;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Print of all keys without a prefix. No prefix has it: it would hold a byte that no text holds.
const NONE: u64 = u64::MAX;
/// Print of a free row; the same holds for it.
const FREE: u64 = u64::MAX - 1;

/// Use by prefix of one shard's part of a space.
#[derive(Debug, Default)]
pub(in crate::engine) struct PrefixTable {
    /// A row is at the first free place from that of its print on.
    rows: Vec<Row>,
    used: usize,
    other: KeyUse,
    /// The first prefixes, then those used most in the last window.
    quick: [Quick; QUICK],
}

/// A short prefix that keys are compared with first.
#[derive(Clone, Copy, Debug)]
struct Quick {
    /// The prefix and its `:`, among the first eight bytes of a key.
    mask: u64,
    word: u64,
    /// Of the row that it belongs to.
    print: u64,
    /// Uses that are not in the row yet.
    keys: KeyUse,
}

impl Default for Quick {
    /// No key is like this one.
    fn default() -> Self {
        Self { mask: 0, word: 1, print: FREE, keys: KeyUse { hits: 0, misses: 0, writes: 0 } }
    }
}

impl Quick {
    /// `None`: the prefix is none, or does not fit.
    fn of(row: &Row) -> Option<Self> {
        let name = row.name.as_deref().filter(|name| name.len() < 8)?;
        let mut word = [0; 8];
        word[..name.len()].copy_from_slice(name.as_bytes());
        word[name.len()] = b':';
        let mask = u64::MAX >> (56 - 8 * name.len());
        Some(Self { mask, word: u64::from_le_bytes(word), print: row.print, ..Self::default() })
    }
}

#[derive(Debug)]
#[repr(align(64))]
struct Row {
    print: u64,
    keys: KeyUse,
    name: Option<Box<str>>,
    /// Operations when the last window began.
    operations_before: u64,
}

impl Row {
    const fn free() -> Self {
        Self { print: FREE, keys: KeyUse { hits: 0, misses: 0, writes: 0 }, name: None, operations_before: 0 }
    }
}

impl PrefixTable {
    /// Where the use of a key is counted. The prefixes used most are known by one comparison each.
    #[inline(always)]
    pub(in crate::engine) fn of(&mut self, key: &[u8]) -> &mut KeyUse {
        if let Some(first) = key.first_chunk() {
            let word = u64::from_le_bytes(*first);
            for at in 0..QUICK {
                if word & self.quick[at].mask == self.quick[at].word {
                    return &mut self.quick[at].keys;
                }
            }
        }
        self.find(key)
    }

    #[inline(never)]
    fn find(&mut self, key: &[u8]) -> &mut KeyUse {
        let (print, length) = print(key);
        let mask = self.rows.len().wrapping_sub(1);
        let mut at = place(print) & mask;
        while let Some(row) = self.rows.get(at) {
            if row.print == print {
                return &mut self.rows[at].keys;
            }
            if row.print == FREE {
                break;
            }
            at = (at + 1) & mask;
        }
        self.open(print, &key[..length])
    }

    /// A new row, if there is one left; its first use is counted in it, later ones where it is known quicker.
    #[cold]
    fn open(&mut self, print: u64, prefix: &[u8]) -> &mut KeyUse {
        if self.used >= PREFIXES_MAX {
            return &mut self.other;
        }
        if (self.used + 1) * 2 > self.rows.len() {
            let size = (self.rows.len() * 2).max(ROWS_MIN);
            self.rebuild(size);
        }
        let name = (print != NONE).then(|| String::from_utf8_lossy(prefix).into());
        self.used += 1;
        let row = Row { print, name, ..Row::free() };
        if let Some(free) = self.quick.iter_mut().find(|quick| quick.print == FREE) {
            *free = Quick::of(&row).unwrap_or_default();
        }
        let at = self.put(row);
        &mut self.rows[at].keys
    }

    fn rebuild(&mut self, size: usize) {
        let rows = std::mem::take(&mut self.rows);
        self.rows.resize_with(size, Row::free);
        for row in rows.into_iter().filter(|row| row.print != FREE) {
            self.put(row);
        }
    }

    fn put(&mut self, row: Row) -> usize {
        let mask = self.rows.len() - 1;
        let mut at = place(row.print) & mask;
        while self.rows[at].print != FREE {
            at = (at + 1) & mask;
        }
        self.rows[at] = row;
        at
    }

    /// A window begins. If all rows are taken, those that were not used in the last one are given up, so that prefixes which
    /// came once do not keep others out for ever.
    pub(in crate::engine) fn turn(&mut self) {
        self.flush();
        if self.used >= PREFIXES_MAX {
            for row in self.rows.iter_mut().filter(|row| row.print != FREE) {
                if row.keys.operations() == row.operations_before {
                    self.other.add(row.keys);
                    self.used -= 1;
                    *row = Row::free();
                }
            }
            self.rebuild(self.rows.len());
        }
        let late = |row: &Row| row.keys.operations() - row.operations_before;
        let mut known: Vec<(u64, Quick)> =
            self.rows.iter().filter_map(|row| Some((late(row), Quick::of(row)?))).collect();
        known.sort_by_key(|(late, _)| std::cmp::Reverse(*late));
        for (quick, (_, most)) in self.quick.iter_mut().zip(known) {
            *quick = most;
        }
        for row in &mut self.rows {
            row.operations_before = row.keys.operations();
        }
    }

    /// Adds what was counted by quick ways to the rows.
    fn flush(&mut self) {
        for quick in std::mem::take(&mut self.quick) {
            if let Some(row) = self.rows.iter_mut().find(|row| row.print == quick.print) {
                row.keys.add(quick.keys);
            }
        }
    }

    pub(in crate::engine) fn rows(&self) -> impl Iterator<Item = (Option<&str>, KeyUse)> {
        self.rows.iter().filter(|row| row.print != FREE).map(|row| {
            let mut keys = row.keys;
            self.quick.iter().filter(|quick| quick.print == row.print).for_each(|quick| keys.add(quick.keys));
            (row.name.as_deref(), keys)
        })
    }

    pub(in crate::engine) fn other(&self) -> KeyUse {
        self.other
    }
}

/// The prefix of a key, if it has one.
pub(in crate::engine) fn prefix_of(key: &str) -> Option<&str> {
    match print(key.as_bytes()) {
        (NONE, _) => None,
        (_, length) => key.get(..length),
    }
}

/// What a key's prefix is known by, and its length. Eight bytes at a time.
fn print(key: &[u8]) -> (u64, usize) {
    let (mut mix, mut at) = (0u64, 0);
    while at < key.len().min(PREFIX_BYTES_MAX) {
        let word = word_at(key, at);
        if let Some((rest, length)) = first_print(word) {
            return (mix ^ rest, at + length);
        }
        mix = (mix ^ word).wrapping_mul(SPREAD).rotate_left(29);
        at += 8;
    }
    (NONE, 0)
}

/// The bytes of a word before its first `:`, and how many they are.
#[inline(always)]
fn first_print(word: u64) -> Option<(u64, usize)> {
    let marks = word ^ COLONS;
    // The lowest byte that this marks is the first `:`; above it there may be more than there are.
    let found = marks.wrapping_sub(ONES) & !marks & HIGHS;
    if found == 0 {
        return None;
    }
    // All bits below the mark, and of those all but the seven that belong to the `:` itself.
    let below = (found & found.wrapping_neg()) - 1;
    Some((word & (below >> 7), found.trailing_zeros() as usize / 8))
}

/// Eight bytes of a key, zeros after its end.
#[inline]
fn word_at(key: &[u8], at: usize) -> u64 {
    if let Some(bytes) = key.get(at..).and_then(<[u8]>::first_chunk) {
        return u64::from_le_bytes(*bytes);
    }
    let left = key.len() - at;
    match key.last_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes) >> (64 - 8 * left),
        None => key.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

#[inline]
fn place(print: u64) -> usize {
    (print.wrapping_mul(SPREAD) >> 48) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What a prefix is, said as plainly as can be.
    fn plain(key: &str) -> Option<&str> {
        let (prefix, _) = key.split_once(':')?;
        (prefix.len() < PREFIX_BYTES_MAX).then_some(prefix)
    }

    fn counted(table: &PrefixTable) -> BTreeMap<Option<String>, u64> {
        table.rows().map(|(name, keys)| (name.map(str::to_owned), keys.operations())).collect()
    }

    proptest! {
        #[test]
        fn uses_are_counted_under_the_prefix_of_the_key(
            keys in prop::collection::vec("[a-c]{0,3}(:[a-c:]{0,9})?|[ab\u{e9}]{6,12}:?[a:]{0,12}|[ab]{28,36}:?x{0,9}", 0..300)
        ) {
            let (mut table, mut expected) = (PrefixTable::default(), BTreeMap::<_, u64>::new());
            for key in &keys {
                prop_assert_eq!(prefix_of(key), plain(key), "{}", key);
                table.of(key.as_bytes()).writes += 1;
                *expected.entry(plain(key).map(str::to_owned)).or_default() += 1;
            }
            let (rows, other) = (counted(&table), table.other().operations());
            if expected.len() <= PREFIXES_MAX {
                prop_assert_eq!((rows, other), (expected.clone(), 0));
                // Which prefixes are known quicker changes, not what is counted.
                table.turn();
                keys.iter().for_each(|key| table.of(key.as_bytes()).misses += 1);
                expected.values_mut().for_each(|uses| *uses *= 2);
                prop_assert_eq!(counted(&table), expected);
            } else {
                prop_assert_eq!(rows.len(), PREFIXES_MAX);
                prop_assert!(rows.iter().all(|(name, uses)| expected.get(name) == Some(uses)));
                prop_assert_eq!(rows.values().sum::<u64>() + other, keys.len() as u64);
            }
        }
    }

    #[test]
    fn prefixes_beyond_the_bound_are_counted_together_until_others_fall_idle() {
        let mut table = PrefixTable::default();
        let note = |table: &mut PrefixTable, prefix: &str| table.of(format!("{prefix}:1").as_bytes()).hits += 1;
        (0..PREFIXES_MAX).for_each(|at| note(&mut table, &format!("junk{at}")));
        note(&mut table, "user");
        assert_eq!((counted(&table).len(), table.other().operations()), (PREFIXES_MAX, 1));
        table.turn();
        note(&mut table, "junk7");
        table.turn();
        note(&mut table, "user");
        let rows = counted(&table);
        let expected = [(Some("junk7".to_owned()), 2), (Some("user".to_owned()), 1)];
        assert_eq!(rows, expected.into());
        assert_eq!(table.other().operations(), PREFIXES_MAX as u64, "63 idle ones and one of before");
    }
}
