//! Changes that all nodes must act by before they are answered.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use ringhold_model::{
    Generation, NodeId,
    cluster::{ClusterState, Command, Reply},
    wire::{
        BarrierReply, BarrierRequest, Fault, LeasesReply, Method, NodeLease, NodeStatus, ProgressReply, ProposeReply,
        ProposeRequest, PurgeReply, Selection, WatchReply, decode, encode,
    },
};
use ringhold_rpc::Deadline;
use tokio::time::sleep;

use crate::dispatch::{
    clear::Afterwards,
    outcome::{Applied, Reason},
    scan::Filter,
    twin::{Answer, Asked, NODES, SPACE, Twin, alike, soon},
};

/// What happened, in order.
type Story = Arc<Mutex<Vec<String>>>;

fn now<T: serde::Serialize>(message: &T) -> Answer {
    Answer::Now(encode(message).expect("plain data is written"))
}

fn leases(held: &[u64]) -> Answer {
    let lease = |node| NodeLease { node: NodeId(node), is_held: held.contains(&node), since_ms: 0, is_stopping: false };
    now(&LeasesReply { nodes: (1..=NODES).map(lease).collect() })
}

/// Every node does what it is told; the last one leads and says that `held` hold leases.
fn obedient(twin: &Twin, held: &'static [u64], state: fn(u64) -> ClusterState) -> Story {
    let story = Story::default();
    for node in 1..=NODES {
        let (told, view, mut index) = (Arc::clone(&story), twin.view.clone(), 20);
        twin.script(node, move |asked| match asked.method {
            Method::Barrier => {
                let wanted: BarrierRequest = decode(&asked.body).unwrap();
                told.lock().push(format!("barrier {}", wanted.index));
                now(&BarrierReply { view: wanted.index })
            }
            Method::Propose => {
                let request: ProposeRequest = decode(&asked.body).unwrap();
                let (word, reply) = match request.proposal.command {
                    Command::Silence { .. } => ("silence".to_owned(), Reply::Silenced(index)),
                    Command::Clear { .. } => ("clear".to_owned(), Reply::Cleared(Generation(index))),
                    Command::EndSilence { since, .. } => (format!("end of {since}"), Reply::Done),
                    command => panic!("{command:?}"),
                };
                told.lock().push(word);
                view.offer(state(index));
                index += 1;
                now(&ProposeReply { index: index - 1, outcome: Ok(reply) })
            }
            Method::Purge => {
                let selection: Selection<'_> = decode(&asked.body).unwrap();
                let done = selection.ranges.iter().map(|range| range.range).collect();
                now(&PurgeReply { view: selection.view, removed: 5, generation: Generation(selection.view), done })
            }
            Method::Progress => now(&ProgressReply { view: 9, has_lease: true, ..ProgressReply::default() }),
            Method::Leases if node == NODES => leases(held),
            Method::Watch if node == NODES => now(&WatchReply { state: None, status: leading() }),
            _ => Answer::Fault(Fault::NoLeader),
        });
    }
    story
}

fn leading() -> NodeStatus {
    NodeStatus { leader: Some(NodeId(NODES)), ..NodeStatus::default() }
}

fn with_copies(applied: u64) -> ClusterState {
    alike(applied, 3, &[1, 2])
}

fn without_copies(applied: u64) -> ClusterState {
    alike(applied, 3, &[1])
}

const FILTER: Filter<'static> = Filter { namespace: SPACE.0, backend: SPACE.1, pattern: None };

#[tokio::test(start_paused = true)]
async fn copies_are_silent_from_before_a_clear_until_every_node_acts_by_it() {
    let twin = Twin::start(with_copies(9));
    let story = obedient(&twin, &[1, 2, 3, 4], with_copies);
    let cleared = twin.dispatcher.remove_all(FILTER, Afterwards::Speak, soon()).await.unwrap();
    assert!(cleared.is_done() && cleared.total.count == 5 && cleared.total.coverage.is_complete());
    let mut expected = vec!["silence"];
    expected.extend(["barrier 20"; 4]);
    expected.push("clear");
    expected.extend(["barrier 21"; 4]);
    expected.push("end of 20");
    assert_eq!(*story.lock(), expected);
}

#[tokio::test(start_paused = true)]
async fn nothing_needs_to_be_silent_where_no_range_has_a_copy() {
    let twin = Twin::start(without_copies(9));
    let story = obedient(&twin, &[1, 2, 3, 4], without_copies);
    assert!(twin.dispatcher.remove_all(FILTER, Afterwards::Speak, soon()).await.unwrap().is_done());
    assert_eq!(story.lock()[..2], ["clear", "barrier 20"]);
}

#[tokio::test(start_paused = true)]
async fn copies_stay_silent_where_the_namespace_goes_next() {
    let twin = Twin::start(with_copies(9));
    let story = obedient(&twin, &[1, 2, 3, 4], with_copies);
    assert!(twin.dispatcher.remove_all(FILTER, Afterwards::StaySilent, soon()).await.unwrap().is_done());
    assert!(!story.lock().iter().any(|word| word.starts_with("end")));
}

