//! Typed message ↔ bytes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The bytes are not the expected message, or a message cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("malformed message: {0}")]
pub struct WireError(#[from] postcard::Error);

/// Writes a message.
pub fn encode<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, WireError> {
    Ok(postcard::to_stdvec(message)?)
}

/// Appends a message to `buffer`, so that several frames leave in one write.
pub fn encode_into<T: Serialize + ?Sized, B: Extend<u8>>(message: &T, buffer: B) -> Result<B, WireError> {
    Ok(postcard::to_extend(message, buffer)?)
}

/// Reads a message that may borrow from `bytes`. Bytes left over are an error.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    let (message, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() { Ok(message) } else { Err(WireError(postcard::Error::DeserializeBadEncoding)) }
}
