//! Nodes tell each other where they are.
//!
//! The replicated state holds every node's addresses, but a node that was restarted under a new one can change the state
//! only through a leader, and the leader reaches it only at the new address: so the news travels by itself, too.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ringhold_model::{
    ClusterId,
    wire::{AnnounceReply, AnnounceRequest, Channel, Method},
};
use ringhold_rpc::Deadline;
use tokio::task::JoinSet;

use crate::{options::Formation, shared::Shared};

/// Longest wait for one peer.
const ANSWER_MAX: Duration = Duration::from_millis(800);
/// Between rounds while this node is not settled.
const EAGER: Duration = Duration::from_millis(200);

/// Announces this node to its peers, until cancelled: eagerly until its start is applied and a leader known.
pub(crate) async fn keep_announcing(shared: Arc<Shared>) {
    loop {
        let pause = if shared.is_ready() { shared.settings.timings.announce } else { EAGER };
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
        if shared.card().is_some() {
            let peers = peers(&shared);
            ask(&shared, &peers).await;
        }
    }
}

/// Announces this node to `addresses` at once; whoever belongs to the same cluster swaps address books with it.
pub(crate) async fn ask(shared: &Arc<Shared>, addresses: &[String]) -> Vec<(String, Option<AnnounceReply>)> {
    let mut calls = JoinSet::new();
    for address in addresses {
        let (shared, address) = (Arc::clone(shared), address.clone());
        calls.spawn(async move {
            let request = AnnounceRequest { cluster: shared.me().cluster, me: shared.card() };
            let caller = shared.strangers.to(&address, Channel::Control, None);
            let reply =
                caller.call_typed::<_, AnnounceReply>(Method::Announce, &request, Deadline::after(ANSWER_MAX)).await;
            (address, reply.ok())
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = calls.join_next().await {
        answers.extend(answer.ok());
    }
    let me = shared.me();
    for (_, reply) in &answers {
        if let Some(reply) = reply.as_ref().filter(|reply| reply.cluster == me.cluster) {
            shared.learn(reply.book.iter().filter(|known| Some(known.node) != me.node).cloned());
        }
    }
    answers.sort_by(|left, right| left.0.cmp(&right.0));
    answers
}

/// What this node answers to another's announcement.
pub(crate) fn answer(shared: &Shared, request: AnnounceRequest) -> AnnounceReply {
    let me = shared.me();
    if !shared.is_member() {
        return AnnounceReply { cluster: ClusterId(0), node: None, leader: None, book: Vec::new() };
    }
    if request.cluster == me.cluster {
        shared.learn(request.me.filter(|known| Some(known.node) != me.node));
    }
    let mut book = shared.book.list();
    book.retain(|known| Some(known.node) != me.node);
    book.extend(shared.card());
    AnnounceReply { cluster: me.cluster, node: me.node, leader: shared.seen().status.leader, book }
}

/// Everyone who may know something: the book, and the addresses given at the start.
fn peers(shared: &Shared) -> Vec<String> {
    let given = match &shared.settings.formation {
        Formation::Alone => &[][..],
        Formation::Seeds(addresses) | Formation::Join(addresses) => addresses,
    };
    let known = shared.book.list().into_iter().map(|known| known.addresses.rpc);
    let all: BTreeSet<String> = known.chain(given.iter().cloned()).collect();
    all.into_iter().filter(|address| !address.is_empty() && *address != shared.addresses.rpc).collect()
}
