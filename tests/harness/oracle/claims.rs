//! Keys that several clients try to be the first to write (`if_absent`), each with a token of its own.

use std::collections::{BTreeMap, HashSet};

use super::violation::{Violation, Wrong};

/// All claims, by the number of their key.
#[derive(Debug, Default)]
pub struct Claims {
    claims: BTreeMap<u32, Claim>,
    next_token: u32,
}

#[derive(Debug, Default)]
struct Claim {
    /// Tokens of attempts that began and were not refused.
    possible: HashSet<u32>,
    /// Tokens that were answered with a conflict or `not_applied`.
    refused: HashSet<u32>,
    /// The token whose attempt was acknowledged.
    winner: Option<u32>,
    /// The token that a read returned.
    seen: Option<u32>,
    /// Somebody met a conflict.
    is_contested: bool,
}

impl Claim {
    fn holder(&self) -> Option<u32> {
        self.winner.or(self.seen)
    }

    /// Where somebody met a conflict, somebody else was first.
    fn check_contest(&self) -> Result<(), Violation> {
        if self.is_contested && self.possible.is_empty() {
            return Err(Violation::new(Wrong::NeverWritten, "", "a conflict, though nobody can have been first"));
        }
        Ok(())
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was the first.
    Won,
    /// Somebody else was.
    Conflict,
    NotApplied,
    Unknown,
}

/// A read under way.
#[derive(Clone, Copy, Debug)]
pub struct ClaimTicket {
    pub key: u32,
    /// The value was known when it began.
    is_taken: bool,
}

impl Claims {
    /// Begins an attempt; returns its token.
    pub fn begin(&mut self, key: u32) -> u32 {
        self.next_token += 1;
        self.claims.entry(key).or_default().possible.insert(self.next_token);
        self.next_token
    }

    /// # Errors
    /// The answer cannot be.
    pub fn end(&mut self, key: u32, token: u32, attempt: Attempt) -> Result<(), Violation> {
        let claim = self.claims.entry(key).or_default();
        match attempt {
            Attempt::Won => {
                if let Some(other) = claim.holder().filter(|other| *other != token) {
                    return Err(Violation::new(Wrong::WonTwice, "", format!("tokens {other} and {token} were first")));
                }
                claim.winner = Some(token);
            }
            Attempt::Conflict => {
                claim.possible.remove(&token);
                claim.refused.insert(token);
                claim.is_contested = true;
                claim.check_contest()?;
                if claim.holder() == Some(token) {
                    return Err(Violation::new(Wrong::Refused, "", format!("token {token} was seen, then refused")));
                }
            }
            Attempt::NotApplied => {
                claim.possible.remove(&token);
                claim.refused.insert(token);
                claim.check_contest()?;
            }
            Attempt::Unknown => {}
        }
        Ok(())
    }

    pub fn begin_read(&self, key: u32) -> ClaimTicket {
        ClaimTicket { key, is_taken: self.claims.get(&key).is_some_and(|claim| claim.holder().is_some()) }
    }

    /// # Errors
    /// The value cannot be. `None`: a miss.
    pub fn end_read(&mut self, ticket: ClaimTicket, value: Option<u32>) -> Result<(), Violation> {
        let claim = self.claims.entry(ticket.key).or_default();
        let Some(token) = value else {
            let detail = || format!("a miss; token {:?} must be there", claim.holder());
            return if ticket.is_taken { Err(Violation::new(Wrong::Lost, "", detail())) } else { Ok(()) };
        };
        if claim.refused.contains(&token) {
            return Err(Violation::new(Wrong::Refused, "", format!("token {token} was refused")));
        }
        if !claim.possible.contains(&token) {
            return Err(Violation::new(Wrong::NeverWritten, "", format!("nobody wrote token {token}")));
        }
        if let Some(other) = claim.holder().filter(|other| *other != token) {
            return Err(Violation::new(Wrong::WonTwice, "", format!("token {token}, after {other} was first")));
        }
        claim.seen = Some(token);
        Ok(())
    }

    /// The keys that anybody tried to write.
    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.claims.keys().copied()
    }

    /// Notes that all copies of everything were lost: these keys are not asked for any more.
    pub fn reset(&mut self) {
        self.claims.clear();
    }
}
