//! JSON as text: what keeps a client's value as it came in.
//!
//! Values are never parsed into a tree and never re-serialised. serde_json checks the syntax and cuts a body into raw
//! pieces; everything here works on those pieces: dropping whitespace, telling kinds apart, reading whole numbers and
//! strings, writing strings and timestamps. Knows nothing of requests, limits of the API or HTTP.
//!

mod compact;
mod kind;
mod number;
mod read;
mod split;
mod stamp;
mod text;

pub use compact::{DEPTH_MAX, JsonFault, compact};
pub use kind::{JsonKind, kind};
pub use number::{Whole, whole};
pub use read::{Fields, Member, Unfit, list, members, object, utf8};
pub use split::{Format, Piece, SplitFault, Splitter};
pub use stamp::{parse_stamp, write_stamp};
pub use text::{unescape, write_string};
