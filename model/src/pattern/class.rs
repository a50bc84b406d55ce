//! `[seq]` and `[!seq]`.

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// True for `[!seq]`: the characters that are not in `ranges`.
    pub(super) negated: bool,
    /// First and last character of each range, in code points.
    pub(super) ranges: Vec<(u32, u32)>,
}

impl Class {
    /// Reads what is between the brackets. A range whose end comes before its start is empty; a `-` that is not between
    /// two characters is one of the set.
    pub(super) fn parse(inside: &[char]) -> Self {
        let (negated, mut rest) = match inside {
            ['!', rest @ ..] => (true, rest),
            _ => (false, inside),
        };
        let mut ranges = Vec::new();
        while let [first, tail @ ..] = rest {
            rest = match tail {
                ['-', last, tail @ ..] => {
                    if first <= last {
                        ranges.push((u32::from(*first), u32::from(*last)));
                    }
                    tail
                }
                _ => {
                    ranges.push((u32::from(*first), u32::from(*first)));
                    tail
                }
            };
        }
        Self { negated, ranges }
    }

    /// The only character of the set: `[*]` is how a pattern names a star.
    pub(super) fn single(&self) -> Option<char> {
        match self.ranges.as_slice() {
            [(first, last)] if first == last && !self.negated => char::from_u32(*first),
            _ => None,
        }
    }
}
