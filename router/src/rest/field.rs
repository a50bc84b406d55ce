//! One fault of a body or a parameter, in the shape that FastAPI users parse.

use crate::json::{compact, unescape, write_string};

/// Longest input that is echoed, in bytes; longer ones are cut and end in `...`.
const INPUT_BYTES_MAX: usize = 256;

/// One step of the path to the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `body`, `query`, a field.
    Name(String),
    /// A place in a list, from 0.
    Index(usize),
}

/// What is wrong where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// pydantic's word where there is one.
    pub kind: &'static str,
    /// Where.
    pub loc: Vec<Step>,
    /// For people.
    pub msg: String,
    /// What was given, as JSON text.
    input: String,
}

impl FieldFault {
    /// A fault at a path of names, whose input is null until given.
    pub fn new(kind: &'static str, loc: &[&str], msg: impl Into<String>) -> Self {
        let loc = loc.iter().map(|name| Step::Name((*name).into())).collect();
        Self { kind, loc, msg: msg.into(), input: "null".into() }
    }

    /// Echoes a piece of the body. `raw` is syntactically valid JSON.
    pub fn with_raw(mut self, raw: &str) -> Self {
        let short = if raw.len() <= INPUT_BYTES_MAX { compact(raw).ok() } else { None };
        self.input = short.map_or_else(|| preview(raw), |text| String::from_utf8_lossy(&text).into_owned());
        self
    }

    /// Echoes a text.
    pub fn with_text(mut self, text: &str) -> Self {
        self.input = preview(text);
        self
    }

    /// Appends `{"type", "loc", "msg", "input"}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(self.kind.as_bytes());
        out.extend_from_slice(b"\",\"loc\":[");
        for (n, step) in self.loc.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            match step {
                Step::Name(name) => write_string(out, name),
                Step::Index(index) => out.extend_from_slice(itoa::Buffer::new().format(*index).as_bytes()),
            }
        }
        out.extend_from_slice(b"],\"msg\":");
        write_string(out, &self.msg);
        out.extend_from_slice(b",\"input\":");
        out.extend_from_slice(self.input.as_bytes());
        out.push(b'}');
    }
}

/// Where in the request something was found; the base of the `loc` of its faults.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// `body`, `query`, `path` or `header`.
    pub part: &'static str,
    /// Place in a list.
    pub index: Option<usize>,
    /// Name in an object of items.
    pub name: Option<&'p str>,
}

impl Place<'static> {
    /// The body itself.
    pub const BODY: Self = Self { part: "body", index: None, name: None };

    /// An item of a list in the body.
    pub const fn item(index: usize) -> Self {
        Self { part: "body", index: Some(index), name: None }
    }
}

impl Place<'_> {
    /// A fault of a field here; an empty path means the whole.
    pub fn fault(&self, kind: &'static str, path: &[&str], msg: impl Into<String>) -> FieldFault {
        let mut fault = FieldFault::new(kind, &[self.part], msg);
        fault.loc.extend(self.index.map(Step::Index));
        fault.loc.extend(self.name.map(|name| Step::Name(name.into())));
        fault.loc.extend(path.iter().map(|name| Step::Name((*name).into())));
        fault
    }
}

fn preview(text: &str) -> String {
    let text = unescape_whole(text);
    let mut out = Vec::new();
    let cut = floor(&text, INPUT_BYTES_MAX);
    if cut == text.len() {
        write_string(&mut out, &text);
    } else {
        write_string(&mut out, &format!("{}...", &text[..cut]));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A long JSON string is shown as its text, anything else as it stands.
fn unescape_whole(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() > 2 && text.starts_with('"') && text.ends_with('"') {
        return unescape(text).unwrap_or(std::borrow::Cow::Borrowed(text));
    }
    std::borrow::Cow::Borrowed(text)
}

/// The last boundary between characters at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(fault: &FieldFault) -> serde_json::Value {
        let mut out = Vec::new();
        fault.write(&mut out);
        serde_json::from_slice::<serde_json::Value>(&out).unwrap()["input"].clone()
    }

    #[test]
    fn inputs_are_echoed_and_long_or_broken_ones_are_cut() {
        let fault = || FieldFault::new("value_error", &["body"], "m");
        assert_eq!(input(&fault().with_raw("{ \"a\": 1 }")), serde_json::json!({"a": 1}));
        assert_eq!(input(&fault().with_raw(r#""\ud800""#)), serde_json::json!(r#""\ud800""#));
        let long = format!("\"{}\"", "\u{fc}".repeat(500));
        assert_eq!(input(&fault().with_raw(&long)), serde_json::json!(format!("{}...", "\u{fc}".repeat(128))));
        assert!(input(&fault().with_raw(&"[".repeat(100_000))).as_str().unwrap().ends_with("[..."));
        assert_eq!(input(&fault().with_text("a\"b")), serde_json::json!("a\"b"));
    }

    #[test]
    fn paths_lead_through_lists_and_fields() {
        let fault = Place::item(3).fault("missing", &["metadata", "tags"], "Field required");
        let mut out = Vec::new();
        fault.write(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["loc"], serde_json::json!(["body", 3, "metadata", "tags"]));
    }
}
