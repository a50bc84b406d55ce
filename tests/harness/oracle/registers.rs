//! Keys with one writer at a time: each write has a number, and no read may go below the highest number that is known.

use std::collections::HashMap;

use super::violation::{Outcome, Violation, Wrong};

/// Every so many writes of a key, one is a delete. Fixed, so that the kind of a write need not be remembered.
const DELETE_EVERY: u32 = 5;

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Set,
    Delete,
}

/// The kind of a key's write number `n`, from 1.
pub fn kind_of(n: u32) -> Kind {
    if n.is_multiple_of(DELETE_EVERY) { Kind::Delete } else { Kind::Set }
}

/// All keys of this class, by number.
#[derive(Debug, Default)]
pub struct Registers {
    keys: Vec<Register>,
    /// Keys on which a write ended otherwise than acknowledged. Rare, so the others need not carry it.
    troubled: HashMap<u32, Trouble>,
    /// A miss is always right, because items are evicted.
    evicts: bool,
    /// Counts begins and ends of operations.
    now: u64,
}

/// One key. Small, because there are hundreds of thousands.
#[derive(Clone, Copy, Debug, Default)]
struct Register {
    /// Number of the last write that began.
    issued: u32,
    /// Highest acknowledged write.
    acked: u32,
    /// Highest write that a read returned and whose place in the order is certain.
    seen: u32,
    /// A write is under way.
    is_busy: bool,
    /// Everything up to `acked` was lost with all copies: only emptiness or a newer write may be seen.
    is_reset: bool,
}

impl Register {
    fn floor(&self) -> u32 {
        self.acked.max(self.seen)
    }
}

#[derive(Debug, Default)]
struct Trouble {
    /// Writes with unknown outcome that no read has returned yet, or that one has.
    wild: Vec<Wild>,
    /// Writes that were surely refused.
    void: Vec<u32>,
}

/// A write that takes effect when it likes, once, or never.
#[derive(Clone, Copy, Debug)]
struct Wild {
    n: u32,
    /// When a read that returned it ended.
    seen: Option<u64>,
    /// Since when it is certain that it was overwritten.
    spent: Option<u64>,
}

impl Trouble {
    fn wild_mut(&mut self, n: u32) -> Option<&mut Wild> {
        self.wild.iter_mut().find(|wild| wild.n == n)
    }

    fn is_special(&self, n: u32) -> bool {
        self.void.contains(&n) || self.wild.iter().any(|wild| wild.n == n)
    }
}

/// A write under way.
#[derive(Clone, Copy, Debug)]
pub struct WriteTicket {
    pub key: u32,
    pub n: u32,
    pub kind: Kind,
    began: u64,
}

/// A read under way, with what was known when it began.
#[derive(Clone, Copy, Debug)]
pub struct ReadTicket {
    pub key: u32,
    began: u64,
    then: Register,
}

/// What a read returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The value of this write of this key.
    Value(u32),
    /// A miss.
    Nothing,
    /// Something that is no value of this key at all.
    Strange(String),
}

impl Registers {
    /// Keys that were never written.
    pub fn new(keys: usize) -> Self {
        Self { keys: vec![Register::default(); keys], ..Self::default() }
    }

