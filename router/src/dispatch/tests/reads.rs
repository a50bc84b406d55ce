//! Reads: who is asked, and when.

use std::time::Duration;

use futures_util::future::join_all;
use ringhold_model::wire::{Action, Fault, Method, PointResult};
use ringhold_rpc::Deadline;
use tokio::time::advance;

use crate::dispatch::{
    outcome::{Outcome, Reason},
    pending::Reads,
    twin::{Answer, SPACE, Twin, alike, each, get, hit, soon, state, succeed, success, value},
};

const MILLI: Duration = Duration::from_millis(1);

/// The primary is node 1, with copies at 2 and 3. Hash 0 meets node 2 first.
fn three() -> Twin {
    Twin::start(alike(9, 3, &[1, 2, 3]))
}

fn silent(twin: &Twin, node: u64) {
    twin.script(node, |_| Answer::Never);
}

fn hedges(twin: &Twin) -> u64 {
    twin.counters.hedged_reads.get()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_the_primary_does_not_answer_in_time_is_asked_of_a_copy() {
    let twin = three();
    silent(&twin, 1);
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    let asked = twin.asked(2, Method::Point);
    assert!(asked.len() == 1 && asked[0].point().any_copy, "{asked:?}");
    assert_eq!(asked[0].point().ops[0].action, Action::Peek, "one read counts once");
    assert!(twin.points(1) == 1 && !twin.asked(1, Method::Point)[0].point().any_copy);
    assert_eq!((hedges(&twin), twin.counters.copy_reads.get(), twin.points(3)), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn no_copy_is_asked_when_the_primary_answers_in_time() {
    let twin = three();
    twin.script(1, |asked| Answer::After(3 * MILLI, each(asked, success)));
    for _ in 0..1_000 {
        assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    }
    assert_eq!((twin.points(1), twin.points(2), twin.points(3), hedges(&twin)), (1_000, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_cannot_tell_leaves_the_read_to_the_primary() {
    let twin = three();
    twin.script(1, |asked| Answer::After(300 * MILLI, each(asked, |_| hit("2"))));
    twin.refuse(2, &Fault::NotCommitted);
    twin.refuse(3, &Fault::Busy);
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "2");
    assert!(twin.points(1) == 1 && twin.points(2) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_could_not_tell_is_asked_again_while_the_primary_is_silent() {
    let twin = three();
    silent(&twin, 1);
    silent(&twin, 3);
    let mut refusals = 0;
    twin.script(2, move |asked| {
        refusals += 1;
        let is_known = refusals == 4;
        Answer::Now(each(asked, |op| if is_known { success(op) } else { PointResult::Failed(Fault::NotCommitted) }))
    });
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    assert_eq!(twin.points(2), 4);
}

#[tokio::test(start_paused = true)]
async fn a_strict_read_never_goes_to_a_copy() {
    let twin = three();
    let failed = |outcome: Outcome, reason| match outcome {
        Outcome::Failed(failure) => assert_eq!(failure.reason, reason),
        other => panic!("{other:?}"),
    };
    silent(&twin, 1);
    failed(twin.get(0, Reads::Strict).await, Reason::DeadlinePassed);
    twin.refuse(1, &Fault::NoLease);
    failed(twin.get(0, Reads::Strict).await, Reason::NoLease);
    twin.kill(1);
    failed(twin.get(0, Reads::Strict).await, Reason::Unavailable);
    let batch = twin.dispatcher.execute(SPACE, vec![get(0), get(1)], Reads::Strict, soon()).await;
    batch.into_iter().for_each(|outcome| failed(outcome, Reason::Unavailable));
    assert_eq!((twin.points(2), twin.points(3)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn reads_of_a_dead_primary_go_to_a_copy_and_cost_no_budget() {
    let twin = three();
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    twin.kill(1);
    for _ in 0..9 {
        assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    }
    assert_eq!((twin.points(2), hedges(&twin), twin.counters.exhausted.get()), (9, 0, 0));
    assert!(twin.asked(2, Method::Point).iter().all(|asked| asked.point().ops[0].action == Action::Get));
    assert_eq!((0..100).filter(|_| twin.dispatcher.extra.budget.spend()).count(), 10, "all that can be saved");
}

#[tokio::test(start_paused = true)]
async fn a_primary_without_a_lease_is_left_for_a_copy_until_it_serves_again() {
    let twin = three();
    twin.refuse(1, &Fault::NoLease);
    for _ in 0..20 {
        assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    }
    assert_eq!((twin.points(1), twin.points(2)), (1, 20), "it is avoided for a while");
    twin.script(1, succeed);
    advance(Duration::from_secs(1)).await;
    for _ in 0..20 {
        assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    }
    assert_eq!((twin.points(1), twin.points(2)), (21, 20));
}

#[tokio::test(start_paused = true)]
async fn an_avoided_primary_is_asked_all_the_same_when_no_copy_can_tell() {
    let twin = three();
    twin.refuse(1, &Fault::NoLease);
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
    twin.script(1, succeed);
    twin.refuse(2, &Fault::NotCommitted);
    twin.refuse(3, &Fault::NotCommitted);
    while twin.dispatcher.extra.budget.spend() {}
    let deadline = Deadline::after(50 * MILLI);
    let outcome = twin.dispatcher.execute_one(SPACE, get(0), Reads::Fresh, deadline).await;
    assert_eq!(value(&outcome), "1");
}

#[tokio::test(start_paused = true)]
async fn a_silent_primary_is_tried_by_few_reads_only() {
    let twin = three();
    silent(&twin, 1);
    for _ in 0..1_000 {
        assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
        advance(MILLI).await;
    }
    assert!((2..=6).contains(&twin.points(1)), "{}", twin.points(1));
    assert_eq!(twin.points(2), 1_000);
}

#[tokio::test(start_paused = true)]
async fn hedges_are_at_most_a_tenth_of_the_requests_and_some_that_were_saved() {
    let twin = three();
    // Late for a hedge, but not silent for so long that the node counts as failed.
    twin.script(1, |asked| Answer::After(23 * MILLI, each(asked, success)));
    let outcomes = join_all((0..300).map(|_| twin.get(0, Reads::Fresh))).await;
    assert!(outcomes.iter().all(|outcome| value(outcome) == "1"));
    assert_eq!(twin.points(1), 300);
    let extra = twin.points(2) + twin.points(3);
    assert!((10..=40).contains(&extra), "{extra} more calls");
    assert_eq!(hedges(&twin), extra as u64);
    assert!(twin.counters.exhausted.get() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_read_without_budget_is_hedged_when_the_node_turns_out_to_be_silent() {
    let twin = three();
    while twin.dispatcher.extra.budget.spend() {}
    silent(&twin, 1);
    assert_eq!(value(&twin.get(0, Reads::Fresh).await), "1");
}

#[tokio::test(start_paused = true)]
async fn reads_of_a_batch_whose_node_dies_are_answered_by_copies() {
    let twin = Twin::start(state(9, &[(3, &[1, 3, 4]), (4, &[2])]));
    silent(&twin, 1);
    let ops = vec![get(0), get(u64::MAX), get(1), get(2)];
    let batch = twin.dispatcher.execute(SPACE, ops, Reads::Fresh, soon());
    tokio::pin!(batch);
    tokio::select! {
        biased;
        outcomes = &mut batch => panic!("answered already: {outcomes:?}"),
        () = tokio::time::sleep(MILLI) => {}
    }
    twin.kill(1);
    let outcomes = batch.await;
    assert!(outcomes.iter().all(|outcome| value(outcome) == "1"));
    assert_eq!((twin.points(2), hedges(&twin)), (1, 0));
    let copies: Vec<_> = [3, 4].into_iter().flat_map(|node| twin.asked(node, Method::Point)).collect();
    assert!(copies.len() == 2 && copies.iter().all(|asked| asked.point().any_copy), "a frame a copy: {copies:?}");
}

#[tokio::test(start_paused = true)]
async fn reads_of_a_batch_whose_node_is_silent_are_hedged() {
    let twin = Twin::start(state(9, &[(3, &[1, 3, 4]), (4, &[2])]));
    silent(&twin, 1);
    let ops = (0..100).map(get).chain([get(u64::MAX)]).collect();
    let outcomes = twin.dispatcher.execute(SPACE, ops, Reads::Fresh, soon()).await;
    assert!(outcomes.iter().all(|outcome| value(outcome) == "1"));
    assert_eq!((twin.points(1), twin.points(2), hedges(&twin)), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_no_member_can_answer_waits_for_the_new_primary() {
    let twin = three();
    twin.kill(1);
    twin.refuse(2, &Fault::NotCommitted);
    twin.refuse(3, &Fault::NotCommitted);
    let takeover = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        twin.script(3, succeed);
        twin.view.offer(alike(12, 12, &[3, 2]));
    };
    let (outcome, ()) = tokio::join!(twin.get(0, Reads::Fresh), takeover);
    assert_eq!(value(&outcome), "1");
    let asked = twin.asked(3, Method::Point);
    assert!(asked.last().is_some_and(|asked| !asked.point().any_copy), "as the primary");
}
