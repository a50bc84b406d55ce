//! Leases: who gets one, who loses it, and what the leader does then.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use ringhold_model::{
    NodeId,
    cluster::{Change, ClusterState, Command, Member, NodeState, Reply},
    config::Backend,
    wire::{
        Channel, Fault, LeaderSilenceReply, LeaderSilenceRequest, LeasesReply, Method, ProposeReply, ProposeRequest,
        RenewReply, RenewRequest,
    },
};
use ringhold_raft::{Handle, Lease, Node};
use ringhold_rpc::{CallError, Caller, CallerOptions, Deadline, Hello, TcpConnector};
use rustix::time::{ClockId, clock_gettime};

use crate::cluster::{Cluster, PATIENCE, block_on, stays, wait_for, write_surely};

/// The clock of leases.
fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

fn propose(handle: &Handle, command: Command) -> (u64, Reply) {
    block_on(async { handle.propose(command, Deadline::after(PATIENCE)).await }).unwrap()
}

fn caller(cluster: &Cluster, at: usize) -> Caller {
    let handle = cluster.handle(at);
    let hello = Hello { channel: Channel::Control, cluster: handle.cluster_id(), from: None, target: handle.node_id() };
    Caller::new(CallerOptions::new(&cluster.places[at].address, hello), Arc::new(TcpConnector::default()))
}

fn ask_leases(cluster: &Cluster, at: usize) -> Result<LeasesReply, CallError> {
    block_on(async { caller(cluster, at).call_typed(Method::Leases, &(), Deadline::after(PATIENCE)).await })
}

fn holds(state: &ClusterState, id: NodeId) -> bool {
    state.ranges.iter().any(|range| range.in_sync.iter().any(|member| member.node == id))
}

/// Watches from now on when `id` is in no range's list any more.
fn watch_removal(handle: Handle, id: NodeId) -> thread::JoinHandle<u64> {
    thread::spawn(move || {
        wait_for("the node to leave its ranges", || !holds(&handle.state(), id));
        now_ms()
    })
}

/// A lease that is renewed, and again.
fn wait_renewed(lease: &Lease) {
    for _ in 0..2 {
        let before = lease.until_ms();
        wait_for("a renewal", || lease.until_ms() > before);
    }
}

#[test]
fn leases_are_granted_and_renewed_and_the_leader_says_who_holds_one() {
    let cluster = Cluster::started(3);
    for handle in cluster.handles() {
        assert!(handle.lease().holds_now());
        wait_renewed(&handle.lease());
    }
    let leader = cluster.leader();
    let reply = ask_leases(&cluster, leader).unwrap();
    assert_eq!(reply.nodes.len(), 3);
    assert!(reply.nodes.iter().all(|node| node.is_held && !node.is_stopping), "{reply:?}");
    let follower = cluster.follower();
    assert_eq!(ask_leases(&cluster, follower).unwrap_err(), CallError::Fault(Fault::NoLeader));
}

#[test]
fn a_data_plane_that_does_not_act_gets_no_lease_and_loses_the_one_it_has() {
    let mut cluster = Cluster::of_seeds(1);
    let (sink, _connections) = tokio::sync::mpsc::channel(1);
    cluster.data_sink = Some(sink);
    cluster.start_all();
    let handle = cluster.handle(0);
    wait_for("the first plan", || handle.state().plan.is_some());
    // Before it had any role there was nothing to act by.
    wait_for("a lease of before the plan to end", || !handle.lease().holds_now());
    stays("without a lease", Duration::from_millis(500), || !handle.lease().holds_now() && !handle.is_ready());
    handle.set_acted(handle.state().applied);
    wait_for("the node to be ready", || handle.is_ready());
    write_surely(&handle, "it-does-not-act-by-this");
    wait_for("its lease to end", || !handle.lease().holds_now());
    assert!(!handle.is_ready());
    handle.set_acted(handle.state().applied);
    wait_for("the node to be ready again", || handle.is_ready());
}