    /// The same, of a cache that evicts.
    pub fn evicting(mut self, evicts: bool) -> Self {
        self.evicts = evicts;
        self
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Begins the next write of a key; `None` while another is under way.
    pub fn begin_write(&mut self, key: u32) -> Option<WriteTicket> {
        self.now += 1;
        let register = &mut self.keys[key as usize];
        if register.is_busy {
            return None;
        }
        register.is_busy = true;
        register.issued += 1;
        Some(WriteTicket { key, n: register.issued, kind: kind_of(register.issued), began: self.now })
    }

    pub fn end_write(&mut self, write: WriteTicket, outcome: Outcome) {
        self.now += 1;
        let now = self.now;
        let register = &mut self.keys[write.key as usize];
        register.is_busy = false;
        // What a read has returned was done, whatever its writer was told.
        if outcome == Outcome::Done || (outcome == Outcome::Unknown && register.seen == write.n) {
            register.acked = write.n;
            register.is_reset = false;
            if let Some(trouble) = self.troubled.get_mut(&write.key) {
                let before = |wild: &&mut Wild| wild.seen.is_some_and(|seen| seen < write.began);
                trouble.wild.iter_mut().filter(before).for_each(|wild| _ = wild.spent.get_or_insert(now));
            }
            return;
        }
        let trouble = self.troubled.entry(write.key).or_default();
        match outcome {
            Outcome::NotApplied => trouble.void.push(write.n),
            _ => trouble.wild.push(Wild { n: write.n, seen: None, spent: None }),
        }
    }

    pub fn begin_read(&mut self, key: u32) -> ReadTicket {
        self.now += 1;
        ReadTicket { key, began: self.now, then: self.keys[key as usize] }
    }

    /// Checks what a read returned, and remembers it for the reads to come.
    ///
    /// # Errors
    /// What is wrong with it, without the key's name.
    pub fn end_read(&mut self, read: &ReadTicket, seen: &Seen) -> Result<(), Violation> {
        self.now += 1;
        match seen {
            Seen::Value(n) => self.saw_value(read, *n),
            Seen::Nothing => self.saw_nothing(read),
            Seen::Strange(what) => Err(Violation::new(Wrong::NeverWritten, "", what.clone())),
        }
    }

    fn saw_value(&mut self, read: &ReadTicket, n: u32) -> Result<(), Violation> {
        let register = self.keys[read.key as usize];
        if n == 0 || n > register.issued || kind_of(n) == Kind::Delete {
            let detail = format!("value {n}, the last write is {}", register.issued);
            return Err(Violation::new(Wrong::NeverWritten, "", detail));
        }
        let now = self.now;
        if let Some(trouble) = self.troubled.get_mut(&read.key) {
            if trouble.void.contains(&n) {
                return Err(Violation::new(Wrong::Refused, "", format!("value {n} was answered with not_applied")));
            }
            let is_wild = match trouble.wild_mut(n) {
                Some(wild) if wild.spent.is_some_and(|spent| spent < read.began) => {
                    return Err(Violation::new(Wrong::WentBack, "", format!("value {n} was seen to be overwritten")));
                }
                Some(wild) => {
                    wild.seen.get_or_insert(now);
                    true
                }
                None => false,
            };
            spend_others(trouble, read.began, n, now);
            if is_wild {
                self.settle(read.key, n);
                return Ok(());
            }
        }
        check_floor(&read.then, n)?;
        let register = &mut self.keys[read.key as usize];
        register.seen = register.seen.max(n);
        Ok(())
    }

    /// A write that was seen, though nobody knew what became of it, is as good as acknowledged when nothing can have followed it.
    fn settle(&mut self, key: u32, n: u32) {
        let register = &mut self.keys[key as usize];
        let Some(trouble) = self.troubled.get_mut(&key) else { return };
        let is_last = n == register.issued && trouble.wild.iter().all(|wild| wild.n == n || wild.spent.is_some());
        if is_last {
            trouble.wild.retain(|wild| wild.n != n);
            (register.acked, register.is_reset) = (n, false);
        }
    }

    fn saw_nothing(&mut self, read: &ReadTicket) -> Result<(), Violation> {
        let (register, then) = (self.keys[read.key as usize], read.then);
        let now = self.now;
        let trouble = self.troubled.get_mut(&read.key);
        let is_removed_late = trouble.as_ref().is_some_and(|trouble| {
            let may_act = |wild: &Wild| kind_of(wild.n) == Kind::Delete && wild.spent.is_none_or(|at| at > read.began);
            trouble.wild.iter().any(may_act)
        });
        let is_ordinary = |n: u32| trouble.as_ref().is_none_or(|trouble| !trouble.is_special(n));
        let floor = then.floor();
        let removal = (floor.max(1)..=register.issued).find(|n| kind_of(*n) == Kind::Delete && is_ordinary(*n));
        let is_empty = floor == 0 || (then.is_reset && then.seen <= then.acked);
        if let Some(trouble) = trouble {
            spend_others(trouble, read.began, 0, now);
        }
        match removal {
            // It is the least that is certain only while nothing else can be the reason.
            Some(n) if !is_removed_late && !is_empty && !self.evicts => {
                let register = &mut self.keys[read.key as usize];
                register.seen = register.seen.max(n);
                Ok(())
            }
            Some(_) => Ok(()),
            None if is_removed_late || is_empty || self.evicts => Ok(()),
            None => {
                let detail = format!("a miss; write {floor} must be there, the last is {}", register.issued);
                Err(Violation::new(Wrong::Lost, "", detail))
            }
        }
    }

    /// Notes that all copies of everything were lost: what was there is gone for good, and nothing old may return.
    pub fn reset(&mut self) {
        self.troubled.clear();
        for register in &mut self.keys {
            assert!(!register.is_busy, "only a cluster at rest can be reset");
            register.acked = register.issued;
            register.is_reset = true;
        }
    }

    /// How many writes have an unknown outcome.
    pub fn wild(&self) -> usize {
        self.troubled.values().map(|trouble| trouble.wild.len()).sum()
    }

    /// Bytes that one key takes.
    pub const fn bytes_per_key() -> usize {
        size_of::<Register>()
    }
}

/// A read that began after `seen` and returned something else than that write shows that it was overwritten.
fn spend_others(trouble: &mut Trouble, began: u64, returned: u32, now: u64) {
    for wild in &mut trouble.wild {
        if wild.n != returned && wild.seen.is_some_and(|seen| seen < began) {
            wild.spent.get_or_insert(now);
        }
    }
}

/// Whether the value of write `n`, which has its place in the order, may be returned by a read that began at `then`.
fn check_floor(then: &Register, n: u32) -> Result<(), Violation> {
    let is_gone = then.is_reset && n <= then.acked;
    if n >= then.floor() && !is_gone {
        return Ok(());
    }
    let detail = format!("value {n}; acknowledged was {}, seen {}", then.acked, then.seen);
    let wrong = if is_gone || kind_of(then.floor()) == Kind::Delete {
        Wrong::Resurrected
    } else if n < then.acked {
        Wrong::Stale
    } else {
        Wrong::WentBack
    };
    Err(Violation::new(wrong, "", detail))
}
