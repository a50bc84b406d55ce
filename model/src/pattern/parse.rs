//! From text to tokens.

use super::class::Class;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Any text. Two never follow each other.
    Star,
    /// Any one character.
    Any,
    /// This character.
    One(char),
    /// One of several characters.
    Class(Class),
}

/// Reads a text; every text is a pattern.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    // Nothing behind the last `]` can close a class: each `[` there is literal without a search of its own, so that many
    // of them cost no square.
    let last_close = chars.iter().rposition(|c| *c == ']').unwrap_or(0);
    let mut tokens = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        let token = match chars[at] {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' if at < last_close => match close_of(&chars, at) {
                Some(close) => {
                    let class = Class::parse(&chars[at + 1..close]);
                    at = close;
                    class.single().map_or(Token::Class(class), Token::One)
                }
                None => Token::One('['),
            },
            other => Token::One(other),
        };
        at += 1;
        if token != Token::Star || tokens.last() != Some(&Token::Star) {
            tokens.push(token);
        }
    }
    tokens
}

/// Where the class that opens at `open` is closed. A `]` that comes first in it is one of its characters.
fn close_of(chars: &[char], open: usize) -> Option<usize> {
    let first = if chars.get(open + 1) == Some(&'!') { open + 2 } else { open + 1 };
    (first + 1..chars.len()).find(|at| chars[*at] == ']')
}
