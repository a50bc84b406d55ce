//! A request's body that remembers whether it was read to its end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Passes on what comes.
pub(super) struct WatchedBody {
    body: Incoming,
    is_read: Arc<AtomicBool>,
}

/// Tells whether all of the body was read.
pub(super) struct Watch(Arc<AtomicBool>);

impl WatchedBody {
    pub(super) fn new(body: Incoming) -> (Self, Watch) {
        let is_read = Arc::new(AtomicBool::new(body.is_end_stream()));
        (Self { body, is_read: is_read.clone() }, Watch(is_read))
    }
}

impl Watch {
    /// True when nothing of the body is left on the connection, so that another request may follow.
    pub(super) fn is_read(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.is_read.store(true, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
