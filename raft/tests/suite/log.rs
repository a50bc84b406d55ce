//! Snapshots, log compaction and the calls of the control channel.

use std::{sync::Arc, time::Duration};

use ringhold_model::wire::{BarrierReply, BarrierRequest, Channel, Fault, Method, WatchReply, WatchRequest};
use ringhold_raft::Compaction;
use ringhold_rpc::{CallError, Caller, CallerOptions, Deadline, Hello, TcpConnector};

use crate::cluster::{Cluster, block_on, wait_for, write_surely};

#[test]
fn a_node_that_missed_the_purged_log_is_brought_up_by_a_snapshot() {
    let mut cluster = Cluster::of_seeds(3);
    cluster.compaction = Compaction { snapshot_after: 40, keep: 5 };
    cluster.start_all();
    cluster.wait_healthy();
    let behind = cluster.follower();
    cluster.stop(behind);
    let leader = cluster.handle(cluster.leader());
    for n in 0..120 {
        write_surely(&leader, &format!("n{n}"));
    }
    cluster.start(behind);
    cluster.wait_healthy();
    cluster.wait_equal();
    assert!(cluster.handle(behind).state().namespace_id("n0").is_some());
    // And from its own snapshot, once more.
    for at in 0..3 {
        cluster.stop(at);
    }
    cluster.start_all();
    cluster.wait_healthy();
    assert!(cluster.handle(behind).state().namespace_id("n119").is_some());
}

fn stranger(address: &str) -> Caller {
    let hello = Hello { channel: Channel::Control, cluster: Default::default(), from: None, target: None };
    Caller::new(CallerOptions::new(address, hello), Arc::new(TcpConnector::default()))
}

#[test]
fn a_watch_answers_when_the_state_moves_and_a_barrier_when_it_was_applied() {
    let cluster = Cluster::started(3);
    let follower = cluster.follower();
    let (handle, address) = (cluster.handle(follower), cluster.places[follower].address.clone());
    block_on(async {
        let caller = stranger(&address);
        let deadline = || Deadline::after(Duration::from_secs(30));
        let watch = |since, timeout_ms| {
            let caller = caller.clone();
            async move {
                let request = WatchRequest { since, timeout_ms };
                caller.call_typed::<_, WatchReply>(Method::Watch, &request, deadline()).await.unwrap()
            }
        };
        let first = watch(0, 20_000).await;
        let state = first.state.expect("there is a state");
        assert_eq!(first.status.node, handle.node_id());
        let none = watch(state.applied, 50).await;
        assert!(none.state.is_none_or(|newer| newer.applied > state.applied));

        let command = ringhold_model::cluster::Command::CreateNamespace { name: "news".to_owned() };
        let (news, written) = tokio::join!(watch(state.applied, 20_000), handle.propose(command, deadline()));
        let (index, _) = written.unwrap();
        assert!(news.state.is_some_and(|newer| newer.applied > state.applied));

        let request = BarrierRequest { index, timeout_ms: 20_000 };
        let reply: BarrierReply = caller.call_typed(Method::Barrier, &request, deadline()).await.unwrap();
        assert!(reply.view >= index);
        let never = BarrierRequest { index: index + 1_000_000, timeout_ms: 100 };
        let refused = caller.call_typed::<_, BarrierReply>(Method::Barrier, &never, deadline()).await;
        assert_eq!(refused.unwrap_err(), CallError::Fault(Fault::DeadlinePassed));
    });
}

#[test]
fn raft_messages_from_strangers_are_refused() {
    let cluster = Cluster::started(1);
    let address = cluster.places[0].address.clone();
    block_on(async {
        let refused = stranger(&address).call(Method::RaftAppend, b"x", Deadline::after(Duration::from_secs(10))).await;
        assert_eq!(refused.unwrap_err(), CallError::Fault(Fault::WrongPeer));
    });
    wait_for("still healthy", || cluster.handle(0).is_ready());
}
