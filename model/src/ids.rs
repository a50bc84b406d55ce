//! Newtypes for everything that could be confused with another number.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One cluster, drawn at random when it is formed. Zero means "not known yet".
    ClusterId(u64)
);
id!(
    /// A member of the cluster for as long as its data folder lives. Handed out by the replicated counter
    /// `ClusterState::next_node`, so an id is never reused, not even after its node was wiped.
    NodeId(u64)
);
id!(
    /// One run of a node's process: the log index of the `NodeStart` entry that announced it. Memory does not outlive it.
    Incarnation(u64)
);
id!(
    /// One term of a range under one primary: the log index of the entry that began it. Grows with every change of primary.
    Epoch(u64)
);
id!(
    /// Membership of one node in one range: the log index at which the node was added to it.
    Mid(u64)
);
id!(
    /// One of the equal parts of the hash space, numbered from the lowest hash up.
    RangeId(u16)
);
id!(
    /// A namespace, numbered by the log index that created it; never reused.
    NamespaceId(u64)
);
id!(
    /// How often a (namespace, backend) was cleared: the log index of the last clear. Records of older ones are invisible.
    Generation(u64)
);
id!(
    /// An API key, drawn at random; it stands in the key's text.
    KeyId(u64)
);
id!(
    /// One run of one router worker, drawn at random at its start.
    RouterId(u64)
);

/// Names one write: `n` counts up within one router worker's run. A retry carries the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpId {
    /// Who sent the operation.
    pub router: RouterId,
    /// Its place in the order of that router's operations, from 1.
    pub n: u64,
}

/// The version of a record: the epoch of its range and its place in that epoch's order of effects.
/// Totally ordered within a range; clients see it as an opaque string and as the ETag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The range's epoch when the record was written.
    pub epoch: Epoch,
    /// Counts the effects of that epoch, from 1.
    pub seq: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

/// The text is no version that this cluster ever gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no version")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    /// Reads exactly what `Display` writes: versions are compared as texts by clients, so each has one text.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let (epoch, seq) = text.split_once('-').ok_or(NoVersion)?;
        Ok(Self { epoch: Epoch(plain(epoch)?), seq: plain(seq)? })
    }
}

/// A number without sign and leading zeros.
fn plain(digits: &str) -> Result<u64, NoVersion> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if is_plain { digits.parse().map_err(|_| NoVersion) } else { Err(NoVersion) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_text() {
        for version in
            [Version::default(), Version { epoch: Epoch(12), seq: 345 }, Version { epoch: Epoch(u64::MAX), seq: 1 }]
        {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        for text in ["", "-", "1", "1-", "-1", "01-1", "1-01", "+1-1", "1-1-1", "1 -1", "1-18446744073709551616", "a-b"]
        {
            assert_eq!(text.parse::<Version>(), Err(NoVersion), "{text}");
        }
    }
}
