//! The least cost of every work, as a table of Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, Result};

use crate::work::{Cost, Work};

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// The least of all runs.
#[derive(Default)]
pub struct Table(BTreeMap<(Work, usize, &'static str), Cost>);

impl Table {
    pub fn add(&mut self, work: Work, threads: usize, cache: &'static str, cost: Cost) {
        let least = self.0.entry((work, threads, cache)).or_insert(cost);
        least.cpu = least.cpu.min(cost.cpu);
        least.wall = least.wall.min(cost.wall);
    }

    /// A row for each work and number of threads; processor and wall nanoseconds an operation.
    pub fn to_markdown(&self, caches: &[&'static str]) -> String {
        let mut text =
            format!("| work | threads | {} |\n|---|---|{}\n", caches.join(" | "), "---|".repeat(caches.len()));
        let mut rows: Vec<(Work, usize)> = self.0.keys().map(|(work, threads, _)| (*work, *threads)).collect();
        rows.dedup();
        for (work, threads) in rows {
            let cell = |cache: &&'static str| match self.0.get(&(work, threads, *cache)) {
                Some(cost) => format!("{:.0} / {:.0}", cost.cpu, cost.wall),
                None => "–".into(),
            };
            let cells: Vec<_> = caches.iter().map(cell).collect();
            let _ = writeln!(text, "| {} | {threads} | {} |", work.title(), cells.join(" | "));
        }
        text
    }
}

/// Puts a table between the markers of a file.
pub fn write_into(file: &str, table: &str) -> Result<()> {
    let old = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let begin = old.find(BEGIN).with_context(|| format!("{file} has no line {BEGIN}"))? + BEGIN.len();
    let end = old.find(END).with_context(|| format!("{file} has no line {END}"))?;
    let new = format!("{}\n{table}{}", &old[..begin], &old[end..]);
    std::fs::write(file, new).with_context(|| format!("cannot write {file}"))
}
