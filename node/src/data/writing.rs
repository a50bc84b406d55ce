//! How many frames wait until copies hold what they wrote: a node that stops waits for them first.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// Counted by the workers, waited for at the end.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    count: AtomicUsize,
    none: Notify,
}

/// One frame, until it is dropped.
#[derive(Debug)]
pub(super) struct Written<'a>(&'a Writing);

impl Writing {
    pub(super) fn begin(&self) -> Written<'_> {
        self.count.fetch_add(1, SeqCst);
        Written(self)
    }

    /// Waits for a moment in which no frame waits.
    pub(crate) async fn none(&self) {
        loop {
            let none = self.none.notified();
            if self.count.load(SeqCst) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime;

    use super::*;

    #[test]
    fn it_is_waited_until_the_last_frame_is_answered() {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let writing = Writing::default();
            writing.none().await;
            let frames = [writing.begin(), writing.begin()];
            let mut frames = frames.into_iter();
            let answer = async {
                drop(frames.next());
                tokio::task::yield_now().await;
                assert_eq!(writing.count.load(SeqCst), 1);
                drop(frames.next());
            };
            let (at_the_end, ()) = tokio::join!(
                async {
                    writing.none().await;
                    writing.count.load(SeqCst)
                },
                answer
            );
            assert_eq!(at_the_end, 0);
        });
    }
}
