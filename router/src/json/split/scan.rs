//! Finds the end of a JSON value that arrives in parts.

use memchr::memchr2;

/// How far into a value the scan is. Checks nothing but brackets and quotes.
#[derive(Clone, Copy, Default)]
pub(super) struct ValueScan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl ValueScan {
    /// Looks at more bytes of the value; returns how many of them belong to it when its end is among them.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                at += self.string(&bytes[at..])?;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Steps to the end of the string; `None`: it is not there yet.
    fn string(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(self.is_escaped);
        self.is_escaped = false;
        while let Some(step) = memchr2(b'"', b'\\', bytes.get(at..)?) {
            at += step + 1;
            if bytes[at - 1] == b'"' {
                self.in_string = false;
                return Some(at);
            }
            self.is_escaped = at == bytes.len();
            at += 1;
        }
        None
    }
}
