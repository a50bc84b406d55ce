//! Progress of long transfers, on standard error; nothing when that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar to 100 % when the size is known, else a count of bytes.
pub(super) fn bar(verb: &'static str, size: Option<u64>) -> ProgressBar {
    // The target hides itself when standard error is no terminal.
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = match size {
        Some(_) => "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
        None => "{spinner} {prefix} {bytes} {bytes_per_sec} {elapsed} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_prefix(verb);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
