//! Answers of the analytics. Each says, figure by figure, how the nodes' figures were put together.

mod held;
mod used;

use serde::Serialize;

pub use self::{
    held::{memory, ttl_distribution},
    used::{BackendRow, HotKeysView, access_patterns, backends, hot_keys},
};
use super::{
    super::coverage::Coverage,
    splice::{raw, serde},
};

/// How figures of nodes become one: `(figure, how)`.
type Merging = &'static [(&'static str, &'static str)];

/// An answer: the figures of `body`, how they were merged, and who contributed.
fn answer(out: &mut Vec<u8>, body: &impl Serialize, merging: Merging, coverage: &Coverage) {
    serde(out, body);
    out.pop();
    raw(out, ",\"merging\":{");
    for (n, (figure, how)) in merging.iter().enumerate() {
        raw(out, if n > 0 { ",\"" } else { "\"" });
        raw(out, figure);
        raw(out, "\":\"");
        raw(out, how);
        raw(out, "\"");
    }
    raw(out, "}");
    coverage.write_members(out);
    out.push(b'}');
}

/// `part` of `whole` in percent; 0 of nothing.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
