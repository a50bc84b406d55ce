//! The HTTP/1.1 front: connections with deadlines and bounds, request ids, access log, and the way to the handlers.
//!
//! hyper's connection builder stands directly under the handlers; the routes that carry most of the traffic are matched
//! before axum's router. What a request means is the business of `api`.

mod access_log;
mod body;
mod connection;
mod listen;
mod request_id;
mod timed_io;
mod tls;
mod watched_body;

pub(crate) use access_log::AccessLog;
pub(crate) use body::{BodyFault, read_body};
pub(crate) use connection::{ServeOptions, serve};
pub(crate) use listen::listen;
pub(crate) use request_id::{RequestIds, RequestTag, X_REQUEST_ID};
pub(crate) use tls::Tls;
pub use tls::{TlsFault, TlsFiles};
