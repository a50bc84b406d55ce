//! One item's immutable bytes: a single refcounted allocation with key, metadata, tags and value.
//!
//! ```text
//! | refcount 8 | length 8 | head 24 | key | metadata | tags (length byte + text, each) | value |
//! ```
//!
//! A read clones the pointer under the shard's lock and copies the bytes out after it; what changes with every access
//! lives in the slot, not here.

use std::cell::RefCell;

use ringhold_model::{
    Epoch, Version,
    config::{DataType, Strategy},
    wire::NewRecord,
};
use triomphe::{Arc, ThinArc};

/// Bytes of a block besides key, metadata, tags and value.
pub(super) const BLOCK_HEAD_BYTES: usize = 40;
/// Scratch space that a thread keeps between two writes.
const SCRATCH_BYTES_KEPT: usize = 256 * 1024;
const LOW_48: u64 = (1 << 48) - 1;
const KEY_BITS: u32 = 13;
const METADATA_BITS: u32 = 15;
const TAGS_BITS: u32 = 13;
const DATA_TYPE_BITS: u32 = 3;
const STRATEGY_BITS: u32 = 4;
const WORDS_BITS: u32 = DATA_TYPE_BITS + STRATEGY_BITS;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// An item's bytes; cloning counts a reference and copies nothing.
#[derive(Clone, Debug)]
pub struct Block(ThinArc<Head, u8>);

/// Three times 48 bits (epoch and seq of the version, creation in wall-clock milliseconds) and 48 bits of lengths and
/// words in what remains. 48 bits of milliseconds last for 8,900 years, 48 bits of log entries or effects longer still.
#[derive(Clone, Copy, Debug)]
struct Head([u64; 3]);

/// Lengths of the parts, without the value's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    key: usize,
    metadata: usize,
    tags: usize,
}

/// What the value is, and the item's own strategy.
type Words = (DataType, Option<Strategy>);

