//! Lets calls in, or not.

use std::sync::Arc;

use http::{HeaderMap, Method};
use ringhold_model::cluster::SecretHash;

use super::{
    credential::credential,
    grant::Grant,
    keys::Keys,
    need::{Need, need},
    secret,
    token::Tokens,
};
use crate::{
    Authentication,
    rest::{self, ApiError},
};

/// What a router needs to know to tell callers apart, beside the replicated keys.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Hash of the key of the settings.
    first_key: Option<SecretHash>,
    tokens: Option<Tokens>,
    everything: Arc<Grant>,
}

/// What is to be said to a call.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It may go on; `None`: it needs no grant.
    Admitted(Option<Arc<Grant>>),
    /// Nobody was recognised. True: the credential looks like a key, so that a newer state may know it.
    Unknown(bool),
    /// The caller may not do this.
    Refused(ApiError),
}

impl Gate {
    /// A gate as the settings say.
    pub(crate) fn new(settings: &Authentication) -> Self {
        Self {
            first_key: settings.api_key.as_ref().map(|key| secret::hash(&key.0)),
            tokens: settings.jwt_secret.as_ref().map(Tokens::new),
            everything: Arc::new(Grant::everything()),
        }
    }

    /// Judges a call by its head.
    pub(crate) fn judge(&self, keys: &Keys, method: &Method, path: &str, headers: &HeaderMap, now_ms: u64) -> Verdict {
        let Need::Granted(scope, reach) = need(method, path) else { return Verdict::Admitted(None) };
        let Some(text) = credential(headers) else { return Verdict::Unknown(false) };
        let Some(grant) = self.recognise(keys, text, now_ms) else {
            return Verdict::Unknown(secret::id_in(text).is_some());
        };
        let names = headers.get_all("x-cache-namespace").iter().map(http::HeaderValue::as_bytes);
        match grant.check(scope, reach, rest::namespace::from_header(names).ok()) {
            Ok(()) => Verdict::Admitted(Some(grant)),
            Err(error) => Verdict::Refused(error),
        }
    }

    fn recognise(&self, keys: &Keys, text: &str, now_ms: u64) -> Option<Arc<Grant>> {
        let hash = secret::hash(text);
        if self.first_key.is_some_and(|first| secret::is_same(&first, &hash)) {
            return Some(self.everything.clone());
        }
        match (secret::id_in(text), &self.tokens) {
            (Some(id), _) => keys.find(id, &hash, now_ms),
            (None, Some(tokens)) => tokens.find(text, &hash, now_ms),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;

    fn judged(gate: &Gate, path: &str, key: Option<&'static str>) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert("x-api-key", http::HeaderValue::from_static(key));
        }
        gate.judge(&Keys::default(), &Method::GET, path, &headers, 0)
    }

    #[test]
    fn only_the_first_key_opens_a_new_cluster() {
        let settings = Authentication { api_key: Some(Secret("first".into())), jwt_secret: None };
        let gate = Gate::new(&settings);
        assert!(matches!(judged(&gate, "/health", None), Verdict::Admitted(None)));
        assert!(matches!(judged(&gate, "/api/keys", Some("first")), Verdict::Admitted(Some(_))));
        for wrong in [None, Some("firs"), Some("first "), Some("First"), Some("a.b.c")] {
            assert!(matches!(judged(&gate, "/api/keys", wrong), Verdict::Unknown(false)), "{wrong:?}");
        }
        let unknown = judged(&gate, "/api/keys", Some("rh_00000000000000ab_secret"));
        assert!(matches!(unknown, Verdict::Unknown(true)));
    }

    #[test]
    fn without_any_secret_in_the_settings_nothing_is_open() {
        let gate = Gate::new(&Authentication::default());
        for wrong in [None, Some(""), Some("x"), Some("a.b.c")] {
            assert!(matches!(judged(&gate, "/api/cache/keys", wrong), Verdict::Unknown(false)), "{wrong:?}");
        }
    }
}
