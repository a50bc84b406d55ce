//! What a backend is given to keep: rows, each with a stamp that orders it among the rows of its key.

use std::sync::Arc;

use bytes::Bytes;
use ringhold_model::{
    ClusterId, Epoch, Version,
    config::{DataType, Strategy},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What every row begins with, before its stamp.
const HEAD: &[u8] = b"{\"ver\":\"";
/// Digits of a stamp as text.
pub const STAMP_DIGITS: usize = 48;
/// Bytes of a row up to the end of its stamp.
pub const HEAD_BYTES: usize = 8 + STAMP_DIGITS;

/// Names a row's item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// Name of the namespace.
    pub namespace: Arc<str>,
    /// The key.
    pub key: Box<str>,
}

/// Orders the rows of one key. Of rows of different clusters neither is older: the one that is written stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Who wrote it.
    pub cluster: ClusterId,
    /// Epoch of the range, and a number that its primary gave out once.
    pub number: Version,
}

/// A row to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its item.
    pub key: RowKey,
    /// Its stamp, which the body holds too.
    pub stamp: Stamp,
    /// Milliseconds that the backend is to keep it; `None`: until it is removed.
    pub ttl_ms: Option<u64>,
    /// JSON text that begins with the stamp; see [`Envelope`].
    pub body: Bytes,
}

/// The body of a row: an item with all that is known of it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Envelope<'a> {
    /// The stamp; first, in a place that backends find without reading the rest.
    pub ver: Box<str>,
    /// The key.
    pub key: Box<str>,
    /// What the value is.
    pub data_type: DataType,
    /// The item's own strategy.
    pub strategy: Option<Strategy>,
    /// Wall clock, milliseconds since 1970.
    pub created_at_ms: u64,
    /// Wall clock at which it ends; `None`: it does not expire.
    pub expires_at_ms: Option<u64>,
    /// Its tags.
    pub tags: Vec<Box<str>>,
    /// JSON object.
    #[serde(borrow)]
    pub metadata: Option<&'a RawValue>,
    /// The value.
    #[serde(borrow)]
    pub value: &'a RawValue,
}

impl Stamp {
    /// The stamp as text: digits whose order is that of the stamps of a cluster.
    pub fn to_text(self) -> String {
        format!("{:016x}{:016x}{:016x}", self.cluster.0, self.number.epoch.0, self.number.seq)
    }

    /// The stamp of such a text.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = |at: usize| u64::from_str_radix(text.get(at..at + 16)?, 16).ok();
        (text.len() == STAMP_DIGITS).then_some(())?;
        let number = Version { epoch: Epoch(digits(16)?), seq: digits(32)? };
        Some(Self { cluster: ClusterId(digits(0)?), number })
    }

    /// The stamp of a row; `None`: the bytes are none.
    pub fn of(body: &[u8]) -> Option<Self> {
        let text = body.strip_prefix(HEAD)?.get(..STAMP_DIGITS)?;
        Self::from_text(std::str::from_utf8(text).ok()?)
    }

    /// Whether this row must not take the place of one with the stamp `there`.
    pub fn is_older_than(self, there: Self) -> bool {
        self.cluster == there.cluster && self.number < there.number
    }
}

impl Envelope<'_> {
    /// The row's body.
    ///
    /// # Errors
    /// The item is not what JSON can hold, which its checks exclude.
    pub fn to_body(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(cluster: u64, epoch: u64, seq: u64) -> Stamp {
        Stamp { cluster: ClusterId(cluster), number: Version { epoch: Epoch(epoch), seq } }
    }

    #[test]
    fn stamps_are_ordered_as_their_texts_are() {
        let stamps = [stamp(1, 1, 1), stamp(1, 1, 2), stamp(1, 2, 0), stamp(1, 2, u64::MAX), stamp(1, 300, 4)];
        for pair in stamps.windows(2) {
            assert!(pair[0].is_older_than(pair[1]) && !pair[1].is_older_than(pair[0]));
            assert!(pair[0].to_text() < pair[1].to_text());
            assert_eq!(Stamp::from_text(&pair[0].to_text()), Some(pair[0]));
        }
        assert!(!stamp(1, 1, 1).is_older_than(stamp(2, 9, 9)), "rows of another cluster hold up nobody");
    }

    #[test]
    fn a_body_shows_its_stamp_before_anything_else() {
        let stamp = stamp(7, 8, 9);
        let value = RawValue::from_string("[1, 2]".into()).unwrap();
        let envelope = Envelope {
            ver: stamp.to_text().into(),
            key: "k".into(),
            data_type: DataType::List,
            strategy: Some(Strategy::Lfu),
            created_at_ms: 5,
            expires_at_ms: None,
            tags: vec!["t".into()],
            metadata: None,
            value: &value,
        };
        let body = envelope.to_body().unwrap();
        assert_eq!(Stamp::of(&body), Some(stamp));
        let read: Envelope<'_> = serde_json::from_slice(&body).unwrap();
        assert_eq!((read.value.get(), read.strategy, &*read.tags[0]), ("[1, 2]", Some(Strategy::Lfu), "t"));
        assert_eq!(Stamp::of(b"{\"ver\":\"1\"}"), None);
    }
}
