//! Cuts a stream into raw items with flat memory: lines of an export in ndjson, or the members of `data` in the JSON form,
//! wherever `data` stands among the other members.
//!
//! ```text
//! feed(bytes) -> [ window: at most one item and one chunk ] -> next() -> Piece, Piece, ... None: feed more, or end()
//! ```
//!
//! Structure is checked only as far as it must be to find the items; each item's own syntax is for whoever reads it. An
//! item that is too large is skipped and reported; it does not stop the others.

mod document;
mod lines;
mod scan;
mod sniff;
mod window;

use thiserror::Error;

use document::Document;
use lines::Lines;
use window::{Cut, Window};

/// How the stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Whichever it turns out to be: a first object with `key` in it and no `data` is a line.
    Auto,
    /// `{..., "data": {"key": item, ...}, ...}`.
    Json,
    /// One item a line.
    Ndjson,
}

/// Why a stream cannot be cut (further).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitFault {
    /// The stream is not JSON.
    #[error("malformed JSON at byte {at}")]
    Malformed {
        /// Position in the stream, in bytes.
        at: u64,
    },
    /// The stream ended before its JSON did: items are missing.
    #[error("the stream ended before its JSON did")]
    Truncated,
    /// The stream is JSON, but no object.
    #[error("an object is needed")]
    NotObject,
    /// The object has no member `data`.
    #[error("the object has no member `data`")]
    NoData,
    /// The member `data` is no object or came twice.
    #[error("the member `data` must be one object")]
    BadData,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The raw text of an item.
    Item {
        /// Its place in the stream, from 1: the line, or the place in `data`.
        at: u64,
        /// The raw JSON string that names it in `data`; `None` for lines.
        name: Option<&'a [u8]>,
        /// What should be a JSON object.
        text: &'a [u8],
    },
    /// An item that is larger than allowed; it was skipped.
    TooLarge {
        /// Its place in the stream, from 1.
        at: u64,
    },
}

/// Cuts one stream.
pub struct Splitter {
    window: Window,
    mode: Mode,
    item_bytes_max: usize,
}

enum Mode {
    Undecided,
    Document(Document),
    Lines(Lines),
}

impl Splitter {
    /// A splitter for a stream whose items have at most `item_bytes_max` bytes.
    pub fn new(format: Format, item_bytes_max: usize) -> Self {
        let mode = match format {
            Format::Auto => Mode::Undecided,
            Format::Json => Mode::Document(Document::default()),
            Format::Ndjson => Mode::Lines(Lines::default()),
        };
        Self { window: Window::default(), mode, item_bytes_max }
    }

    /// Takes the next bytes of the stream. Call `next` until it returns `None` before feeding more.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.window.feed(bytes);
    }

    /// Says that the stream is over. Then `next` returns what is left, or what is wrong.
    pub fn end(&mut self) {
        self.window.end();
    }

    /// The next piece; `None`: feed more, or, after `end`, that was all.
    #[expect(clippy::should_implement_trait, reason = "a piece borrows from the splitter, which no iterator can give")]
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, SplitFault> {
        if let Mode::Undecided = self.mode {
            match sniff::format(self.window.rest(), self.window.is_ended(), self.item_bytes_max) {
                None => return Ok(None),
                Some(Format::Ndjson) => self.mode = Mode::Lines(Lines::default()),
                Some(_) => self.mode = Mode::Document(Document::default()),
            }
        }
        let cut = match &mut self.mode {
            Mode::Lines(lines) => lines.next(&mut self.window, self.item_bytes_max),
            Mode::Document(document) => document.next(&mut self.window, self.item_bytes_max)?,
            Mode::Undecided => None,
        };
        Ok(cut.map(|(at, cut)| match cut {
            Cut::Whole(range) => Piece::Item { at, name: self.mode.name(), text: self.window.slice(range) },
            Cut::TooLarge => Piece::TooLarge { at },
        }))
    }
}

impl Mode {
    fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Document(document) => Some(document.name()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