#[test]
fn a_node_that_died_leaves_its_ranges_after_its_lease_and_is_filled_again_when_it_returns() {
    let mut cluster = Cluster::started(3);
    let at = cluster.follower();
    let (id, lease) = (cluster.handle(at).node_id().unwrap(), cluster.handle(at).lease());
    assert!(holds(&cluster.handle(at).state(), id));
    let survivor = cluster.handle(cluster.leader());
    let removal = watch_removal(survivor.clone(), id);
    let until_ms = lease.until_ms();
    cluster.stop(at);
    assert!(removal.join().unwrap() >= until_ms, "not while it may serve");
    let state = survivor.state();
    assert_eq!(state.nodes[&id].state, NodeState::Active, "it may return");
    assert!(state.ranges.iter().all(|range| range.primary.is_some_and(|primary| primary != id)));
    assert!(state.ranges.iter().all(|range| range.resets == 0), "others had all it had");

    cluster.start(at);
    let pending = |state: &ClusterState| -> Vec<Change> {
        let ranges = (0..).map(ringhold_model::RangeId).zip(&state.ranges);
        let filled = |member: &Member| member.node == id;
        ranges
            .filter_map(|(range, record)| {
                let member = record.pending.filter(filled)?;
                Some(Change { range, epoch: record.epoch, member })
            })
            .collect()
    };
    // The primaries' part: what is pending is filled at once.
    let planned = survivor.state().plan.clone().unwrap().owners;
    wait_for("all copies to be back", || {
        let changes = pending(&survivor.state());
        if !changes.is_empty() {
            propose(&survivor, Command::Promote { changes });
        }
        let state = survivor.state();
        let has = |(record, owners): (&ringhold_model::cluster::RangeRecord, &Vec<NodeId>)| {
            let has = |id: &NodeId| record.in_sync.iter().any(|member| member.node == *id);
            owners.iter().all(has) && record.primary == owners.first().copied()
        };
        state.ranges.iter().zip(&planned).all(has)
    });
    cluster.wait_healthy();
}

#[test]
fn when_the_leader_dies_the_next_one_grants_at_once_and_removes_it_after_its_lease() {
    let mut cluster = Cluster::started(3);
    let at = cluster.leader();
    let (id, lease) = (cluster.handle(at).node_id().unwrap(), cluster.handle(at).lease());
    let removal = watch_removal(cluster.handle(cluster.follower()), id);
    let until_ms = lease.until_ms();
    cluster.stop(at);
    let survivors = cluster.handles();
    wait_for("another leader", || survivors[0].status().leader.is_some_and(|leader| leader != id));
    survivors.iter().for_each(|handle| wait_renewed(&handle.lease()));
    assert!(removal.join().unwrap() >= until_ms, "not while it may serve");
    assert!(survivors.iter().all(|handle| holds(&survivors[0].state(), handle.node_id().unwrap())), "they live");
    let leader = cluster.leader();
    let reply = ask_leases(&cluster, leader).unwrap();
    let held: BTreeSet<NodeId> = reply.nodes.iter().filter(|node| node.is_held).map(|node| node.node).collect();
    assert_eq!(held, survivors.iter().filter_map(Handle::node_id).collect());
    cluster.start(at);
    cluster.wait_healthy();
}

#[test]
fn a_node_cut_off_from_a_majority_loses_its_lease_and_keeps_its_data() {
    let mut cluster = Cluster::started(3);
    let lonely = cluster.leader();
    let handle = cluster.handle(lonely);
    let others: Vec<usize> = (0..3).filter(|at| *at != lonely).collect();
    let members = |state: &ClusterState| {
        let own = |range: &ringhold_model::cluster::RangeRecord| {
            range.in_sync.iter().find(|member| Some(member.node) == handle.node_id()).copied()
        };
        state.ranges.iter().map(own).collect::<Vec<_>>()
    };
    let before = members(&handle.state());
    others.iter().for_each(|at| cluster.stop(*at));
    wait_for("its lease to end", || !handle.lease().holds_now());
    assert!(!handle.is_ready());
    assert_eq!(ask_leases(&cluster, lonely).unwrap_err(), CallError::Fault(Fault::NoLeader), "nobody confirms it");
    cluster.start_all();
    cluster.wait_healthy();
    let after = members(&handle.state());
    let kept = before.iter().zip(&after).filter(|(before, _)| before.is_some()).all(|(before, after)| before == after);
    assert!(kept, "the same memberships: {before:?} {after:?}");
}

