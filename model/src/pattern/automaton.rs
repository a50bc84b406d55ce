//! Any pattern, as a bit-parallel automaton (Shift-And with self-loops; Navarro and Raffinot, "Flexible Pattern Matching
//! in Strings", 4.2).
//!
//! State `i` means "the first `i` tokens have matched". All states that are possible at once are one bit set, so a
//! character is a shift, two ands and an or per 64 states, whatever the pattern. A star is a state that stays.

use std::collections::BTreeSet;

use super::{PATTERN_BYTES_MAX, parse::Token};

/// Words that the states of the longest pattern need.
const WORDS_MAX: usize = PATTERN_BYTES_MAX / 64 + 1;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// Words of one bit set.
    words: usize,
    /// The state in which all tokens have matched.
    end: usize,
    /// States with a star behind them.
    loops: Vec<u64>,
    /// First code points of the classes of characters that no token tells apart, ascending from 0.
    starts: Vec<u32>,
    /// Per class of characters the tokens that it matches.
    masks: Vec<u64>,
    /// The class of each ASCII character.
    ascii: [u16; 128],
}

impl Automaton {
    pub(super) fn new(tokens: &[Token]) -> Self {
        let end = tokens.iter().filter(|token| **token != Token::Star).count();
        let words = end / 64 + 1;
        let mut loops = vec![0; words];
        let mut masks = Masks::new(tokens, words);
        let mut state = 0;
        for token in tokens {
            if *token == Token::Star {
                loops[state / 64] |= 1 << (state % 64);
            } else {
                masks.add(token, state);
                state += 1;
            }
        }
        let ascii = std::array::from_fn(|c| masks.class_of(c as u32) as u16);
        Self { words, end, loops, starts: masks.starts, masks: masks.bits, ascii }
    }

    /// Calls `on_step` once per word and character.
    pub(super) fn matches(&self, key: &str, mut on_step: impl FnMut()) -> bool {
        let mut states = [0_u64; WORDS_MAX];
        let states = &mut states[..self.words];
        states[0] = 1;
        for c in key.chars() {
            let mask = self.mask(c);
            let (mut carry, mut any) = (0, 0);
            for ((state, mask), loops) in states.iter_mut().zip(mask).zip(&self.loops) {
                on_step();
                let advanced = *state & mask;
                *state = (advanced << 1) | carry | (*state & loops);
                carry = advanced >> 63;
                any |= *state;
            }
            if any == 0 {
                return false;
            }
        }
        states[self.end / 64] & (1 << (self.end % 64)) != 0
    }

    fn mask(&self, c: char) -> &[u64] {
        let class = match self.ascii.get(c as usize) {
            Some(class) => usize::from(*class),
            None => class_of(&self.starts, u32::from(c)),
        };
        &self.masks[class * self.words..][..self.words]
    }
}

/// The bit sets under construction.
struct Masks {
    words: usize,
    starts: Vec<u32>,
    bits: Vec<u64>,
}

impl Masks {
    fn new(tokens: &[Token], words: usize) -> Self {
        let mut starts = BTreeSet::from([0]);
        for token in tokens {
            for (first, last) in ranges(token) {
                starts.extend([first, last + 1]);
            }
        }
        let bits = vec![0; starts.len() * words];
        Self { words, starts: starts.into_iter().collect(), bits }
    }

    /// Notes which characters lead on from `state`.
    fn add(&mut self, token: &Token, state: usize) {
        let negated = match token {
            Token::Any => true,
            Token::Class(class) => class.negated,
            Token::Star | Token::One(_) => false,
        };
        if negated {
            self.put(0..self.starts.len(), state, true);
        }
        for (first, last) in ranges(token) {
            self.put(self.class_of(first)..self.class_of(last) + 1, state, !negated);
        }
    }

    fn put(&mut self, classes: std::ops::Range<usize>, state: usize, value: bool) {
        for class in classes {
            let word = &mut self.bits[class * self.words + state / 64];
            let bit = 1 << (state % 64);
            *word = if value { *word | bit } else { *word & !bit };
        }
    }

    fn class_of(&self, code: u32) -> usize {
        class_of(&self.starts, code)
    }
}

/// The classes begin at 0, so there always is one.
fn class_of(starts: &[u32], code: u32) -> usize {
    starts.partition_point(|start| *start <= code) - 1
}

/// The characters that a token names.
fn ranges(token: &Token) -> Vec<(u32, u32)> {
    match token {
        Token::Star | Token::Any => Vec::new(),
        Token::One(c) => vec![(u32::from(*c), u32::from(*c))],
        Token::Class(class) => class.ranges.clone(),
    }
}
