//! Rules of leases, each with what goes wrong without it.

mod book;
mod needed;
mod taking;
mod victims;
mod world;
