//! Query strings: parameters and their typed forms.
//!
//! Names and values are percent-decoded and `+` is a space, as in forms. A parameter that is known may come once; unknown
//! ones are ignored.

use std::{borrow::Cow, num::IntErrorKind};

use percent_encoding::percent_decode_str;
use ringhold_model::config::Backend;

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    key,
    limits::{
        HOT_KEYS_DEFAULT, HOT_KEYS_MAX, OFFSET_MAX, PAGE_KEYS_DEFAULT, PAGE_KEYS_MAX, PREFIXES_DEFAULT, PREFIXES_MAX,
    },
    word,
};

const PLACE: Place<'static> = Place { part: "query", index: None, name: None };

/// Parameters of get and get-batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadQuery {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// Who may answer.
    pub consistency: Consistency,
}

/// Who may answer a read. No read is ever older than an acknowledged write or an earlier read. While ranges have one copy,
/// their primary answers both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// The primary, or another copy in step when it does not answer.
    #[default]
    Fresh,
    /// The primary only.
    Strict,
}

/// Parameters of delete, stats and config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendQuery {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
}

/// Parameters of those analytics that list: hot keys, prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// Most rows.
    pub limit: u32,
}

/// Parameters of clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClearQuery<'a> {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// `None`: everything.
    pub pattern: Option<Cow<'a, str>>,
}

/// Which page of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging<'a> {
    /// In key order, that many keys left out: no `cursor` was given.
    Offset(u32),
    /// First page of a walk in hash order: `cursor` was given and is empty.
    Start,
    /// A further page of the walk, in which `offset` has no meaning; the text is for [`super::cursor::Cursor::decode`].
    Cursor(Cow<'a, str>),
}

/// Parameters of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysQuery<'a> {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// `None`: all keys.
    pub pattern: Option<Cow<'a, str>>,
    /// Most keys on the page.
    pub limit: u32,
    /// Which page.
    pub paging: Paging<'a>,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object.
    #[default]
    Json,
    /// One item a line.
    Ndjson,
}

/// Parameters of export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportQuery<'a> {
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// `None`: all items.
    pub pattern: Option<Cow<'a, str>>,
    /// The format.
    pub format: ExportFormat,
}

/// What an import does with a key that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Overwrite it.
    #[default]
    Replace,
    /// Leave it.
    Skip,
}

/// Parameters of import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportQuery {
    /// What to do with existing keys.
    pub on_conflict: OnConflict,
}

/// Reads the query of get and get-batch.
pub fn read(query: Option<&str>) -> Result<ReadQuery, ApiError> {
    let mut params = Params::read(query, &["backend", "consistency"]);
    let backend = params.backend();
    let consistency = match params.one_of("consistency", ["fresh", "strict"]) {
        Some(1) => Consistency::Strict,
        _ => Consistency::Fresh,
    };
    params.done(ReadQuery { backend, consistency })
}

/// Reads the query of delete, stats and config.
pub fn backend(query: Option<&str>) -> Result<BackendQuery, ApiError> {
    let mut params = Params::read(query, &["backend"]);
    let backend = params.backend();
    params.done(BackendQuery { backend })
}

/// Reads the query of the analytics of hot keys.
pub fn hot_keys(query: Option<&str>) -> Result<ListQuery, ApiError> {
    listed(query, HOT_KEYS_DEFAULT, HOT_KEYS_MAX)
}

/// Reads the query of the analytics by prefix.
pub fn prefixes(query: Option<&str>) -> Result<ListQuery, ApiError> {
    listed(query, PREFIXES_DEFAULT, PREFIXES_MAX)
}

fn listed(query: Option<&str>, default: u32, max: u32) -> Result<ListQuery, ApiError> {
    let mut params = Params::read(query, &["backend", "limit"]);
    let backend = params.backend();
    let limit = params.number("limit", 1, max).unwrap_or(default);
    params.done(ListQuery { backend, limit })
}

/// Reads the query of clear.
pub fn clear(query: Option<&str>) -> Result<ClearQuery<'_>, ApiError> {
    let mut params = Params::read(query, &["backend", "pattern"]);
    let (backend, pattern) = (params.backend(), params.pattern());
    params.done(ClearQuery { backend, pattern })
}