#[tokio::test(start_paused = true)]
async fn a_clear_is_not_begun_while_a_node_that_may_serve_has_not_silenced_its_copies() {
    let twin = Twin::start(with_copies(9));
    let story = obedient(&twin, &[3], with_copies);
    twin.script(3, |_| Answer::Never);
    let failure = twin.dispatcher.remove_all(FILTER, Afterwards::Speak, soon()).await.unwrap_err();
    assert_eq!((failure.reason, failure.applied), (Reason::Unavailable, Applied::No));
    let story = story.lock();
    assert!(!story.contains(&"clear".to_owned()) && story.contains(&"end of 20".to_owned()), "{story:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_answer_is_waited_for_until_its_lease_has_ended() {
    let twin = Twin::start(without_copies(9));
    obedient(&twin, &[], without_copies);
    twin.kill(1);
    twin.script(3, |_| Answer::Never);
    let looks = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looks);
    twin.script(NODES, move |asked| match asked.method {
        Method::Leases => leases(if count.fetch_add(1, Ordering::Relaxed) < 5 { &[3] } else { &[] }),
        _ => now(&BarrierReply { view: 20 }),
    });
    let deadline = soon();
    let coverage = twin.dispatcher.barrier(20, deadline).await;
    assert!(coverage.missing.is_empty() && !deadline.has_passed(), "{coverage:?}");
    assert_eq!(looks.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_keeps_its_lease_and_does_not_answer_is_missing() {
    let twin = Twin::start(without_copies(9));
    obedient(&twin, &[3], without_copies);
    twin.script(3, |_| Answer::Never);
    let coverage = twin.dispatcher.barrier(20, soon()).await;
    assert_eq!(coverage.missing, BTreeSet::from([NodeId(3)]));
    // Without a leader nobody can say that its lease has ended.
    twin.kill(NODES);
    let coverage = twin.dispatcher.barrier(20, soon()).await;
    assert_eq!(coverage.missing, BTreeSet::from([NodeId(3), NodeId(NODES)]));
}

/// Index of the view when the router has caught up; a newer view comes after a while.
async fn caught_up_at(twin: &Twin) -> u64 {
    let caught_up = async {
        twin.dispatcher.catch_up(soon()).await.unwrap();
        twin.view.load().index()
    };
    let newer = async {
        sleep(Duration::from_secs(1)).await;
        twin.view.offer(without_copies(12));
    };
    tokio::join!(caught_up, newer).0
}

#[tokio::test(start_paused = true)]
async fn what_the_view_lacks_is_believed_when_all_that_serve_have_no_newer_one() {
    let twin = Twin::start(without_copies(9));
    let told = |view| move |_: &Asked| now(&ProgressReply { view, has_lease: true, ..ProgressReply::default() });
    (1..=NODES).for_each(|node| twin.script(node, told(9)));
    twin.dispatcher.catch_up(soon()).await.unwrap();
    twin.script(2, told(12));
    assert_eq!(caught_up_at(&twin).await, 12);
}

#[tokio::test(start_paused = true)]
async fn a_router_that_meets_no_lease_holder_concludes_nothing() {
    let twin = Twin::start(without_copies(9));
    obedient(&twin, &[], without_copies);
    let no_lease = |_: &Asked| now(&ProgressReply { view: 9, has_lease: false, ..ProgressReply::default() });
    (1..=NODES).for_each(|node| twin.script(node, no_lease));
    assert_eq!(twin.dispatcher.catch_up(soon()).await.unwrap_err().reason, Reason::NoLease);
    // One that it cannot reach may hold a lease, and know more.
    obedient(&twin, &[2], without_copies);
    twin.kill(2);
    let deadline = Deadline::after(Duration::from_secs(1));
    assert_eq!(twin.dispatcher.catch_up(deadline).await.unwrap_err().reason, Reason::Unavailable);
    obedient(&twin, &[], without_copies);
    twin.dispatcher.catch_up(soon()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_lease_of_a_cluster_is_waited_for() {
    let twin = Twin::start(without_copies(9));
    obedient(&twin, &[], without_copies);
    let no_lease = |_: &Asked| now(&ProgressReply { view: 9, has_lease: false, ..ProgressReply::default() });
    (1..=NODES).for_each(|node| twin.script(node, no_lease));
    let given = async {
        sleep(Duration::from_secs(1)).await;
        obedient(&twin, &[], without_copies);
    };
    tokio::join!(twin.dispatcher.catch_up(soon()), given).0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_leader_tells_what_a_node_that_is_gone_may_have_known() {
    let twin = Twin::start(without_copies(9));
    obedient(&twin, &[], without_copies);
    twin.kill(2);
    twin.script(NODES, |asked| match asked.method {
        Method::Leases => leases(&[]),
        Method::Progress => now(&ProgressReply { view: 9, has_lease: true, ..ProgressReply::default() }),
        Method::Watch => now(&WatchReply { state: Some(Box::new(without_copies(12))), status: leading() }),
        _ => Answer::Fault(Fault::Malformed),
    });
    assert_eq!(caught_up_at(&twin).await, 12);
}