impl Block {
    /// Copies a record into one allocation. `None`: a part is longer than the protocol allows. The version is stamped later.
    pub fn build(key: &str, record: &NewRecord<'_>, created_at_ms: u64) -> Option<Self> {
        let metadata = record.metadata.unwrap_or_default();
        let shape =
            Shape { key: key.len(), metadata: metadata.len(), tags: record.tags.iter().map(|tag| tag.len() + 1).sum() };
        let packed = shape.pack((record.data_type, record.strategy))?;
        if record.tags.iter().any(|tag| tag.len() > usize::from(u8::MAX)) {
            return None;
        }
        let created = created_at_ms & LOW_48;
        let head = Head([packed << 48, (packed >> 16) << 48, created | ((packed >> 32) << 48)]);
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            scratch.extend_from_slice(key.as_bytes());
            scratch.extend_from_slice(metadata);
            for tag in &record.tags {
                scratch.push(tag.len() as u8);
                scratch.extend_from_slice(tag.as_bytes());
            }
            scratch.extend_from_slice(record.value);
            let block = Self(ThinArc::from_header_and_slice(head, scratch));
            scratch.shrink_to(SCRATCH_BYTES_KEPT);
            Some(block)
        })
    }

    /// The same record with another value. The version is stamped later.
    pub fn with_value(&self, value: &[u8]) -> Self {
        let shape = self.shape();
        let kept = shape.key + shape.metadata + shape.tags;
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            scratch.extend_from_slice(&self.0.slice[..kept]);
            scratch.extend_from_slice(value);
            Self(ThinArc::from_header_and_slice(self.head(), scratch))
        })
    }

    /// The same bytes in an allocation of their own, to be stamped with another version.
    pub(super) fn copied(&self) -> Self {
        Self(ThinArc::from_header_and_slice(self.head(), &self.0.slice))
    }

    /// A block from what [`Block::head_words`] and [`Block::payload`] gave. `None`: the head does not fit the bytes, which may be
    /// anything.
    pub(super) fn from_parts(head: [u64; 3], bytes: &[u8]) -> Option<Self> {
        let (shape, _) = (Head(head).shape(), Head(head).words()?);
        let (tags_from, value_from) = (shape.key + shape.metadata, shape.key + shape.metadata + shape.tags);
        let mut tags = bytes.get(tags_from..value_from)?;
        while let Some((&length, rest)) = tags.split_first() {
            let tag;
            (tag, tags) = rest.split_at_checked(usize::from(length))?;
            std::str::from_utf8(tag).ok()?;
        }
        let key = std::str::from_utf8(&bytes[..shape.key]).ok()?;
        (!key.is_empty()).then(|| Self(ThinArc::from_header_and_slice(Head(head), bytes)))
    }

    /// What is known of the block besides its bytes.
    pub(super) fn head_words(&self) -> [u64; 3] {
        self.head().0
    }

    /// Where it lies.
    pub(super) fn address(&self) -> *const u8 {
        self.0.heap_ptr().cast()
    }

    /// Key, metadata, tags and value.
    pub(super) fn payload(&self) -> &[u8] {
        &self.0.slice
    }

    /// Sets the version of a block that nobody else holds yet.
    pub(super) fn stamp(&mut self, version: Version) {
        self.0.with_arc_mut(|arc| {
            let head = Arc::get_mut(arc).expect("a new block has one owner").header_mut();
            head.0[0] = (head.0[0] & !LOW_48) | (version.epoch.0 & LOW_48);
            head.0[1] = (head.0[1] & !LOW_48) | (version.seq & LOW_48);
        });
    }

    /// The version of the record.
    pub fn version(&self) -> Version {
        let head = self.head();
        Version { epoch: Epoch(head.0[0] & LOW_48), seq: head.0[1] & LOW_48 }
    }

    /// When the item was written first or, if imported, where it came from; wall clock, milliseconds since 1970.
    pub fn created_at_ms(&self) -> u64 {
        self.head().0[2] & LOW_48
    }

    /// What the value is.
    pub fn data_type(&self) -> DataType {
        self.words().0
    }

    /// The item's own strategy; `None`: the config's.
    pub fn strategy(&self) -> Option<Strategy> {
        self.words().1
    }

    /// The key's bytes.
    pub fn key_bytes(&self) -> &[u8] {
        &self.0.slice[..self.shape().key]
    }

    /// The key.
    pub fn key(&self) -> &str {
        std::str::from_utf8(self.key_bytes()).expect("the key was copied from a str")
    }

    /// The metadata: text of a JSON object; `None`: null.
    pub fn metadata(&self) -> Option<&[u8]> {
        let shape = self.shape();
        (shape.metadata > 0).then(|| &self.0.slice[shape.key..shape.key + shape.metadata])
    }

    /// The value: JSON text.
    pub fn value(&self) -> &[u8] {
        let shape = self.shape();
        &self.0.slice[shape.key + shape.metadata + shape.tags..]
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let shape = self.shape();
        let from = shape.key + shape.metadata;
        let mut rest = &self.0.slice[from..from + shape.tags];
        std::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            let (tag, after) = after.split_at(usize::from(length));
            rest = after;
            Some(std::str::from_utf8(tag).expect("tags were copied from strs"))
        })
    }

    /// True when the record has a tag.
    pub fn is_tagged(&self) -> bool {
        self.shape().tags > 0
    }

    /// Length of all parts together.
    pub(super) fn payload_bytes(&self) -> usize {
        self.0.slice.len()
    }

    fn head(&self) -> Head {
        self.0.header.header
    }

    fn shape(&self) -> Shape {
        self.head().shape()
    }

    fn words(&self) -> Words {
        self.head().words().expect("the words of a block were checked when it was made")
    }
}

impl Head {
    fn packed(self) -> u64 {
        let Self([a, b, c]) = self;
        (a >> 48) | ((b >> 48) << 16) | ((c >> 48) << 32)
    }

    fn shape(self) -> Shape {
        let lengths = self.packed() >> WORDS_BITS;
        let part = |shift: u32, bits: u32| ((lengths >> shift) & ((1 << bits) - 1)) as usize;
        Shape {
            key: part(TAGS_BITS + METADATA_BITS, KEY_BITS),
            metadata: part(TAGS_BITS, METADATA_BITS),
            tags: part(0, TAGS_BITS),
        }
    }

