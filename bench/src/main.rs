//! Measures the engine beside other caches and writes the table of `docs/benchmarks.md`.
//!
//! `cargo run --release --manifest-path bench/Cargo.toml -- docs/benchmarks.md` replaces what is between the file's markers;
//! without a file the table is printed. `--only NAME` measures one cache, `--runs N` so many times (5). `--background` measures
//! what expiry and scans of a million items do to reads beside them instead.

mod background;
mod caches;
mod keys;
#[path = "../../src/memory.rs"]
mod memory;
mod ringhold;
mod table;
mod work;

use std::sync::Arc;

use anyhow::{Context as _, Result};

use table::Table;

#[global_allocator]
static ALLOCATOR: memory::Allocator = memory::Allocator;

fn main() -> Result<()> {
    memory::prepare();
    let mut arguments = std::env::args().skip(1);
    let (mut file, mut only, mut runs) = (None, None, 5);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--background" => return background::measure(),
            "--only" => only = Some(value()?),
            "--runs" => runs = value()?.parse().context("--runs takes a number")?,
            _ => file = Some(argument),
        }
    }
    let makers = caches::ALL.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    let makers: Vec<_> = makers.collect();
    let inputs = Arc::new(work::Inputs::new());
    let mut table = Table::default();
    for run in 0..runs {
        for threads in [1, 2] {
            for maker in &makers {
                work::measure(maker, threads, &inputs, &mut |work, cost| {
                    eprintln!("{} x{threads} {}: {:.0} / {:.0}", maker.0, work.title(), cost.cpu, cost.wall);
                    table.add(work, threads, maker.0, cost);
                });
            }
        }
        eprintln!("run {} of {runs} is done", run + 1);
    }
    let names: Vec<_> = makers.iter().map(|(name, _)| *name).collect();
    let text = table.to_markdown(&names);
    match file {
        Some(file) => table::write_into(&file, &text),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}
