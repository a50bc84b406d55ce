//! Calls to all owners while owners change.

use std::{collections::BTreeSet, time::Duration};

use ringhold_model::{
    NodeId,
    wire::{CountReply, Fault, Method, Selection, decode, encode},
};
use tokio::time::sleep;

use crate::dispatch::{
    scan::{Filter, Total},
    twin::{Answer, Asked, SPACE, Twin, soon, state},
};

const FILTER: Filter<'static> = Filter { namespace: SPACE.0, backend: SPACE.1, pattern: None };

/// Counts ten records a range.
fn counts(asked: &Asked) -> Answer {
    if asked.method != Method::Count {
        return Answer::Fault(Fault::Malformed);
    }
    let selection: Selection<'_> = decode(&asked.body).unwrap();
    let done: Vec<_> = selection.ranges.iter().map(|range| range.range).collect();
    let reply = CountReply { view: selection.view, total: 10 * done.len() as u64, done };
    Answer::Now(encode(&reply).unwrap())
}

/// Two ranges at node 1, one of them with a copy at 3; two at node 2.
fn four() -> Twin {
    let twin = Twin::start(state(9, &[(3, &[1, 3]), (3, &[1, 3]), (4, &[2]), (4, &[2])]));
    (1..=4).for_each(|node| twin.script(node, counts));
    twin
}

async fn count_with_takeover(twin: &Twin) -> Total {
    let count = twin.dispatcher.count(FILTER, soon());
    let takeover = async {
        sleep(Duration::from_millis(2_500)).await;
        twin.view.offer(state(12, &[(12, &[3]), (12, &[3]), (4, &[2]), (4, &[2])]));
    };
    let (total, ()) = tokio::join!(count, takeover);
    total.unwrap()
}

#[tokio::test(start_paused = true)]
async fn ranges_of_a_node_that_died_are_asked_where_they_went() {
    let twin = four();
    twin.kill(1);
    let total = count_with_takeover(&twin).await;
    assert!(total.coverage.is_complete() && total.count == 40, "{total:?}");
    assert_eq!(twin.asked(2, Method::Count).len(), 1, "the others are not asked again");
}

#[tokio::test(start_paused = true)]
async fn ranges_of_a_node_that_fell_silent_are_asked_where_they_went() {
    let twin = four();
    twin.script(1, |_| Answer::Never);
    let total = count_with_takeover(&twin).await;
    assert!(total.coverage.is_complete() && total.count == 40, "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_node_that_lost_ranges_but_lives_is_waited_for() {
    let twin = four();
    twin.script(1, |asked| match (asked.method, counts(asked)) {
        (Method::Count, Answer::Now(bytes)) => Answer::After(Duration::from_secs(4), bytes),
        _ => Answer::Fault(Fault::Busy),
    });
    let total = count_with_takeover(&twin).await;
    assert!(total.coverage.is_complete() && total.count == 40, "{total:?}");
    assert_eq!(twin.asked(3, Method::Count).len(), 0, "nothing is counted twice");
}

#[tokio::test(start_paused = true)]
async fn ranges_whose_only_member_died_are_missing_at_once() {
    let twin = four();
    twin.kill(2);
    let deadline = soon();
    let total = twin.dispatcher.count(FILTER, deadline).await.unwrap();
    assert_eq!((total.count, total.coverage.ranges_done), (20, 2));
    assert_eq!(total.coverage.missing, BTreeSet::from([NodeId(2)]));
    assert!(deadline.remaining() > Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn patience_with_a_failover_that_does_not_come_ends_before_the_deadline() {
    let twin = four();
    twin.kill(1);
    let deadline = soon();
    let total = twin.dispatcher.count(FILTER, deadline).await.unwrap();
    assert_eq!((total.count, total.coverage.nodes_done(), total.coverage.nodes_total), (20, 1, 2));
    assert!(!deadline.has_passed());
}
