//! Settings of who may call.

use ringhold_router::{Authentication, Secret};

use super::{parse, read::Reader};

/// Below this many bytes a key can be guessed, and is warned about.
const KEY_BYTES_FEW: usize = 16;
/// RFC 7518 asks for a secret as long as the signature.
const JWT_BYTES_FEW: usize = 32;

/// How callers are told apart; `None`: they are not.
pub(super) fn authentication(reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> Option<Authentication> {
    let is_on = reader.boolean("CACHE_AUTH_ENABLED");
    let mut secret = |name, few| {
        let text = reader.optional(name, parse::plain)?;
        if !is_on {
            warnings.push(format!(
                "{name} is set, but CACHE_AUTH_ENABLED is false: the API is open to everyone who reaches it"
            ));
        } else if text.len() < few {
            warnings.push(format!("{name} is shorter than {few} bytes; it may be guessed"));
        }
        Some(Secret(text))
    };
    let api_key = secret("CACHE_API_KEY", KEY_BYTES_FEW);
    let jwt_secret = secret("CACHE_JWT_SECRET", JWT_BYTES_FEW);
    if is_on && api_key.is_none() && jwt_secret.is_none() {
        warnings.push(
            "CACHE_AUTH_ENABLED is true without CACHE_API_KEY and CACHE_JWT_SECRET: only keys that the cluster has already open \
             anything"
                .to_owned(),
        );
    }
    is_on.then_some(Authentication { api_key, jwt_secret })
}
