//! Answers of set-batch, warm and get-batch. Each result is the body of the single call.

use ringhold_model::{config::Backend, wire::ItemRef};

use super::{
    super::{coverage::Coverage, fault::ApiError},
    item::{hit, miss},
    splice::{number, optional_string, raw},
    write::{Stored, stored},
};

/// What became of one item of a set-batch or a warm.
#[derive(Clone, Copy, Debug)]
pub struct SetResult<'a> {
    /// `None`: the item had no key.
    pub key: Option<&'a str>,
    /// Stored, or why not.
    pub outcome: Result<Stored, &'a ApiError>,
}

/// What became of one key of a get-batch.
#[derive(Clone, Copy, Debug)]
pub struct GetResult<'a> {
    /// `None`: the item was no string.
    pub key: Option<&'a str>,
    /// The record, none, or why neither is known.
    pub outcome: Result<Option<&'a ItemRef<'a>>, &'a ApiError>,
}

/// Answer of set-batch and of warm.
pub fn set_batch(out: &mut Vec<u8>, results: &[SetResult<'_>], coverage: &Coverage) {
    let total = results.len() as u64;
    let successful = results.iter().filter(|result| result.outcome.is_ok()).count() as u64;
    number(out, "{\"success\":true,\"message\":\"Stored ", successful);
    number(out, " of ", total);
    number(out, " items\",\"total_items\":", total);
    number(out, ",\"successful_count\":", successful);
    number(out, ",\"failed_count\":", total - successful);
    raw(out, ",\"results\":[");
    for (n, result) in results.iter().enumerate() {
        begin(out, n, result.key);
        match result.outcome {
            Ok(outcome) => {
                raw(out, ",\"success\":true,\"result\":");
                stored(out, result.key.unwrap_or_default(), &outcome);
            }
            Err(error) => failed(out, error),
        }
        out.push(b'}');
    }
    end(out, coverage);
}

/// Answer of get-batch.
pub fn get_batch(out: &mut Vec<u8>, results: &[GetResult<'_>], backend: Backend, coverage: &Coverage) {
    let count = |wanted: fn(&GetResult<'_>) -> bool| results.iter().filter(|result| wanted(result)).count() as u64;
    let total = results.len() as u64;
    let found = count(|result| matches!(result.outcome, Ok(Some(_))));
    number(out, "{\"success\":true,\"message\":\"Found ", found);
    number(out, " of ", total);
    number(out, " keys\",\"total_keys\":", total);
    number(out, ",\"found_count\":", found);
    number(out, ",\"not_found_count\":", count(|result| matches!(result.outcome, Ok(None))));
    number(out, ",\"failed_count\":", count(|result| result.outcome.is_err()));
    raw(out, ",\"results\":[");
    for (n, result) in results.iter().enumerate() {
        let key = result.key.unwrap_or_default();
        begin(out, n, result.key);
        match result.outcome {
            Ok(record) => {
                raw(out, ",\"success\":true,\"result\":");
                match record {
                    Some(item) => hit(out, key, item, backend),
                    None => miss(out, key),
                }
            }
            Err(error) => failed(out, error),
        }
        out.push(b'}');
    }
    end(out, coverage);
}

fn begin(out: &mut Vec<u8>, n: usize, key: Option<&str>) {
    optional_string(out, if n > 0 { ",{\"key\":" } else { "{\"key\":" }, key);
}

fn failed(out: &mut Vec<u8>, error: &ApiError) {
    raw(out, ",\"success\":false,\"error\":");
    error.write_item(out);
}

fn end(out: &mut Vec<u8>, coverage: &Coverage) {
    out.push(b']');
    coverage.write_members(out);
    out.push(b'}');
}
