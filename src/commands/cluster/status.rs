//! `cluster status`: the state of the cluster for people, once or again and again.

use std::{
    fmt::Write,
    io::{IsTerminal, stdout},
};

use reqwest::Method;

use super::{
    poll::Poll,
    shapes::{self, Node, Ranges, Status, Transfers},
    units::{bytes, span, span_or_dash},
};
use crate::{
    cli::{Output, StatusArgs},
    client::{Answer, Client, Path},
    failure::Failure,
    output::{escaped, print, print_line, table},
};

/// Most fills that are listed; the sums tell of the others.
const FILLS_SHOWN_MAX: usize = 20;
/// Clears the terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Path of the state.
pub(super) fn path() -> Path {
    Path::new("/api/cluster")
}

/// Shows the state; with `--watch` until it is ended, or the router cannot be reached for a while.
pub(super) async fn status(arguments: &StatusArgs, client: &Client, output: Output) -> Result<(), Failure> {
    if !arguments.watch {
        return show(&client.call(Method::GET, &path()).await?, output);
    }
    let clears = output == Output::Table && stdout().is_terminal();
    let mut poll = Poll::new(client, arguments.every);
    loop {
        let answer = poll.next().await?;
        if clears {
            print(CLEAR)?;
        }
        show(&answer, output)?;
        if output == Output::Table && !clears {
            print_line("")?;
        }
    }
}

fn show(answer: &Answer, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_line(answer.text());
    }
    answer.warn_of_gap();
    print_line(&text(&shapes::read(answer)?))
}

/// The state as text.
fn text(status: &Status) -> String {
    let mut text = head(status);
    let _ = write!(text, "\n\n{}", nodes(&status.nodes));
    let _ = write!(text, "\n\n{}", transfers(status));
    text
}

fn head(status: &Status) -> String {
    let leader = status.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let settings = &status.settings;
    let mut lines = vec![
        format!(
            "cluster {}  leader {leader}  term {}  version {}",
            escaped(&status.cluster),
            status.term,
            status.version
        ),
        format!("copies  {} wanted, {} needed for a write", settings.replication_factor, settings.min_in_sync),
        format!("ranges  {}", ranges(&status.ranges)),
    ];
    if !status.plan.absent.is_empty() {
        let absent: Vec<_> = status.plan.absent.iter().map(ToString::to_string).collect();
        lines.push(format!("plan    goes without node {}, down for too long", absent.join(", ")));
    }
    if status.plan.zone_rule_relaxed {
        lines.push("plan    some copies share a zone, because the others have no room".to_owned());
    }
    lines.join("\n")
}

fn ranges(ranges: &Ranges) -> String {
    let mut parts = vec![format!("{} in all, {} with all copies", ranges.total, ranges.full)];
    let notes = [
        (ranges.under_replicated, "lack a copy"),
        (ranges.single_copy, "have one copy"),
        (ranges.pending, "being filled"),
        (ranges.taking_over, "being taken over"),
        (ranges.unassigned, "unassigned"),
        (ranges.unavailable, "whose primary does not answer"),
        (ranges.without_living_member, "WITHOUT A SERVING COPY"),
        (ranges.resets, "begun again, empty, so far"),
    ];
    parts.extend(notes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    parts.join("; ")
}

fn nodes(nodes: &[Node]) -> String {
    let row = |node: &Node| {
        vec![
            format!("{}{}", node.id, if node.is_leader { "*" } else { "" }),
            escaped(&state(node)),
            match node.has_lease {
                Some(true) => "yes",
                Some(false) => "no",
                None => "?",
            }
            .to_owned(),
            span_or_dash(node.uptime_seconds),
            if node.is_voter { "yes" } else { "no" }.to_owned(),
            if node.zone.is_empty() { "-".to_owned() } else { escaped(&node.zone) },
            node.weight.to_string(),
            node.primary_ranges.to_string(),
            node.copy_ranges.to_string(),
            node.pending_ranges.to_string(),
            node.planned_ranges.to_string(),
            node.single_copy_writes.map_or_else(|| "-".to_owned(), |writes| writes.to_string()),
            escaped(&node.addresses.rpc),
        ]
    };
    let header = [
        "node",
        "state",
        "lease",
        "up",
        "voter",
        "zone",
        "weight",
        "primaries",
        "copies",
        "filling",
        "planned",
        "single writes",
        "address",
    ];
    table(&header, nodes.iter().map(row).collect())
}

fn state(node: &Node) -> String {
    let mut state = node.state.clone();
    if node.state != node.membership && node.membership != "active" {
        let _ = write!(state, ", {}", node.membership);
    }
    if node.is_stopping {
        state.push_str(", stopping");
    }
    state
}

fn transfers(status: &Status) -> String {
    let transfers = &status.transfers;
    let mut text = progress(transfers, status.settings.moves_paused);
    if !status.plan.is_current {
        text.push_str("; a new plan is about to come");
    } else if transfers.ranges_left == 0 && !status.plan.is_reached {
        text.push_str("; primaries and surplus copies are still to be settled");
    }
    if transfers.running.is_empty() {
        return text;
    }
    let rows = transfers.running.iter().take(FILLS_SHOWN_MAX).map(|fill| {
        vec![
            fill.range.to_string(),
            fill.from.to_string(),
            fill.to.to_string(),
            format!("{} of {}", fill.keys, fill.keys_total),
            bytes(fill.bytes),
            format!("{}/s", bytes(fill.bytes_per_s)),
            span_or_dash(fill.eta_seconds),
        ]
    });
    let header = ["range", "from", "to", "keys", "sent", "rate", "left"];
    let _ = write!(text, "\n{}", table(&header, rows.collect()));
    if transfers.running.len() > FILLS_SHOWN_MAX {
        let _ = write!(text, "\n and {} more", transfers.running.len() - FILLS_SHOWN_MAX);
    }
    text
}

/// What is left to move, in one line.
pub(super) fn progress(transfers: &Transfers, is_paused: bool) -> String {
    let paused = if is_paused { "; moves are PAUSED" } else { "" };
    if transfers.ranges_left == 0 {
        return format!("moves   no copy is missing{paused}");
    }
    let eta = match transfers.eta_seconds {
        Some(seconds) => format!("about {}", span(seconds)),
        None => "time unknown".to_owned(),
    };
    format!(
        "moves   {} copies left, about {} keys and {}; {}/s, {eta}{paused}",
        transfers.ranges_left,
        transfers.keys_left,
        bytes(transfers.bytes_left),
        bytes(transfers.bytes_per_s)
    )
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
