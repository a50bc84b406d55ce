//! Bodies that set the cache configuration.

use ringhold_model::config::{
    Backend, CLEANUP_INTERVAL_MAX_SECONDS, CacheConfig, ConfigPatch, DEFAULT_TTL_MAX_SECONDS, LfuAging, Strategy,
};
use serde_json::value::RawValue;

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    limits::Limits,
    word,
};
use crate::json::Fields;

/// Largest `max_memory` and `max_items`: what every JSON reader still takes exactly (2^53 - 1).
pub const LIMIT_MAX: u64 = 9_007_199_254_740_991;

const NAMES: [&str; 10] = [
    "backend",
    "strategy",
    "max_memory",
    "max_items",
    "default_ttl",
    "cleanup_interval",
    "compression_enabled",
    "encryption_enabled",
    "lfu_aging",
    "default_backend",
];

/// A PATCH of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// The backend that the query or the body names; `None`: the default backend.
    pub backend: Option<Backend>,
    /// The fields.
    pub patch: ConfigPatch,
    /// New backend of requests that name none.
    pub default_backend: Option<Backend>,
}

/// Reads a whole configuration; what is left out takes its default.
pub fn parse_whole(bytes: &[u8], limits: &Limits) -> Result<CacheConfig, ApiError> {
    let fields = body::object(bytes, &NAMES)?;
    let change = change(&fields, 9, limits)?;
    let base = CacheConfig { backend: change.backend.unwrap_or(Backend::Memory), ..CacheConfig::default() };
    Ok(change.patch.applied_to(&base))
}

/// Reads the fields of a PATCH; at least one must be given. `backend` is the one that the query names.
pub fn parse_patch(bytes: &[u8], backend: Option<Backend>, limits: &Limits) -> Result<ConfigChange, ApiError> {
    let fields = body::object(bytes, &NAMES)?;
    let change = change(&fields, 10, limits)?;
    let whole = std::str::from_utf8(bytes).unwrap_or_default().trim();
    let fault = if change.patch == ConfigPatch::default() && change.default_backend.is_none() {
        Place::BODY.fault("value_error", &[], "Give at least one field to change").with_raw(whole)
    } else if let (Some(in_body), Some(in_query)) = (change.backend, backend)
        && in_body != in_query
    {
        Place::BODY
            .fault("value_error", &["backend"], "The body names another backend than the query")
            .with_text(in_body.as_str())
    } else {
        return Ok(ConfigChange { backend: change.backend.or(backend), ..change });
    };
    Err(ApiError::invalid(fault))
}

/// Reads the first `known` of the fields. Null is no value for any of them.
fn change(fields: &Fields<'_, 10>, known: usize, limits: &Limits) -> Result<ConfigChange, ApiError> {
    let mut reader = Reader { fields, known, faults: Vec::new() };
    for (place, name) in NAMES.iter().enumerate().take(known) {
        if let (true, Some(raw)) = (fields.repeated[place], fields.values[place]) {
            reader.faults.push(word::repeated(raw.get(), &Place::BODY, &[name]));
        }
    }
    let change = ConfigChange {
        backend: reader.word(0, word::backend),
        patch: ConfigPatch {
            strategy: reader.word::<Strategy>(1, word::strategy),
            max_memory: reader.number(2, 0, LIMIT_MAX),
            max_items: reader.number(3, 0, LIMIT_MAX),
            default_ttl: reader.number(4, 0, limits.ttl_seconds.min(DEFAULT_TTL_MAX_SECONDS)),
            cleanup_interval: reader.number(5, 1, CLEANUP_INTERVAL_MAX_SECONDS),
            compression_enabled: reader.switch(6, "CACHE_COMPRESSION_ENABLED"),
            encryption_enabled: reader.switch(7, "CACHE_ENCRYPTION_ENABLED"),
            lfu_aging: reader.word(8, |text, place| {
                word::choice(text, LfuAging::ALL.iter().map(|word| word.as_str()), place, &["lfu_aging"])
            }),
        },
        default_backend: reader.word(9, |text, _| {
            let place = Place { name: Some("default_backend"), ..Place::BODY };
            word::backend_at(text, &place, &[])
        }),
    };
    body::verdict(reader.faults).map(|()| change)
}

struct Reader<'f, 'a> {
    fields: &'f Fields<'a, 10>,
    known: usize,
    faults: Vec<FieldFault>,
}

impl<'a> Reader<'_, 'a> {
    fn given(&self, place: usize) -> Option<&'a str> {
        let raw = self.fields.values.iter().take(self.known).nth(place).copied().flatten();
        raw.map(RawValue::get)
    }

    fn kept<T>(&mut self, result: Result<T, FieldFault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn word<T>(&mut self, place: usize, read: impl Fn(&str, &Place<'_>) -> Result<T, FieldFault>) -> Option<T> {
        let raw = self.given(place)?;
        let result = word::string(raw, &Place::BODY, &[NAMES[place]]).and_then(|text| read(&text, &Place::BODY));
        self.kept(result)
    }

    fn number(&mut self, place: usize, min: u64, max: u64) -> Option<u64> {
        let raw = self.given(place)?;
        self.kept(word::number(raw, &Place::BODY, &[NAMES[place]], min, max))
    }

    /// A switch whose feature is not built yet: it may only be off.
    fn switch(&mut self, place: usize, setting: &str) -> Option<bool> {
        let raw = self.given(place)?;
        let name = NAMES[place];
        let result = word::boolean(raw, &Place::BODY, &[name]).and_then(|on| {
            let msg = format!("`{name}` (setting {setting}) is not built in this version; use false");
            if on { Err(Place::BODY.fault("not_available", &[name], msg).with_raw(raw)) } else { Ok(on) }
        });
        self.kept(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locs(result: Result<impl std::fmt::Debug, ApiError>) -> Vec<String> {
        match result {
            Err(ApiError::Invalid(faults)) => {
                faults.iter().map(|fault| format!("{} {:?}", fault.kind, fault.loc.last())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_takes_its_default() {
        let limits = Limits::default();
        assert_eq!(parse_whole(b"{}", &limits), Ok(CacheConfig::default()));
        let config =
            parse_whole(br#"{"backend": "memory", "max_items": 5, "default_ttl": 0, "x": []}"#, &limits).unwrap();
        assert_eq!(config, CacheConfig { max_items: 5, default_ttl: 0, ..CacheConfig::default() });
    }

    #[test]
    fn every_fault_is_listed() {
        let body = br#"{"backend": "database", "strategy": 1, "max_memory": -1, "max_items": 1.5, "default_ttl": 1e308,
            "cleanup_interval": 0, "compression_enabled": true, "encryption_enabled": "no", "lfu_aging": "some", "max_items": 2.5}"#;
        assert_eq!(locs(parse_whole(body, &Limits::default())).len(), 10);
        assert_eq!(locs(parse_whole(b"[]", &Limits::default())).len(), 1);
    }

    #[test]
    fn a_patch_changes_something_of_one_backend() {
        let limits = Limits::default();
        let change = parse_patch(br#"{"default_ttl": 60, "default_backend": "memory"}"#, None, &limits).unwrap();
        assert_eq!(change.patch, ConfigPatch { default_ttl: Some(60), ..ConfigPatch::default() });
        assert_eq!(change.default_backend, Some(Backend::Memory));
        for bad in [r#"{}"#, r#"{"backend": "memory"}"#, r#"{"default_backend": "database"}"#, r#"{"max_items": null}"#]
        {
            assert_eq!(locs(parse_patch(bad.as_bytes(), None, &limits)).len(), 1, "{bad}");
        }
    }
}
