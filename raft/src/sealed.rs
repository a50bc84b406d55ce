//! The envelope around every stored value: a version byte and a checksum, then postcard.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// Why a value does not open.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {why}")]
pub struct SealError {
    name: String,
    why: String,
}

/// Version of the stored values; a later one brings a migration from this.
const VERSION: u8 = 1;
/// Version byte and checksum.
const HEADER: usize = 1 + 8;

/// Wraps a value. `what` seals it to its place: a record that turns up under another key does not open.
pub(crate) fn seal<T: Serialize>(what: u64, value: &T) -> Result<Vec<u8>, SealError> {
    let mut bytes = vec![0; HEADER];
    bytes[0] = VERSION;
    let mut bytes = postcard::to_extend(value, bytes)
        .map_err(|error| SealError { name: "a value".to_owned(), why: error.to_string() })?;
    let sum = checksum(what, &bytes[HEADER..]);
    bytes[1..HEADER].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// Opens a sealed value; `name` is for the error.
pub(crate) fn open<T: DeserializeOwned>(what: u64, name: &str, bytes: &[u8]) -> Result<T, SealError> {
    let corrupt = |why: &str| SealError { name: name.to_owned(), why: why.to_owned() };
    let (header, body) = bytes.split_at_checked(HEADER).ok_or_else(|| corrupt("cut short"))?;
    if header[0] != VERSION {
        return Err(corrupt(&format!("format version {} is not known here", header[0])));
    }
    if header[1..] != checksum(what, body).to_le_bytes() {
        return Err(corrupt("wrong checksum"));
    }
    postcard::from_bytes(body).map_err(|error| corrupt(&error.to_string()))
}

fn checksum(what: u64, body: &[u8]) -> u64 {
    xxh3_64(body) ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_whole_and_in_its_place() {
        let sealed = seal(7, &"hello".to_owned()).unwrap();
        assert_eq!(open::<String>(7, "x", &sealed).unwrap(), "hello");
        assert!(open::<String>(8, "x", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(open::<String>(7, "x", &sealed[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 0x10;
            assert!(open::<String>(7, "x", &bad).is_err(), "flipped at {at}");
        }
    }
}
