//! Cuts a body into raw pieces: the fields of an object, the items of a list. serde_json checks the whole syntax, without
//! recursion; nothing inside the pieces is looked at.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    kind::{JsonKind, kind},
    text::unescape,
};

/// Why a body is not what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Not JSON; says what and where.
    Malformed(String),
    /// JSON of another kind.
    Kind(JsonKind),
}

/// The fields of an object that were asked for, by their place in the list of names; others are ignored.
pub struct Fields<'a, const N: usize> {
    /// The last value of each field.
    pub values: [Option<&'a RawValue>; N],
    /// Fields that came more than once, by place.
    pub repeated: [bool; N],
}

/// The body as text.
pub fn utf8(body: &[u8]) -> Result<&str, Unfit> {
    std::str::from_utf8(body).map_err(|fault| Unfit::Malformed(format!("not UTF-8 at byte {}", fault.valid_up_to())))
}

/// Reads an object's fields called `names`.
pub fn object<'a, const N: usize>(text: &'a str, names: &[&'static str; N]) -> Result<Fields<'a, N>, Unfit> {
    read(text, JsonKind::Object, Names(names))
}

/// Reads a list: its first `items_max` items, and how many there are in all.
pub fn list(text: &str, items_max: usize) -> Result<(Vec<&RawValue>, usize), Unfit> {
    read(text, JsonKind::Array, Items(items_max))
}

/// Reads an object as it stands: its first `members_max` (name, value) pairs in order, and how many there are in all.
/// Repeated names are kept.
pub fn members(text: &str, members_max: usize) -> Result<(Vec<Member<'_>>, usize), Unfit> {
    read(text, JsonKind::Object, Members(members_max))
}

/// Raw name (with its quotes) and raw value.
pub type Member<'a> = (&'a RawValue, &'a RawValue);

fn read<'a, S: DeserializeSeed<'a>>(text: &'a str, wanted: JsonKind, seed: S) -> Result<S::Value, Unfit> {
    let malformed = |fault: serde_json::Error| Unfit::Malformed(fault.to_string());
    let trimmed = text.trim_start_matches([' ', '\n', '\r', '\t']);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    if trimmed.is_empty() || kind(trimmed) != wanted {
        serde::Deserialize::deserialize(&mut deserializer).map(|_: IgnoredAny| ()).map_err(malformed)?;
        deserializer.end().map_err(malformed)?;
        return Err(Unfit::Kind(kind(trimmed)));
    }
    let value = seed.deserialize(&mut deserializer).map_err(malformed)?;
    deserializer.end().map_err(malformed)?;
    Ok(value)
}

struct Names<'n, const N: usize>(&'n [&'static str; N]);

impl<const N: usize> Names<'_, N> {
    fn place_of(&self, raw: &str) -> Option<usize> {
        let name = unescape(raw).ok()?;
        self.0.iter().position(|known| *known == name)
    }
}

impl<'a, const N: usize> DeserializeSeed<'a> for Names<'_, N> {
    type Value = Fields<'a, N>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Names<'_, N> {
    type Value = Fields<'a, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields { values: [None; N], repeated: [false; N] };
        while let Some(name) = map.next_key::<&RawValue>()? {
            match self.place_of(name.get()) {
                Some(place) => {
                    fields.repeated[place] |= fields.values[place].is_some();
                    fields.values[place] = Some(map.next_value()?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

struct Items(usize);

impl<'a> DeserializeSeed<'a> for Items {
    type Value = (Vec<&'a RawValue>, usize);

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Items {
    type Value = (Vec<&'a RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let mut total = 0;
        while items.len() < self.0 {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => return Ok((items, total)),
            }
            total += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            total += 1;
        }
        Ok((items, total))
    }
}

struct Members(usize);

impl<'a> DeserializeSeed<'a> for Members {
    type Value = (Vec<Member<'a>>, usize);

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Members {
    type Value = (Vec<Member<'a>>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        let mut total = 0;
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value = map.next_value()?;
            if members.len() < self.0 {
                members.push((name, value));
            }
            total += 1;
        }
        Ok((members, total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_under_any_spelling_and_repeats_are_seen() {
        let text = r#" {"x": [1], "\u006bey": "a", "n": 1, "n": 2.50} "#;
        let fields = object(text, &["key", "n", "absent"]).ok().unwrap();
        assert_eq!(fields.values.map(|value| value.map(RawValue::get)), [Some("\"a\""), Some("2.50"), None]);
        assert_eq!(fields.repeated, [false, true, false]);
    }

    #[test]
    fn malformed_is_told_from_another_kind() {
        for (text, expected) in [("[1]", JsonKind::Array), ("null", JsonKind::Null), (" 1e5 ", JsonKind::Number)] {
            assert_eq!(object(text, &["a"]).err(), Some(Unfit::Kind(expected)));
        }
        let deep = "[".repeat(100_000);
        for text in ["", " ", "{", "{}x", "[1]x", "nul", "{\"a\":01}", "NaN", "{\"a\":NaN}", "\u{feff}{}", &deep] {
            assert!(matches!(object(text, &["a"]), Err(Unfit::Malformed(_))), "{text:.20}");
        }
        assert!(matches!(object(&format!("{deep}{}", "]".repeat(100_000)), &["a"]), Err(Unfit::Kind(JsonKind::Array))));
    }

    #[test]
    fn lists_are_counted_beyond_what_is_kept() {
        let (items, total) = list("[1, \"\\ud800\", [], {}]", 2).ok().unwrap();
        assert_eq!((items.len(), total), (2, 4));
        let (pairs, total) = members(r#"{"a":1,"\ud800":2,"a":3}"#, 9).ok().unwrap();
        assert_eq!((pairs.len(), total), (3, 3));
        assert_eq!(pairs[1].0.get(), r#""\ud800""#);
    }
}