#[test]
fn a_leader_that_stood_still_takes_nobodys_memory_for_lost() {
    let mut cluster = Cluster::of_seeds(2);
    // The lowest address is the one voter, so that it keeps the lead.
    let leader = (0..2).min_by_key(|at| cluster.places[*at].address.clone()).unwrap();
    let node = Node::build(cluster.options(leader)).unwrap();
    let handle = node.handle();
    let (brake, braked) = mpsc::sync_channel::<Duration>(1);
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stand_still = async {
                loop {
                    if let Ok(duration) = braked.try_recv() {
                        thread::sleep(duration);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! { ended = node.run() => ended, () = stand_still => Ok(()) }
        })
    });
    cluster.start(1 - leader);
    let other = cluster.handle(1 - leader);
    wait_for("both to be ready", || handle.is_ready() && other.is_ready() && other.state().plan.is_some());
    let before = handle.state().ranges.clone();
    assert!(before.iter().all(|range| range.in_sync.len() == 2));
    // No lease can be renewed for two of them.
    brake.send(crate::cluster::timings().lease * 2).unwrap();
    wait_for("the leases to end", || !other.lease().holds_now() && !handle.lease().holds_now());
    wait_for("both to hold one again", || other.lease().holds_now() && handle.lease().holds_now());
    write_surely(&other, "after-it");
    assert_eq!(handle.state().ranges, before);
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[test]
fn who_is_about_to_stop_is_relieved_of_its_primaries() {
    let cluster = Cluster::started(3);
    let at = cluster.follower();
    let handle = cluster.handle(at);
    let id = handle.node_id().unwrap();
    assert!(handle.state().primaries_of(id).count() > 0);
    handle.set_stopping();
    wait_for("its primaries to go", || handle.state().primaries_of(id).count() == 0);
    assert!(holds(&handle.state(), id), "it still holds its copies");
    wait_renewed(&handle.lease());
    let leases = ask_leases(&cluster, cluster.leader()).unwrap();
    assert!(leases.nodes.iter().all(|node| node.is_stopping == (node.node == id)), "{leases:?}");
}

#[test]
fn of_two_nodes_that_cannot_reach_each_other_one_leaves_what_they_share_and_lives_on() {
    let cluster = Cluster::started(3);
    let handles = cluster.handles();
    let ids: Vec<NodeId> = handles.iter().filter_map(Handle::node_id).collect();
    let share = |state: &ClusterState| {
        state.ranges.iter().any(|range| {
            let has = |id: NodeId| range.in_sync.iter().any(|member| member.node == id);
            has(ids[0]) && has(ids[1])
        })
    };
    assert!(share(&handles[0].state()));
    handles[0].set_unreachable(BTreeSet::from([ids[1]]));
    handles[1].set_unreachable(BTreeSet::from([ids[0]]));
    wait_for("one of them to go", || !share(&handles[2].state()));
    let (low, high) = if ids[0] < ids[1] { (ids[0], ids[1]) } else { (ids[1], ids[0]) };
    assert!(holds(&handles[2].state(), low) && !holds(&handles[2].state(), high));
    wait_for("leases for all", || handles.iter().all(|handle| handle.lease().holds_now()));
}

#[test]
fn a_living_node_is_removed_only_after_its_lease() {
    let cluster = Cluster::started(4);
    let leader = cluster.leader();
    let [asked, at] = *(0..4).filter(|at| *at != leader).take(2).collect::<Vec<_>>() else { unreachable!() };
    let (asked, removed) = (cluster.handle(asked), cluster.handle(at));
    let id = removed.node_id().unwrap();
    let missing = Command::RemoveNode { node: NodeId(99), force: false };
    assert!(block_on(async { asked.propose(missing, Deadline::after(PATIENCE)).await }).is_err());
    let (index, _) = propose(&asked, Command::RemoveNode { node: id, force: false });
    assert!(!removed.lease().holds_now(), "it served until then");
    wait_for("the removal", || asked.state().applied >= index);
    assert_eq!(asked.state().nodes[&id].state, NodeState::Gone);
}

