//! `cluster plan`, `apply`, `pause`, `resume`, `cancel`.

use std::fmt::Write;

use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    shapes::{self, Plan, Planned},
    units::{bytes, span},
    wait,
};
use crate::{
    cli::{ApplyArgs, ChangeArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    output::{escaped, print_line, table},
};

/// Tells what a change would move.
pub(super) async fn plan(change: &ChangeArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.call_with(Method::POST, &Path::new("/api/cluster/plan"), body(change)).await?;
    show(&answer, output)
}

/// Makes a change.
pub(super) async fn apply(arguments: &ApplyArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = Path::new("/api/cluster/apply");
    let answer = client.call_with(Method::POST, &path, body(&arguments.change)).await?;
    show(&answer, output)?;
    if arguments.wait { wait::until_reached(client).await } else { Ok(()) }
}

/// Pauses, resumes or cancels moves.
pub(super) async fn moves(verb: &str, client: &Client, output: Output) -> Result<(), Failure> {
    show(&client.call(Method::POST, &Path::new("/api/cluster").segment(verb)).await?, output)
}

/// A change as the API takes it; without options it is empty.
fn body(change: &ChangeArgs) -> String {
    let mut body = Map::new();
    if let Some(copies) = change.replication_factor {
        body.insert("replication_factor".to_owned(), copies.into());
    }
    if !change.weights.is_empty() {
        let weights = change.weights.iter().map(|(node, weight)| (node.to_string(), Value::from(*weight)));
        body.insert("weights".to_owned(), Value::Object(weights.collect()));
    }
    for (name, nodes) in [("drain", &change.drain), ("remove", &change.remove)] {
        if !nodes.is_empty() {
            body.insert(name.to_owned(), nodes.clone().into());
        }
    }
    Value::Object(body).to_string()
}

/// Shows a plan.
pub(super) fn show(answer: &Answer, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_line(answer.text());
    }
    answer.warn_of_gap();
    let planned: Planned = shapes::read(answer)?;
    print_line(&text(&planned))
}

fn text(planned: &Planned) -> String {
    let plan = &planned.plan;
    let mut text = escaped(&planned.message);
    if plan.is_paused {
        text.push_str("\nmoves are PAUSED; `ringhold cluster resume` lets them go on");
    }
    if plan.zone_rule_relaxed {
        text.push_str("\nsome copies share a zone, because the others have no room");
    }
    if plan.is_reached {
        return text;
    }
    let _ = write!(text, "\n\n{}", moves_text(plan));
    if !plan.handovers.is_empty() {
        let rows = plan.handovers.iter();
        let rows = rows.map(|flow| vec![node(flow.from), flow.to.to_string(), flow.ranges.to_string()]);
        let _ = write!(text, "\n\nother primaries, without moving anything:\n");
        text.push_str(&table(&["from", "to", "ranges"], rows.collect()));
    }
    if !plan.dropped.is_empty() {
        let rows = plan.dropped.iter().map(|dropped| vec![dropped.node.to_string(), dropped.ranges.to_string()]);
        let _ = write!(text, "\n\ncopies that are given up:\n{}", table(&["node", "ranges"], rows.collect()));
    }
    let shares = plan.nodes.iter().map(|share| {
        let change = |now: u64, then: u64| if now == then { now.to_string() } else { format!("{now} -> {then}") };
        vec![
            share.id.to_string(),
            change(share.primary_ranges, share.planned_primary_ranges),
            change(share.ranges, share.planned_ranges),
        ]
    });
    let _ = write!(text, "\n\nnodes:\n{}", table(&["node", "primaries", "ranges"], shares.collect()));
    text
}

fn moves_text(plan: &Plan) -> String {
    if plan.moves.is_empty() {
        return "no copy is to be made".to_owned();
    }
    let at_least = plan.seconds_at_least.map(|seconds| format!(", at least {}", span(seconds))).unwrap_or_default();
    let rows = plan.moves.iter().map(|flow| {
        vec![node(flow.from), flow.to.to_string(), flow.ranges.to_string(), flow.keys.to_string(), bytes(flow.bytes)]
    });
    let rows = table(&["from", "to", "ranges", "keys", "bytes"], rows.collect());
    format!("{} copies to be made, about {} keys and {}{at_least}:\n{rows}", plan.ranges, plan.keys, bytes(plan.bytes))
}

/// Who gives up its place; nobody, where there is one copy more.
fn node(from: Option<u64>) -> String {
    from.map_or_else(|| "(new)".to_owned(), |node| node.to_string())
}

#[cfg(test)]
mod tests {
    use super::{super::samples::PLAN, *};

    #[test]
    fn a_change_is_sent_as_given_and_nothing_else() {
        assert_eq!(body(&ChangeArgs::default()), "{}");
        let change = ChangeArgs {
            replication_factor: Some(3),
            weights: vec![(4, Some(200)), (5, None)],
            drain: vec![1, 2],
            remove: vec![3],
        };
        let expected = r#"{"drain":[1,2],"remove":[3],"replication_factor":3,"weights":{"4":200,"5":null}}"#;
        let sent: Value = serde_json::from_str(&body(&change)).unwrap();
        assert_eq!(sent, serde_json::from_str::<Value>(expected).unwrap());
    }

    #[test]
    fn a_plan_is_shown_from_where_to_where_and_how_much() {
        let text = text(&serde_json::from_str(PLAN).unwrap());
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "What the change would move; nothing was changed",
                "",
                "3 copies to be made, about 1480 keys and 592.0 kB, at least 2 s:",
                " FROM   TO  RANGES  KEYS  BYTES",
                " 2      4   2       800   320.0 kB",
                " (new)  3   1       680   272.0 kB",
                "",
                "other primaries, without moving anything:",
                " FROM  TO  RANGES",
                " 2     4   2",
                "",
                "copies that are given up:",
                " NODE  RANGES",
                " 1     5",
                "",
                "nodes:",
                " NODE  PRIMARIES  RANGES",
                " 2     3 -> 1     6 -> 4",
            ]
        );
    }

    #[test]
    fn a_plan_that_is_reached_or_paused_says_so() {
        let mut planned: Planned = serde_json::from_str(PLAN).unwrap();
        planned.plan.is_paused = true;
        assert!(text(&planned).contains("moves are PAUSED"));
        planned.plan.is_reached = true;
        assert!(!text(&planned).contains("copies to be made"));
    }
}
