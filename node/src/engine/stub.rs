//! What the table keeps in place of a value that a backend outside keeps: which row of the backend it is, and its size.
//!
//! The table says what exists; the backend holds the bytes. A row is current only while a stub in the table names it.

use ringhold_model::{Epoch, Version};

/// First byte of a stub. No JSON text begins with it.
const MARK: u8 = 0;
/// Bytes of a stub.
pub const STUB_BYTES: usize = 25;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stub {
    /// Names the row: the epoch of its range, and a number that its primary gave out once.
    pub stamp: Version,
    /// Length of the value, in bytes.
    pub size: u64,
}

impl Stub {
    /// The stub as a record's value.
    pub fn to_bytes(self) -> [u8; STUB_BYTES] {
        let mut bytes = [MARK; STUB_BYTES];
        bytes[1..9].copy_from_slice(&self.stamp.epoch.0.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.stamp.seq.to_be_bytes());
        bytes[17..].copy_from_slice(&self.size.to_be_bytes());
        bytes
    }

    /// The stub that a record's value is; `None`: it is a value.
    pub fn read(value: &[u8]) -> Option<Self> {
        if value.len() != STUB_BYTES || value[0] != MARK {
            return None;
        }
        let number = |at: usize| u64::from_be_bytes(value[at..at + 8].try_into().expect("eight bytes"));
        Some(Self { stamp: Version { epoch: Epoch(number(1)), seq: number(9) }, size: number(17) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_reads_as_it_was_written_and_no_value_reads_as_one() {
        let stub = Stub { stamp: Version { epoch: Epoch(u64::MAX), seq: 7 }, size: 1 << 40 };
        assert_eq!(Stub::read(&stub.to_bytes()), Some(stub));
        for value in [&b""[..], b"\"text of twenty-five bytes\"", b"1", &[0; 24]] {
            assert_eq!(Stub::read(value), None);
        }
    }
}