#[test]
fn a_node_gets_its_lease_also_while_barriers_come_all_the_time() {
    let mut cluster = Cluster::started(3);
    let at = cluster.follower();
    let busy = cluster.handle((0..3).find(|other| *other != at).unwrap());
    let (stop, stopped) = mpsc::sync_channel::<()>(0);
    let hammer = thread::spawn(move || {
        let namespace = busy.state().namespace_id("default").unwrap();
        while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
            propose(&busy, Command::Clear { namespace, backend: Backend::Memory });
        }
        busy.state().barrier_at
    });
    cluster.stop(at);
    cluster.start(at);
    let handle = cluster.handle(at);
    wait_for("its lease", || handle.lease().holds_now());
    wait_renewed(&handle.lease());
    drop(stop);
    assert!(hammer.join().unwrap() > handle.incarnation().unwrap().0, "they did come");
    cluster.wait_healthy();
}

#[test]
fn a_voter_speaks_of_earlier_leaders_only_from_within_the_askers_term() {
    let cluster = Cluster::started(3);
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let ask = |term| {
        let request = LeaderSilenceRequest { term };
        let deadline = Deadline::after(PATIENCE);
        let caller = caller(&cluster, follower);
        block_on(async { caller.call_typed::<_, LeaderSilenceReply>(Method::LeaderSilence, &request, deadline).await })
    };
    let term = cluster.handle(leader).status().term;
    assert!(ask(term).is_ok());
    assert_eq!(ask(term + 1_000).unwrap_err(), CallError::Fault(Fault::Busy));
}

#[test]
fn a_lease_is_given_only_to_who_asks_for_itself() {
    let cluster = Cluster::started(3);
    let leader = cluster.leader();
    let handle = cluster.handle(cluster.follower());
    let request = RenewRequest {
        node: handle.node_id().unwrap(),
        incarnation: handle.incarnation().unwrap(),
        acted: handle.state().applied,
        unreachable: Vec::new(),
        is_stopping: false,
    };
    let ask = |from| {
        let target = cluster.handle(leader).node_id();
        let hello = Hello { channel: Channel::Control, cluster: handle.cluster_id(), from, target };
        let options = CallerOptions::new(&cluster.places[leader].address, hello);
        let caller = Caller::new(options, Arc::new(TcpConnector::default()));
        let deadline = Deadline::after(PATIENCE);
        block_on(async { caller.call_typed::<_, RenewReply>(Method::Renew, &request, deadline).await })
    };
    assert_eq!(ask(None).unwrap_err(), CallError::Fault(Fault::WrongPeer));
    assert!(matches!(ask(handle.node_id()), Ok(RenewReply::Granted { .. })));
}

#[test]
fn a_voter_that_is_drained_is_swapped_for_a_learner() {
    let cluster = Cluster::started(4);
    let leader = cluster.handle(cluster.leader());
    let leading = leader.node_id().unwrap();
    let voters = leader.status().voters;
    let drained = voters.iter().copied().find(|id| *id != leading).unwrap();
    propose(&leader, Command::Drain { node: drained, cancel: false });
    wait_for("another voter", || {
        let now = leader.status().voters;
        now.len() == 3 && !now.contains(&drained)
    });
    wait_for("a plan without it", || {
        leader.state().plan.as_ref().is_some_and(|plan| plan.owners.iter().flatten().all(|id| *id != drained))
    });
}

#[test]
fn what_only_a_leader_may_decide_is_not_taken_from_others() {
    let cluster = Cluster::started(3);
    let leader = cluster.leader();
    let handle = cluster.handle(leader);
    let (node, incarnation) = (handle.node_id().unwrap(), handle.incarnation().unwrap());
    let command = Command::NodeDown { node, incarnation, alive: Vec::new() };
    let request = ProposeRequest { proposal: handle.name(command), timeout_ms: 1_000, hops: 1 };
    let answer = block_on(async {
        let deadline = Deadline::after(PATIENCE);
        caller(&cluster, leader).call_typed::<_, ProposeReply>(Method::Propose, &request, deadline).await
    });
    assert_eq!(answer.unwrap_err(), CallError::Fault(Fault::Malformed));
}
