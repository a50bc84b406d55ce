//! The ndjson form: one item a line. Empty lines are skipped.

use memchr::memchr;

use super::window::{Cut, Window};

/// Where in the lines the splitter is.
#[derive(Default)]
pub(super) struct Lines {
    /// Lines begun so far.
    line: u64,
    /// Within a line.
    is_inside: bool,
    /// Within a line that is too long.
    is_skipping: bool,
}

impl Lines {
    pub(super) fn next(&mut self, window: &mut Window, line_bytes_max: usize) -> Option<(u64, Cut)> {
        loop {
            if !self.is_inside {
                if window.rest().is_empty() {
                    return None;
                }
                self.line += 1;
                self.is_inside = true;
                window.mark();
            }
            let newline = memchr(b'\n', window.rest());
            window.advance(newline.unwrap_or(window.rest().len()));
            if window.marked() > line_bytes_max {
                self.is_skipping = true;
                window.forget();
            }
            if newline.is_none() && !window.is_ended() {
                return None;
            }
            self.is_inside = false;
            let range = window.take();
            window.advance(usize::from(newline.is_some()));
            if std::mem::take(&mut self.is_skipping) {
                return Some((self.line, Cut::TooLarge));
            }
            if !window.slice(range.clone()).trim_ascii().is_empty() {
                return Some((self.line, Cut::Whole(range)));
            }
        }
    }
}
