//! Messages straight onto the end of an outgoing buffer: no allocation, byte strings by one copy.

use postcard::ser_flavors::Flavor;
use ringhold_model::wire::WireError;
use serde::Serialize;

/// Appends a message to `out`. After an error `out` may end in a part of it.
pub fn encode_onto<T: Serialize + ?Sized>(message: &T, out: &mut Vec<u8>) -> Result<(), WireError> {
    Ok(postcard::serialize_with_flavor(message, Append(out))?)
}

/// postcard's own flavors for growing buffers either own the vector or go byte by byte.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_appended_in_the_models_encoding() {
        let message = (7u8, "text", vec![1u64, 300, u64::MAX], Some(-3i32));
        let mut out = b"before".to_vec();
        encode_onto(&message, &mut out).unwrap();
        assert_eq!(&out[6..], ringhold_model::wire::encode(&message).unwrap());
    }
}
