//! JSON web tokens (RFC 7519) signed with HMAC-SHA-256: the one algorithm that is taken, whatever a token says of itself.
//!
//! | claim | meaning |
//! | --- | --- |
//! | `exp` | end, seconds since 1970; must be there |
//! | `nbf` | begin; the clocks may differ by [`LEEWAY_S`] |
//! | `scopes` (list) or `scope` (words) | `read`, `write`, `admin`; others are passed over |
//! | `namespaces` | list of namespaces; left out: all |
//! | `key_patterns` | list of patterns of keys; left out: all |

use std::{collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use ring::hmac;
use ringhold_model::{
    cluster::{Scopes, SecretHash},
    pattern::Pattern,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{grant::Grant, secret::Secret};

/// Tokens that were found good lately. When they are more, all are forgotten: a token costs little to verify anew.
const VERIFIED_MAX: usize = 1_024;
/// How far the clock of who signs may be ahead, in seconds.
const LEEWAY_S: f64 = 30.0;

/// Verifies tokens.
pub(super) struct Tokens {
    key: hmac::Key,
    /// By the hash of the token; every worker looks and writes, never across a wait.
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

#[derive(Clone)]
struct Verified {
    grant: Arc<Grant>,
    ends_at_s: f64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    scopes: Option<Vec<String>>,
    scope: Option<String>,
    namespaces: Option<Vec<String>>,
    key_patterns: Option<Vec<String>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// Verifies what was signed with this secret.
    pub(super) fn new(secret: &Secret) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes()), verified: Mutex::default() }
    }

    /// What the token opens; `hash` is its hash.
    pub(super) fn find(&self, token: &str, hash: &SecretHash, now_ms: u64) -> Option<Arc<Grant>> {
        let now_s = now_ms as f64 / 1_000.0;
        let lives = |verified: &Verified| now_s < verified.ends_at_s;
        let known = self.verified.lock().get(&hash.0).cloned();
        if let Some(known) = known {
            return lives(&known).then_some(known.grant);
        }
        let verified = self.verify(token, now_s).filter(lives)?;
        let mut all = self.verified.lock();
        if all.len() >= VERIFIED_MAX {
            all.clear();
        }
        all.insert(hash.0, verified.clone());
        Some(verified.grant)
    }

    /// Signature first: nothing of a token is read before it is known to be ours.
    fn verify(&self, token: &str, now_s: f64) -> Option<Verified> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        hmac::verify(&self.key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let header: Header = part(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return None;
        }
        let claims: Claims = part(claims)?;
        if claims.nbf.is_some_and(|begin| begin > now_s + LEEWAY_S) {
            return None;
        }
        let patterns =
            claims.key_patterns.as_ref().map(|texts| texts.iter().map(|text| Pattern::parse(text)).collect());
        let patterns: Option<Vec<Pattern>> = patterns.transpose().ok()?;
        let grant = Grant { scopes: claims.scopes(), namespaces: claims.namespaces, patterns };
        Some(Verified { grant: Arc::new(grant), ends_at_s: claims.exp })
    }
}

impl Claims {
    fn scopes(&self) -> Scopes {
        let listed = self.scopes.iter().flatten().map(String::as_str);
        let words = self.scope.iter().flat_map(|text| text.split(' '));
        let mut scopes = Scopes::default();
        for word in listed.chain(words) {
            match word {
                "read" => scopes.read = true,
                "write" => scopes.write = true,
                "admin" => scopes.admin = true,
                _ => {}
            }
        }
        scopes
    }
}

fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{super::secret, *};

    const NOW_MS: u64 = 1_000_000_000;

    fn signed(secret: &str, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn found(token: &str) -> Option<Arc<Grant>> {
        Tokens::new(&Secret("s".into())).find(token, &secret::hash(token), NOW_MS)
    }

    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn claims_become_a_grant() {
        let claims = r#"{"exp": 1000001, "nbf": 1000029, "scopes": ["read", "other"], "scope": "write x",
            "namespaces": ["a"], "key_patterns": ["user:*"]}"#;
        let grant = found(&signed("s", HEADER, claims)).unwrap();
        assert_eq!(grant.scopes, Scopes { read: true, write: true, admin: false });
        assert!(grant.sees("a") && !grant.sees("default"));
        assert_eq!(grant.patterns.as_ref().map(Vec::len), Some(1));
        assert!(found(&signed("s", HEADER, r#"{"exp": 1000000.5}"#)).unwrap().namespaces.is_none());
    }

    #[test]
    fn what_is_not_surely_good_is_refused() {
        let good = r#"{"exp": 2000000, "scopes": ["admin"]}"#;
        assert!(found(&signed("s", HEADER, good)).is_some());
        let unsigned = |header: &str| format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(good));
        for token in [
            signed("other", HEADER, good),
            unsigned(r#"{"alg":"none"}"#),
            unsigned(HEADER),
            signed("s", r#"{"alg":"none"}"#, good),
            signed("s", r#"{"alg":"HS512"}"#, good),
            signed("s", r#"{"alg":"HS256","crit":["x"]}"#, good),
            signed("s", HEADER, r#"{"scopes": ["admin"]}"#),
            signed("s", HEADER, r#"{"exp": 1000000}"#),
            signed("s", HEADER, r#"{"exp": "2000000"}"#),
            signed("s", HEADER, r#"{"exp": null}"#),
            signed("s", HEADER, r#"{"exp": 2000000, "nbf": 1000031}"#),
            signed("s", HEADER, r#"{"exp": 2000000, "nbf": "x"}"#),
            signed("s", HEADER, r#"{"exp": 2000000, "namespaces": "a"}"#),
            signed("s", HEADER, r#"{"exp": 2000000, "key_patterns": [""]}"#),
            signed("s", HEADER, r#"{"exp": 2000000, "exp": 3000000}"#),
            format!("{}=", signed("s", HEADER, good)),
            format!("x.{}", signed("s", HEADER, good)),
            "..".into(),
            ".".into(),
            String::new(),
        ] {
            assert!(found(&token).is_none(), "{token}");
        }
    }

    #[test]
    fn a_token_that_was_good_ends_all_the_same() {
        let tokens = Tokens::new(&Secret("s".into()));
        let token = signed("s", HEADER, r#"{"exp": 1000001}"#);
        let hash = secret::hash(&token);
        assert!(tokens.find(&token, &hash, NOW_MS).is_some());
        assert!(tokens.find(&token, &hash, NOW_MS + 999).is_some());
        assert!(tokens.find(&token, &hash, NOW_MS + 1_000).is_none());
    }

    /// The key and the signature of RFC 7515, appendix A.1.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert!(hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
    }
}
