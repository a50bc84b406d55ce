//! Tests that look at the package from outside.

mod tidy;
