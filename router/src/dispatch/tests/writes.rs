//! Writes: how they get over failovers, and when they are given up.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use parking_lot::Mutex;
use ringhold_model::{
    Epoch,
    wire::{Action, Fault, Method, PointResult},
};
use tokio::time::sleep;

use crate::dispatch::{
    outcome::{Applied, Failure, Outcome, Reason},
    pending::Reads,
    twin::{Answer, Asked, SPACE, Twin, alike, delete, each, soon, succeed, success},
};

const MILLI: Duration = Duration::from_millis(1);

/// The primary is node 1, with a copy at 2.
fn two() -> Twin {
    Twin::start(alike(9, 3, &[1, 2]))
}

fn failure(outcome: &Outcome) -> &Failure {
    let Outcome::Failed(failure) = outcome else { panic!("not failed: {outcome:?}") };
    failure
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Deleted { found: true })
}

/// Operation id of the only operation.
fn id(asked: &Asked) -> u64 {
    match &asked.point().ops[..] {
        [op] => match op.action {
            Action::Delete { n, .. } => n,
            _ => panic!("not a removal"),
        },
        ops => panic!("{} operations", ops.len()),
    }
}

/// After two seconds node 2 is the primary.
async fn take_over(twin: &Twin) {
    sleep(Duration::from_secs(2)).await;
    twin.view.offer(alike(12, 12, &[2]));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_primary_is_dead_is_done_by_the_next_one() {
    let twin = two();
    twin.kill(1);
    let (outcome, ()) = tokio::join!(twin.delete(0), take_over(&twin));
    assert!(is_done(&outcome));
    let asked = twin.asked(2, Method::Point);
    assert!(asked.len() == 1 && !asked[0].point().retry, "it never reached the first one");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_the_former_primary_may_have_done_is_a_retry_in_the_present_epoch() {
    let twin = two();
    // The connection is there, and the call under way, when the network goes.
    let network = twin.network.clone();
    twin.script(1, move |_| {
        network.reset("router", "n1");
        Answer::Never
    });
    let (outcome, ()) = tokio::join!(twin.delete(0), async {
        sleep(50 * MILLI).await;
        twin.network.cut("router", "n1");
        take_over(&twin).await;
    });
    assert!(is_done(&outcome));
    let (first, second) = (twin.asked(1, Method::Point), twin.asked(2, Method::Point));
    assert!(!first[0].point().retry && second.len() == 1);
    let retry = second[0].point();
    assert_eq!((retry.retry, retry.view, retry.ops[0].epoch), (true, 12, Epoch(12)));
    assert_eq!(id(&first[0]), id(&second[0]));
}

#[tokio::test(start_paused = true)]
async fn a_write_follows_its_range_away_from_a_primary_that_fell_silent() {
    let twin = two();
    twin.script(1, |_| Answer::Never);
    let (outcome, ()) = tokio::join!(twin.delete(0), take_over(&twin));
    assert!(is_done(&outcome));
    let (first, second) = (twin.asked(1, Method::Point), twin.asked(2, Method::Point));
    assert_eq!((first.len(), second.len(), id(&first[0])), (1, 1, id(&second[0])));
    assert!(second[0].point().retry);
}

#[tokio::test(start_paused = true)]
async fn a_write_follows_a_range_that_moved_before_its_answer_was_late() {
    let twin = two();
    twin.script(1, |_| Answer::Never);
    let (outcome, ()) = tokio::join!(twin.delete(0), async {
        sleep(5 * MILLI).await;
        twin.view.offer(alike(12, 12, &[2]));
    });
    assert!(is_done(&outcome));
}

#[tokio::test(start_paused = true)]
async fn a_former_primary_that_answers_after_all_settles_the_write() {
    let twin = two();
    twin.script(1, |asked| Answer::After(Duration::from_secs(3), each(asked, success)));
    twin.refuse(2, &Fault::Busy);
    let (outcome, ()) = tokio::join!(twin.delete(0), take_over(&twin));
    assert!(is_done(&outcome));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waits_for_a_view_that_does_not_come_ends_with_its_deadline() {
    let twin = two();
    twin.script(1, |_| Answer::Never);
    twin.refuse(2, &Fault::WrongEpoch { epoch: Epoch(50), view: 50 });
    let (outcome, ()) = tokio::join!(twin.delete(0), take_over(&twin));
    assert_eq!(failure(&outcome).applied, Applied::Unknown);
    assert_eq!((twin.points(1), twin.points(2)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_a_failover_send_nothing_and_need_no_budget() {
    let twin = two();
    twin.kill(1);
    while twin.dispatcher.extra.budget.spend() {}
    let writes = join_all((0..200).map(|hash| twin.delete(hash)));
    let (outcomes, ()) = tokio::join!(writes, take_over(&twin));
    assert!(outcomes.iter().all(is_done));
    assert_eq!(twin.points(2), 200, "each was sent once, when the view came");
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_a_new_primary_that_is_not_open_yet_even_without_budget() {
    let twin = two();
    while twin.dispatcher.extra.budget.spend() {}
    twin.refuse(1, &Fault::Busy);
    let opening = async {
        sleep(Duration::from_secs(2)).await;
        twin.script(1, succeed);
    };
    let (outcome, ()) = tokio::join!(twin.delete(0), opening);
    assert!(is_done(&outcome));
    assert!(twin.points(1) <= 25, "{} attempts in two seconds", twin.points(1));
}

#[tokio::test(start_paused = true)]
async fn a_write_to_the_only_member_is_given_up_early_when_that_cannot_be_reached() {
    let twin = Twin::start(alike(9, 3, &[1]));
    twin.kill(1);
    let deadline = soon();
    let outcome = twin.dispatcher.execute_one(SPACE, delete(0), Reads::Fresh, deadline).await;
    assert_eq!(*failure(&outcome), Failure::not_applied(Reason::Unavailable));
    assert!(!deadline.has_passed());
    let (outcome, ()) = tokio::join!(twin.delete(0), async {
        sleep(500 * MILLI).await;
        twin.view.offer(alike(10, 10, &[2]));
    });
    assert!(is_done(&outcome), "a restart elsewhere within that time is bridged");
}

#[tokio::test(start_paused = true)]
async fn a_new_primary_without_copies_gets_its_time_however_long_the_takeover_took() {
    let twin = two();
    twin.kill(1);
    twin.refuse(2, &Fault::NoLease);
    let (outcome, ()) = tokio::join!(twin.delete(0), async {
        take_over(&twin).await;
        sleep(600 * MILLI).await;
        twin.script(2, succeed);
    });
    assert!(is_done(&outcome));
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_node_gets_little_more_than_one_call_a_request() {
    let twin = two();
    twin.refuse(1, &Fault::Overloaded);
    for _ in 0..500 {
        let outcome = twin.delete(0).await;
        assert_eq!(*failure(&outcome), Failure::not_applied(Reason::Overloaded));
    }
    assert!(twin.points(1) <= 500 + 50 + 10, "{} calls", twin.points(1));
    assert_eq!(twin.counters.retries.get(), twin.points(1) as u64 - 500);
    assert!(twin.counters.exhausted.get() > 0);
}

#[tokio::test(start_paused = true)]
async fn too_few_copies_are_waited_for_and_then_told() {
    let twin = Twin::start(alike(9, 3, &[1]));
    let fault = Fault::NotEnoughCopies { have: 1, need: 2 };
    twin.refuse(1, &fault);
    let outcome = twin.delete(0).await;
    assert_eq!(*failure(&outcome), Failure::not_applied(Reason::Refused(fault)));
    let (outcome, ()) = tokio::join!(twin.delete(0), async {
        sleep(500 * MILLI).await;
        twin.script(1, succeed);
    });
    assert!(is_done(&outcome));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_the_range_next_is_asked_whether_a_write_was_done() {
    let twin = two();
    let mut first = true;
    twin.script(1, move |asked| {
        let fault = if std::mem::take(&mut first) { Fault::Unknown } else { Fault::Busy };
        Answer::Now(each(asked, |_| PointResult::Failed(fault.clone())))
    });
    let (outcome, ()) = tokio::join!(twin.delete(0), take_over(&twin));
    assert!(is_done(&outcome));
    assert!(twin.asked(2, Method::Point)[0].point().retry);
    twin.refuse(2, &Fault::Unknown);
    let outcome = twin.delete(0).await;
    assert_eq!(failure(&outcome).applied, Applied::Unknown, "even the retry does not know");
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_key_go_again_together_when_the_first_one_waits_for_a_view() {
    let twin = two();
    let frames = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&frames);
    twin.script(1, move |asked| {
        let request = asked.point();
        seen.lock().push(request.ops.len());
        let is_first = |op: &ringhold_model::wire::PointOp<'_>| std::ptr::eq(op.key, request.ops[0].key);
        Answer::Now(each(asked, |op| match request.view {
            9 if is_first(op) => PointResult::Failed(Fault::WrongEpoch { epoch: Epoch(10), view: 10 }),
            9 => PointResult::Failed(Fault::Busy),
            _ => success(op),
        }))
    });
    let batch = twin.dispatcher.execute(SPACE, vec![delete(0), delete(0), delete(0)], Reads::Fresh, soon());
    let (outcomes, ()) = tokio::join!(batch, async {
        sleep(500 * MILLI).await;
        twin.view.offer(alike(10, 10, &[1, 2]));
    });
    assert!(outcomes.iter().all(is_done));
    assert_eq!(*frames.lock(), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_answers_is_unknown_and_one_that_was_never_sent_is_not_applied() {
    let twin = two();
    twin.script(1, |_| Answer::Never);
    assert_eq!(*failure(&twin.delete(0).await), Failure::unknown(Reason::DeadlinePassed));
    twin.kill(1);
    sleep(MILLI).await;
    assert_eq!(*failure(&twin.delete(0).await), Failure::not_applied(Reason::Unavailable));
}
