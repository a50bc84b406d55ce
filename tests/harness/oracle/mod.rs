//! The version oracle: many clients drive a cluster, and every answer is held against what may be true at that moment.
//!
//! ```text
//!  pacer ──► workers (own connections, no retries) ──► routers
//!                │ begin / end of each operation
//!                ▼
//!              Book: registers · counters · claims  ──► violations
//!                    figures                        ──► what failed, gaps, latencies
//! ```
//!
//! What is checked, of each key, with bounded memory:
//!
//! * a read never returns less than what was acknowledged before it began, nor less than what a read that ended before
//!   it began returned; never a value that nobody wrote or that was refused, never a removed one ([`registers`]);
//! * counters: every sum is given out once and never goes back ([`counters`]);
//! * claims (`if_absent`): one winner, whose value stays ([`claims`]).
//!
//! An operation whose outcome is unknown may take effect at any later time, or never; the checks allow both and nothing else.
//! Checks are in the order in which this process began and ended operations, so no clock is trusted.

pub mod book;
pub mod claims;
pub mod counters;
pub mod figures;
pub mod load;
pub mod options;
pub mod probe;
pub mod readback;
pub mod registers;
pub mod report;
pub mod violation;
mod worker;
