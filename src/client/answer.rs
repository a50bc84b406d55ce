//! A successful answer.

use serde_json::value::RawValue;

use crate::{failure::Failure, fields::Fields};

/// The text of an answer, which is a JSON object.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    text: String,
}

impl Answer {
    /// Checks that `text` is a JSON object, as everything else comes from another server than a router.
    pub(super) fn new(text: String) -> Result<Self, Failure> {
        if serde_json::from_str::<Fields<'_>>(&text).is_err() {
            return Err(Failure::failed("the answer is no JSON object; does --url name a ringhold router?"));
        }
        Ok(Self { text })
    }

    /// As it came.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Its fields.
    pub(crate) fn fields(&self) -> Fields<'_> {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// One field, which every router of this version sends.
    pub(crate) fn field(&self, name: &str) -> Result<&RawValue, Failure> {
        self.fields().get(name).ok_or_else(|| missing(name))
    }

    /// One field that is an object.
    pub(crate) fn object(&self, name: &str) -> Result<Fields<'_>, Failure> {
        Fields::of(self.field(name)?).ok_or_else(|| missing(name))
    }

    /// One field that is a list of objects.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Fields<'_>>, Failure> {
        serde_json::from_str(self.field(name)?.get()).map_err(|_| missing(name))
    }

    /// All fields but those that only say that it is an answer, and a whole one ([`Answer::warn_of_gap`] tells of others).
    pub(crate) fn substance(&self) -> Fields<'_> {
        let mut fields = self.fields();
        fields.0.retain(|(name, _)| !matches!(name.as_ref(), "success" | "message" | "coverage" | "complete"));
        fields
    }

    /// What the API says to people.
    pub(crate) fn message(&self) -> String {
        self.fields().text("message").unwrap_or_else(|| "done".to_owned())
    }

    /// Says on standard error that a part of the cluster did not contribute, if so.
    pub(crate) fn warn_of_gap(&self) {
        if let Some(coverage) = gap(&self.fields()) {
            eprintln!("warning: incomplete, only {coverage} answered; see `ringhold cluster status`");
        }
    }
}

/// What contributed, when it was not the whole cluster; of any object with a `coverage`.
pub(crate) fn gap(fields: &Fields<'_>) -> Option<String> {
    let coverage = fields.get("coverage")?;
    let is_whole = match Fields::of(coverage) {
        Some(coverage) => coverage.get("complete").is_none_or(|complete| complete.get() == "true"),
        None => coverage.get().trim_matches('"').split_once('/').is_none_or(|(some, all)| some == all),
    };
    let says_so = fields.get("complete").is_some_and(|complete| complete.get() == "false");
    (!is_whole || says_so).then(|| extent(coverage))
}

fn extent(coverage: &RawValue) -> String {
    let Some(fields) = Fields::of(coverage) else { return coverage.get().trim_matches('"').to_owned() };
    let part = |some, all, what| Some(format!("{} of {} {what}", fields.number(some)?, fields.number(all)?));
    let parts = [part("nodes", "nodes_total", "nodes"), part("ranges", "ranges_total", "ranges")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "a part of the cluster".to_owned() } else { parts.join(" and ") }
}

fn missing(name: &str) -> Failure {
    Failure::failed(format!("the answer has no {name:?}; are router and `ringhold` of the same version?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_coverage_is_seen_in_each_form() {
        for (json, is_gap) in [
            (r#"{}"#, false),
            (r#"{"coverage": "3/3"}"#, false),
            (r#"{"coverage": "2/3"}"#, true),
            (r#"{"coverage": {"complete": true}}"#, false),
            (r#"{"coverage": {"complete": false}}"#, true),
            (r#"{"coverage": {"nodes": 3}, "complete": false}"#, true),
        ] {
            assert_eq!(gap(&serde_json::from_str(json).unwrap()).is_some(), is_gap, "{json}");
        }
        let json =
            r#"{"coverage": {"nodes": 2, "nodes_total": 3, "ranges": 9, "ranges_total": 12}, "complete": false}"#;
        assert_eq!(gap(&serde_json::from_str(json).unwrap()).unwrap(), "2 of 3 nodes and 9 of 12 ranges");
    }

    #[test]
    fn what_is_no_object_is_no_answer_of_a_router() {
        for text in ["", "<html>", "[]", "1"] {
            assert!(Answer::new(text.to_owned()).is_err());
        }
    }
}
