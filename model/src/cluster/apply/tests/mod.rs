//! Tests of the rule book: tables by theme, and properties over random sequences of commands.

mod access;
mod configs;
mod loss;
mod members;
mod nodes;
mod plan;
mod properties;
mod ranges;
mod settings;
