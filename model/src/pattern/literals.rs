//! Patterns of stars and literals: the common case, as substring searches.

use memchr::memmem::Finder;

use super::parse::Token;

/// `*first*second*…*last`.
#[derive(Clone, Debug)]
pub(super) struct Literals {
    /// Between two stars each. Taking the leftmost place for one leaves the most room for the next, so no search is ever
    /// repeated: together they read the key once. The searches are linear in the worst case.
    middle: Vec<Finder<'static>>,
    /// Behind the last star; may be empty.
    last: String,
}

impl Literals {
    /// Takes tokens that begin with a star; `None` when there is anything but stars and literals.
    pub(super) fn new(tokens: &[Token]) -> Option<Self> {
        let mut parts = Vec::new();
        for token in tokens {
            match (token, parts.last_mut()) {
                (Token::Star, _) => parts.push(String::new()),
                (Token::One(c), Some(part)) => part.push(*c),
                _ => return None,
            }
        }
        let last = parts.pop()?;
        Some(Self { middle: parts.iter().map(|part| Finder::new(part).into_owned()).collect(), last })
    }

    pub(super) fn matches(&self, key: &str) -> bool {
        let Some(mut rest) = key.as_bytes().strip_suffix(self.last.as_bytes()) else { return false };
        for part in &self.middle {
            match part.find(rest) {
                Some(at) => rest = &rest[at + part.needle().len()..],
                None => return false,
            }
        }
        true
    }
}
