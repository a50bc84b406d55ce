//! Waiting until the cluster has done what was asked, with a line that shows how it goes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    poll::Poll,
    shapes::{self, Status},
    status::progress,
};
use crate::{client::Client, failure::Failure, output::print_line};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Waits until all copies are where the plan wants them.
pub(super) async fn until_reached(client: &Client) -> Result<(), Failure> {
    until(client, |status| {
        let is_done = status.plan.is_current && status.plan.is_reached;
        Step::of(is_done, status, String::new())
    })
    .await?;
    print_line("all copies are where they should be")
}

/// Waits until a node holds nothing.
pub(super) async fn until_empty(node: u64, client: &Client) -> Result<(), Failure> {
    until(client, |status| {
        let Some(row) = status.nodes.iter().find(|row| row.id == node) else { return Ok(Step::Done) };
        if row.membership == "active" {
            return Err(Failure::failed(format!("the drain of node {node} was cancelled")));
        }
        let held = row.ranges + row.pending_ranges;
        Step::of(held == 0, status, format!("node {node} still holds {held} ranges; "))
    })
    .await?;
    print_line(&format!("node {node} holds nothing any more"))
}

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Done,
    Under(String),
}

impl Step {
    /// Paused moves would be waited for in vain.
    fn of(is_done: bool, status: &Status, what: String) -> Result<Self, Failure> {
        match (is_done, status.settings.moves_paused) {
            (true, _) => Ok(Self::Done),
            (false, true) => {
                Err(Failure::failed("moves are paused, so this never ends; `ringhold cluster resume` lets them go on"))
            }
            (false, false) => Ok(Self::Under(format!("{what}{}", progress(&status.transfers, false)))),
        }
    }
}

async fn until(client: &Client, look: impl Fn(&Status) -> Result<Step, Failure>) -> Result<(), Failure> {
    let bar = line();
    let mut poll = Poll::new(client, EVERY);
    loop {
        match look(&shapes::read(&poll.next().await?)?)? {
            Step::Done => break,
            Step::Under(text) => bar.set_message(text),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// A line on standard error; nothing when that is no terminal.
fn line() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
