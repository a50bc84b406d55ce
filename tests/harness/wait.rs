//! Waiting for a condition with a reason and a deadline; never for a time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Bound of every wait. Far above what is needed, because test machines are slow and shared.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until `condition` gives a value; fails the test with `reason` after [`PATIENCE`].
pub async fn until<T, F: Future<Output = Option<T>>>(reason: &str, mut condition: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {reason}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
