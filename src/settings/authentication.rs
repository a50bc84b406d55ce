//! Settings of who may call, and of the wire that calls come by.

use std::path::PathBuf;

use ringhold_router::{Authentication, Secret, TlsFiles};

use super::{parse, read::Reader};

/// Below this many bytes a key can be guessed, and is warned about.
const KEY_BYTES_FEW: usize = 16;
/// RFC 7518 asks for a secret as long as the signature.
const JWT_BYTES_FEW: usize = 32;

/// Where the certificate of the API is; `None`: it speaks plain HTTP.
pub(super) fn tls(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let mut path = |name| reader.optional(name, parse::plain).map(PathBuf::from);
    let (certificate, key) = (path("TLS_CERT_FILE"), path("TLS_KEY_FILE"));
    let client_ca = path("TLS_CLIENT_CA_FILE");
    match (certificate, key) {
        (Some(certificate), Some(key)) => return Some(TlsFiles { certificate, key, client_ca }),
        (Some(_), None) => reader.refuse("TLS_CERT_FILE", "TLS_KEY_FILE beside it: the certificate's private key"),
        (None, Some(_)) => reader.refuse("TLS_KEY_FILE", "TLS_CERT_FILE beside it: the key's certificate"),
        (None, None) => {}
    }
    if client_ca.is_some() {
        reader.refuse(
            "TLS_CLIENT_CA_FILE",
            "TLS_CERT_FILE and TLS_KEY_FILE beside it: clients show certificates over TLS only",
        );
    }
    None
}

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