/// Reads the query of keys.
pub fn keys(query: Option<&str>) -> Result<KeysQuery<'_>, ApiError> {
    let mut params = Params::read(query, &["backend", "pattern", "limit", "offset", "cursor"]);
    let (backend, pattern) = (params.backend(), params.pattern());
    let limit = params.number("limit", 1, PAGE_KEYS_MAX).unwrap_or(PAGE_KEYS_DEFAULT);
    let offset = params.number("offset", 0, OFFSET_MAX);
    let cursor = params.take("cursor");
    let paging = match (offset, cursor) {
        (_, Some(cursor)) if cursor.is_empty() => Paging::Start,
        (_, Some(cursor)) => Paging::Cursor(cursor),
        (offset, None) => Paging::Offset(offset.unwrap_or(0)),
    };
    params.done(KeysQuery { backend, pattern, limit, paging })
}

/// The refusal of a cursor that was not given out for this walk.
pub fn bad_cursor(text: &str) -> ApiError {
    let msg = "The cursor does not belong to this listing; begin again with an empty one";
    ApiError::invalid(PLACE.fault("value_error", &["cursor"], msg).with_text(text))
}

/// Reads the query of export.
pub fn export(query: Option<&str>) -> Result<ExportQuery<'_>, ApiError> {
    let mut params = Params::read(query, &["backend", "pattern", "format"]);
    let (backend, pattern) = (params.backend(), params.pattern());
    let format = match params.one_of("format", ["json", "ndjson"]) {
        Some(1) => ExportFormat::Ndjson,
        _ => ExportFormat::Json,
    };
    params.done(ExportQuery { backend, pattern, format })
}

/// Reads the query of import.
pub fn import(query: Option<&str>) -> Result<ImportQuery, ApiError> {
    let mut params = Params::read(query, &["on_conflict"]);
    let on_conflict = match params.one_of("on_conflict", ["replace", "skip"]) {
        Some(1) => OnConflict::Skip,
        _ => OnConflict::Replace,
    };
    params.done(ImportQuery { on_conflict })
}

/// Reads the query of drain: whether it takes a drain back.
pub fn cancel(query: Option<&str>) -> Result<bool, ApiError> {
    let mut params = Params::read(query, &["cancel"]);
    let cancels = params.one_of("cancel", ["false", "true"]) == Some(1);
    params.done(cancels)
}

/// Known parameters that were given, and what is wrong with them.
struct Params<'a> {
    given: Vec<(&'static str, Cow<'a, str>)>,
    faults: Vec<FieldFault>,
}

impl<'a> Params<'a> {
    fn read(query: Option<&'a str>, names: &[&'static str]) -> Self {
        let mut params = Self { given: Vec::new(), faults: Vec::new() };
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known(name, names) else { continue };
            match decoded(value) {
                None => params.faults.push(
                    PLACE
                        .fault("string_unicode", &[name], "The text is not UTF-8 once percent-decoded")
                        .with_text(value),
                ),
                Some(value) if params.given.iter().any(|(other, _)| *other == name) => params.faults.push(
                    PLACE.fault("duplicate_field", &[name], "The parameter is given more than once").with_text(&value),
                ),
                Some(value) => params.given.push((name, value)),
            }
        }
        params
    }

    fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.given.iter().position(|(given, _)| *given == name)?;
        Some(self.given.swap_remove(at).1)
    }

    fn backend(&mut self) -> Option<Backend> {
        let text = self.take("backend")?;
        word::backend(&text, &PLACE).map_err(|fault| self.faults.push(fault)).ok()
    }

    fn pattern(&mut self) -> Option<Cow<'a, str>> {
        let text = self.take("pattern")?;
        if let Err(fault) = key::pattern(&text, &PLACE) {
            self.faults.push(fault);
        }
        Some(text)
    }

    fn number(&mut self, name: &'static str, min: u32, max: u32) -> Option<u32> {
        let text = self.take(name)?;
        match number(&text, min, max) {
            Ok(value) => Some(value),
            Err((kind, msg)) => {
                self.faults.push(PLACE.fault(kind, &[name], msg).with_text(&text));
                None
            }
        }
    }

    fn one_of(&mut self, name: &'static str, words: [&'static str; 2]) -> Option<usize> {
        let text = self.take(name)?;
        let at = words.iter().position(|word| *word == text);
        if at.is_none() {
            let msg = format!("Input should be '{}' or '{}'", words[0], words[1]);
            self.faults.push(PLACE.fault("enum", &[name], msg).with_text(&text));
        }
        at
    }

    fn done<T>(self, value: T) -> Result<T, ApiError> {
        body::verdict(self.faults).map(|()| value)
    }
}