    /// `None`: bytes that came from elsewhere name something that does not exist.
    fn words(self) -> Option<Words> {
        let packed = self.packed();
        let strategy = match ((packed >> DATA_TYPE_BITS) & ((1 << STRATEGY_BITS) - 1)).checked_sub(1) {
            None => None,
            Some(at) => Some(*Strategy::ALL.get(at as usize)?),
        };
        Some((*DataType::ALL.get((packed & ((1 << DATA_TYPE_BITS) - 1)) as usize)?, strategy))
    }
}

impl Shape {
    fn pack(self, (data_type, strategy): Words) -> Option<u64> {
        let fits = self.key < 1 << KEY_BITS && self.metadata < 1 << METADATA_BITS && self.tags < 1 << TAGS_BITS;
        let strategy = strategy.map_or(0, |strategy| 1 + strategy as u64);
        let words = (data_type as u64) | (strategy << DATA_TYPE_BITS);
        let lengths = (self.tags as u64)
            | ((self.metadata as u64) << TAGS_BITS)
            | ((self.key as u64) << (TAGS_BITS + METADATA_BITS));
        fits.then_some(words | (lengths << WORDS_BITS))
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::wire::Ttl;

    use super::*;

    #[test]
    fn a_block_gives_back_every_part() {
        let long = "m".repeat(16 * 1024);
        for metadata in [None, Some(long.as_bytes())] {
            for strategy in [None].into_iter().chain(Strategy::ALL.iter().copied().map(Some)) {
                for &data_type in DataType::ALL {
                    let record = NewRecord {
                        value: b"[1,2]",
                        metadata,
                        tags: vec!["a", "bb"],
                        data_type,
                        strategy,
                        ttl: Ttl::Default,
                        history: None,
                        when: vec![],
                    };
                    let key = "k".repeat(4096);
                    let mut block = Block::build(&key, &record, 1_700_000_000_123).unwrap();
                    let version = Version { epoch: Epoch(7), seq: 9 };
                    block.stamp(version);
                    assert_eq!((block.key(), block.value()), (key.as_str(), record.value));
                    assert_eq!(block.metadata(), metadata);
                    assert_eq!(block.tags().collect::<Vec<_>>(), record.tags);
                    assert_eq!((block.data_type(), block.strategy()), (data_type, strategy));
                    assert_eq!((block.version(), block.created_at_ms()), (version, 1_700_000_000_123));
                }
            }
        }
    }

    #[test]
    fn only_a_head_that_fits_its_bytes_makes_a_block() {
        let record = NewRecord {
            value: b"[1]",
            metadata: Some(b"{}"),
            tags: vec!["red", "\u{e9}"],
            data_type: DataType::Json,
            strategy: Some(Strategy::Lru),
            ttl: Ttl::Default,
            history: None,
            when: vec![],
        };
        let block = Block::build("key", &record, 5).unwrap();
        let (head, bytes) = (block.head_words(), block.payload());
        let again = Block::from_parts(head, bytes).unwrap();
        assert_eq!((again.head_words(), again.payload()), (head, bytes));
        for length in 0..bytes.len() - record.value.len() {
            assert!(Block::from_parts(head, &bytes[..length]).is_none(), "{length} bytes");
        }
        let mut made = 0;
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            made += usize::from(Block::from_parts(head, &broken).is_some_and(|block| walks(&block)));
        }
        for bit in 0..192 {
            let mut broken = head;
            broken[bit / 64] ^= 1 << (bit % 64);
            made += usize::from(Block::from_parts(broken, bytes).is_some_and(|block| walks(&block)));
        }
        assert!(made > 100, "most bits are of values, versions and times: {made}");
    }

    /// Uses every part; panics if one is none.
    fn walks(block: &Block) -> bool {
        let parts = (block.key(), block.metadata(), block.value(), block.data_type(), block.strategy());
        block.tags().count() + parts.0.len() > 0
    }

    #[test]
    fn an_overlong_part_is_refused() {
        let record = NewRecord {
            value: b"1",
            metadata: None,
            tags: vec![],
            data_type: DataType::Number,
            strategy: None,
            ttl: Ttl::Default,
            history: None,
            when: vec![],
        };
        assert!(Block::build(&"k".repeat(9000), &record, 0).is_none());
    }
}
