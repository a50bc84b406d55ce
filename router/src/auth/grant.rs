//! What a caller may do.

use std::sync::Arc;

use http::Extensions;
use ringhold_model::{cluster::Scopes, pattern::Pattern};

use super::need::{Reach, Scope};
use crate::rest::ApiError;

/// What a key or a token opens.
#[derive(Debug, Default)]
pub(crate) struct Grant {
    /// What it may be used for.
    pub(super) scopes: Scopes,
    /// The namespaces that it opens; `None`: all.
    pub(super) namespaces: Option<Vec<String>>,
    /// Patterns of the keys that it opens; `None`: all.
    pub(super) patterns: Option<Vec<Pattern>>,
}

impl Grant {
    /// All there is.
    pub(super) fn everything() -> Self {
        Self { scopes: Scopes { read: true, write: true, admin: true }, ..Self::default() }
    }

    /// Refuses a call that asks for more. `namespace` is the request's; `None`: it is not legal, which the handler tells.
    pub(super) fn check(&self, scope: Scope, reach: Reach, namespace: Option<&str>) -> Result<(), ApiError> {
        if !self.has(scope) {
            return Err(forbidden(format!("This call needs the scope {}", scope.as_str())));
        }
        let is_bound = self.namespaces.is_some() || self.patterns.is_some();
        match reach {
            Reach::Cluster if is_bound => Err(forbidden(
                "This call is about the whole cluster; the key is bound to namespaces or patterns".into(),
            )),
            Reach::Namespace if self.patterns.is_some() => {
                Err(forbidden("This call is about a whole namespace; the key is bound to patterns".into()))
            }
            Reach::Keys | Reach::Namespace if namespace.is_some_and(|name| !self.sees(name)) => {
                Err(forbidden("The key does not open this namespace".into()))
            }
            _ => Ok(()),
        }
    }

    /// Whether a namespace is the caller's.
    pub(crate) fn sees(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|names| names.iter().any(|name| name == namespace))
    }

    /// Whether a key of the cache is the caller's.
    fn opens(&self, key: &str) -> bool {
        self.patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(key)))
    }

    fn has(&self, scope: Scope) -> bool {
        let Scopes { read, write, admin } = self.scopes;
        match scope {
            Scope::Read => read || admin,
            Scope::Write => write || admin,
            Scope::ReadWrite => (read && write) || admin,
            Scope::Admin => admin,
        }
    }
}

/// Whose call it is; `None`: authentication is off.
pub(crate) fn grant(extensions: &Extensions) -> Option<&Grant> {
    extensions.get::<Arc<Grant>>().map(|grant| &**grant)
}

/// Refuses a key of the cache that is not the caller's.
pub(crate) fn check_key(extensions: &Extensions, key: &str) -> Result<(), ApiError> {
    match grant(extensions) {
        Some(grant) if !grant.opens(key) => {
            Err(forbidden("The API key is bound to patterns that this key does not match".into()))
        }
        _ => Ok(()),
    }
}

fn forbidden(detail: String) -> ApiError {
    ApiError::Forbidden(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Scopes = Scopes { read: true, write: false, admin: false };

    #[test]
    fn scopes_hold_what_they_say() {
        let grant = |read, write, admin| Grant { scopes: Scopes { read, write, admin }, ..Grant::default() };
        let opened = |grant: &Grant| {
            [Scope::Read, Scope::Write, Scope::ReadWrite, Scope::Admin]
                .map(|scope| grant.check(scope, Reach::Cluster, None).is_ok())
        };
        assert_eq!(opened(&grant(false, false, false)), [false; 4]);
        assert_eq!(opened(&grant(true, false, false)), [true, false, false, false]);
        assert_eq!(opened(&grant(false, true, false)), [false, true, false, false]);
        assert_eq!(opened(&grant(true, true, false)), [true, true, true, false]);
        assert_eq!(opened(&grant(false, false, true)), [true; 4]);
    }

    #[test]
    fn a_bound_grant_reaches_no_further() {
        let bound = Grant { scopes: READ, namespaces: Some(vec!["a".into()]), ..Grant::default() };
        let reached = |grant: &Grant, reach, namespace| grant.check(Scope::Read, reach, Some(namespace)).is_ok();
        assert!(reached(&bound, Reach::Keys, "a") && reached(&bound, Reach::Namespace, "a"));
        assert!(!reached(&bound, Reach::Keys, "b") && !reached(&bound, Reach::Namespace, "default"));
        assert!(!reached(&bound, Reach::Cluster, "a") && reached(&bound, Reach::Namespaces, "b"));
        let pattern = Pattern::parse("user:*").unwrap();
        let narrow = Grant { scopes: READ, patterns: Some(vec![pattern]), ..Grant::default() };
        assert!(reached(&narrow, Reach::Keys, "a") && !reached(&narrow, Reach::Namespace, "a"));
        assert!(!reached(&narrow, Reach::Cluster, "a"));
        assert!(narrow.opens("user:1") && !narrow.opens("admin:1"));
        let closed = Grant { scopes: READ, namespaces: Some(Vec::new()), ..Grant::default() };
        assert!(!reached(&closed, Reach::Keys, "default"), "an empty list opens nothing");
    }
}
