//! The duties, each in a table, and all of them together against the rule book.

mod copies;
mod loss;
mod plan;
mod primaries;
mod silences;
mod together;
mod world;