fn known(encoded: &str, names: &[&'static str]) -> Option<&'static str> {
    if let Some(name) = names.iter().find(|name| **name == encoded) {
        return Some(name);
    }
    let name = decoded(encoded)?;
    names.iter().find(|known| **known == name).copied()
}

fn decoded(encoded: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr2(b'+', b'%', encoded.as_bytes()).is_none() {
        return Some(Cow::Borrowed(encoded));
    }
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}

fn number(text: &str, min: u32, max: u32) -> Result<u32, (&'static str, String)> {
    let low = || ("greater_than_equal", format!("Input should be greater than or equal to {min}"));
    let high = || ("less_than_equal", format!("Input should be less than or equal to {max}"));
    match text.parse::<i64>() {
        Ok(value) if value < i64::from(min) => Err(low()),
        Ok(value) => u32::try_from(value).ok().filter(|value| *value <= max).ok_or_else(high),
        Err(fault) if *fault.kind() == IntErrorKind::NegOverflow => Err(low()),
        Err(fault) if *fault.kind() == IntErrorKind::PosOverflow => Err(high()),
        Err(_) => Err(("int_parsing", "Input should be a valid integer, unable to parse string as an integer".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<(&'static str, String)> {
        match result {
            Err(ApiError::Invalid(faults)) => {
                faults.into_iter().map(|fault| (fault.kind, format!("{:?}", fault.loc.last().unwrap()))).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_are_chosen_by_offset_cursor_or_neither() {
        for (query, paging) in [
            (None, Paging::Offset(0)),
            (Some("cursor="), Paging::Start),
            (Some("offset=0"), Paging::Offset(0)),
            (Some("offset=100000"), Paging::Offset(100_000)),
            (Some("cursor=abc"), Paging::Cursor("abc".into())),
            (Some("cursor=abc&offset=7"), Paging::Cursor("abc".into())),
        ] {
            let read = keys(query).unwrap();
            assert_eq!((read.paging, read.limit), (paging, 100), "{query:?}");
        }
    }

    #[test]
    fn every_fault_is_listed() {
        let found = kinds(keys(Some("limit=1001&offset=-1&backend=mongo&pattern=&limit=5&x=y&x=z")));
        let words: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(
            words,
            ["duplicate_field", "enum", "string_too_short", "less_than_equal", "greater_than_equal"],
            "{found:?}"
        );
    }

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        for (text, kind) in [
            ("0", "greater_than_equal"),
            ("-5", "greater_than_equal"),
            ("1001", "less_than_equal"),
            ("18446744073709551616", "less_than_equal"),
            ("", "int_parsing"),
            ("1.5", "int_parsing"),
            ("1e3", "int_parsing"),
            ("abc", "int_parsing"),
            ("%31x", "int_parsing"),
        ] {
            assert_eq!(kinds(keys(Some(&format!("limit={text}"))))[0].0, kind, "{text}");
        }
        assert_eq!(keys(Some("limit=%31000")).unwrap().limit, 1_000);
    }

    #[test]
    fn values_are_decoded_as_forms() {
        let read = clear(Some("pattern=a%3A*+b%2Bc&unknown=%ff")).unwrap();
        assert_eq!(read.pattern.as_deref(), Some("a:* b+c"));
        assert_eq!(kinds(clear(Some("pattern=%ff")))[0].0, "string_unicode");
        let hostile = "a*".repeat(1_000);
        assert_eq!(kinds(clear(Some(&format!("pattern={hostile}"))))[0].0, "string_too_long");
        assert!(clear(Some(&format!("pattern={}", "[".repeat(1_024)))).is_ok());
    }

    #[test]
    fn words_are_checked() {
        assert_eq!(export(Some("format=ndjson")).unwrap().format, ExportFormat::Ndjson);
        assert_eq!(kinds(export(Some("format=xml")))[0].0, "enum");
        assert_eq!(import(Some("on_conflict=skip")).unwrap().on_conflict, OnConflict::Skip);
        assert_eq!(kinds(import(Some("on_conflict=merge")))[0].0, "enum");
        assert_eq!(read(Some("consistency=strict")).unwrap().consistency, Consistency::Strict);
        assert_eq!(read(Some("consistency=fresh")), read(None));
        assert_eq!(kinds(read(Some("backend=database&consistency=eventual"))).len(), 2);
        assert_eq!(kinds(backend(Some("backend=")))[0].0, "enum");
    }
}
