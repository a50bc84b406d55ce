//! Patterns: `fnmatch` globs over a whole key.
//!
//! `*` any text, also none, also with `/` and `:` · `?` any one character · `[seq]` one of the characters · `[!seq]` one
//! that is not. `seq` may hold ranges (`a-z`); a `]` that comes first is one of its characters; a `[` that is never closed
//! is an ordinary character. There is no escape but the class: `[*]` is a star. Characters are Unicode scalar values, case
//! counts, and every text of the allowed length is a pattern.
//!
//! A hostile pattern costs no more than any other: patterns of literals and stars run as substring searches, linear in the
//! key; all others as a bit-parallel automaton that does at most 17 word steps a character. Nothing backtracks.

mod automaton;
mod class;
mod literals;
mod parse;

use thiserror::Error;

use self::{automaton::Automaton, literals::Literals, parse::Token};

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1_024;

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternFault {
    /// It has no bytes.
    #[error("the pattern is empty; use `*` for every key")]
    Empty,
    /// It is too long.
    #[error("the pattern is {bytes} bytes long; at most {PATTERN_BYTES_MAX} are allowed")]
    TooLong {
        /// Length found, in bytes.
        bytes: usize,
    },
}

/// A pattern, ready to match.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    /// What every matching key begins with.
    prefix: String,
    rest: Rest,
}

/// How what follows the literal prefix is matched.
#[derive(Clone, Debug)]
enum Rest {
    /// Nothing may follow.
    Nothing,
    /// Anything may follow.
    Anything,
    /// Stars with literals between and behind them.
    Literals(Literals),
    /// Anything else.
    Automaton(Box<Automaton>),
}

impl Pattern {
    /// Reads a pattern of 1 to [`PATTERN_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.is_empty() {
            return Err(PatternFault::Empty);
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternFault::TooLong { bytes: text.len() });
        }
        let tokens = parse::tokens(text);
        let literal = |token: &Token| if let Token::One(c) = token { Some(*c) } else { None };
        let prefix: String = tokens.iter().map_while(literal).collect();
        let rest = match &tokens[prefix.chars().count()..] {
            [] => Rest::Nothing,
            [Token::Star] => Rest::Anything,
            rest => Literals::new(rest).map_or_else(|| Rest::Automaton(Box::new(Automaton::new(rest))), Rest::Literals),
        };
        Ok(Self { text: text.to_owned(), prefix, rest })
    }

    /// True when the whole of `key` matches. Takes time linear in the key.
    pub fn matches(&self, key: &str) -> bool {
        self.matches_counting(key, || ())
    }

    /// What every matching key begins with; may be empty.
    pub fn literal_prefix(&self) -> &str {
        &self.prefix
    }

    /// True when every key matches.
    pub fn matches_all(&self) -> bool {
        self.prefix.is_empty() && matches!(self.rest, Rest::Anything)
    }

    /// The only key that matches, for a pattern without wildcards.
    pub fn exact(&self) -> Option<&str> {
        matches!(self.rest, Rest::Nothing).then_some(self.prefix.as_str())
    }

    /// The text that it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// [`Pattern::matches`], telling of every word step of the automaton.
    fn matches_counting(&self, key: &str, on_step: impl FnMut()) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_str()) else { return false };
        match &self.rest {
            Rest::Nothing => rest.is_empty(),
            Rest::Anything => true,
            Rest::Literals(literals) => literals.matches(rest),
            Rest::Automaton(automaton) => automaton.matches(rest, on_step),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests;
