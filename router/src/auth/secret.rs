//! Texts of keys: made, hashed and compared.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use ringhold_model::{KeyId, cluster::SecretHash};
use subtle::ConstantTimeEq;

/// What every text begins with, so that people and scanners of leaks know one when they see it.
const MARK: &str = "rh_";
/// Digits of the id.
const ID_DIGITS: usize = 16;
/// Random bytes of a text: not to be guessed, so that a plain hash of it is not to be turned back.
const SECRET_BYTES: usize = 32;

/// A text that must not be seen. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// An id as it stands in texts and paths: 16 hexadecimal digits.
pub(crate) fn id_text(id: KeyId) -> String {
    format!("{:016x}", id.0)
}

/// Reads an id; only the one spelling that [`id_text`] gives.
pub(crate) fn parse_id(text: &str) -> Option<KeyId> {
    let is_spelt = text.len() == ID_DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    u64::from_str_radix(text, 16).ok().filter(|_| is_spelt).map(KeyId)
}

/// A new id. `None`: the system gives no randomness.
pub(crate) fn new_id() -> Option<KeyId> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(KeyId(u64::from_le_bytes(bytes)))
}

/// A new text for the key `id`. `None`: the system gives no randomness.
pub(crate) fn new_text(id: KeyId) -> Option<Secret> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Secret(format!("{MARK}{}_{}", id_text(id), URL_SAFE_NO_PAD.encode(bytes))))
}

/// The id in a key's text; `None`: it is none of ours.
pub(super) fn id_in(text: &str) -> Option<KeyId> {
    let (id, secret) = text.strip_prefix(MARK)?.split_once('_')?;
    parse_id(id).filter(|_| !secret.is_empty())
}

/// The hash that recognises a text.
pub(crate) fn hash(text: &str) -> SecretHash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    SecretHash(bytes)
}

/// Compares in a time that tells nothing.
pub(super) fn is_same(one: &SecretHash, other: &SecretHash) -> bool {
    one.0.ct_eq(&other.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_text_holds_its_id_and_is_never_the_same() {
        let id = new_id().unwrap();
        let (one, other) = (new_text(id).unwrap(), new_text(id).unwrap());
        assert_ne!(one, other);
        assert_eq!((id_in(&one.0), one.0.len()), (Some(id), 3 + 16 + 1 + 43));
        assert!(is_same(&hash(&one.0), &hash(&one.0)) && !is_same(&hash(&one.0), &hash(&other.0)));
        assert!(!format!("{one:?}").contains(&one.0));
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(parse_id(&id_text(KeyId(0xab))), Some(KeyId(0xab)));
        for text in ["", "ab", "00000000000000AB", "+0000000000000ab", "00000000000000ab0", "00000000000000a\u{e9}"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
        for text in ["", "rh_", "rh_00000000000000ab", "rh_00000000000000ab_", "xx_00000000000000ab_s"] {
            assert_eq!(id_in(text), None, "{text}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hex: String = hash("abc").0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
