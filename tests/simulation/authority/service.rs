//! What nodes ask of the authority.

use std::{sync::Arc, time::Duration};

use ringhold_model::{
    NodeId,
    cluster::Command,
    wire::{
        self, Fault, LeaseRefusal, LeasesReply, Method, NodeStatus, ProposeReply, ProposeRequest, RenewReply,
        RenewRequest, WatchReply, WatchRequest,
    },
};
use ringhold_raft::lease::taken_from;
use ringhold_rpc::{Call, Deadline, Handled, Hello, ServeOptions, Service, Welcome, serve_listener};
use serde::Serialize;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{AUTHORITY, Authority, CLUSTER, Hindrance};
use crate::{chance::lease_clock_ms, net::SimulatedListener};

/// Between looks whether a lease has ended.
const LOOK: Duration = Duration::from_millis(25);

pub(super) async fn serve(authority: Authority, listener: SimulatedListener) {
    let welcome = |hello: &Hello| {
        let welcome = Welcome { cluster: CLUSTER, node: Some(AUTHORITY) };
        welcome.check(hello).map(|()| welcome)
    };
    let service = Arc::new(authority);
    serve_listener(listener, welcome, service, ServeOptions::default(), CancellationToken::new()).await;
}

impl Service for Authority {
    fn call(&self, call: Call<'_>) -> Handled {
        let (authority, deadline, from) = (self.clone(), call.deadline, call.hello.from);
        match call.method {
            Method::Renew => match wire::decode::<RenewRequest>(&call.body) {
                Ok(request) => Handled::later(async move { encode(&authority.renew(request).await) }),
                Err(_) => Handled::Failed(Fault::Malformed),
            },
            Method::Propose => match wire::decode::<ProposeRequest>(&call.body) {
                Ok(request) => Handled::later(async move { encode(&authority.proposed(request, deadline).await?) }),
                Err(_) => Handled::Failed(Fault::Malformed),
            },
            Method::Watch => match wire::decode::<WatchRequest>(&call.body) {
                Ok(request) => Handled::later(async move { encode(&authority.watched(request, from).await) }),
                Err(_) => Handled::Failed(Fault::Malformed),
            },
            Method::Leases => Handled::later(async move { encode(&authority.leases().await?) }),
            _ => Handled::Failed(Fault::Malformed),
        }
    }
}

fn encode<T: Serialize>(reply: &T) -> Result<Vec<u8>, Fault> {
    wire::encode(reply).map_err(|_| Fault::Malformed)
}

impl Authority {
    async fn renew(&self, request: RenewRequest) -> RenewReply {
        let (term, admission, round) = {
            let mut core = self.core.lock();
            core.look();
            let clock = lease_clock_ms();
            let newest = Arc::clone(&core.state);
            let round_ms = core.manners.round_ms;
            let round = core.draw(round_ms);
            let (office, state) = match &mut core.deposed {
                Some(deposed) if deposed.nodes.contains(&request.node) => {
                    let state = deposed.state();
                    (&mut deposed.office, state)
                }
                _ => {
                    let state = core.office.seen(&newest).1;
                    (&mut core.office, state)
                }
            };
            match office.book.admit(&request, clock, &state) {
                Ok(admission) => (office.term, admission, round),
                Err(refusal) => return RenewReply::Refused(refusal),
            }
        };
        // The round begins a little after the request came.
        sleep(Duration::from_millis(round / 3)).await;
        let round_ms = lease_clock_ms();
        sleep(Duration::from_millis(round - round / 3)).await;
        let mut core = self.core.lock();
        core.look();
        let clock = lease_clock_ms();
        if core.office.term == term {
            let state = core.office.seen(&core.state).1;
            core.office.confirmed_ms = core.office.confirmed_ms.max(round_ms);
            return core.office.book.renew(&request, admission, (round_ms, clock), &state);
        }
        match &mut core.deposed {
            // Its last round is long over: nobody follows it any more.
            Some(deposed) if deposed.office.term == term => {
                let (state, confirmed_ms) = (deposed.state(), deposed.office.confirmed_ms);
                deposed.office.book.renew(&request, admission, (confirmed_ms, clock), &state)
            }
            _ => RenewReply::Refused(LeaseRefusal::NotLeader(None)),
        }
    }

    async fn proposed(&self, request: ProposeRequest, deadline: Deadline) -> Result<ProposeReply, Fault> {
        let proposal = request.proposal;
        if matches!(proposal.command, Command::NodeDown { .. } | Command::Reset { .. }) {
            return Err(Fault::Malformed);
        }
        let deadline = deadline.earlier(Deadline::after(Duration::from_millis(request.timeout_ms.into())));
        let waiting = loop {
            match self.core.lock().propose(proposal.clone(), None) {
                Ok(waiting) => break waiting,
                Err(Hindrance::NotNow) => {}
                Err(Hindrance::Holds) => self.turn_away(&proposal.command),
            }
            if deadline.has_passed() {
                return Err(Fault::NoLeader);
            }
            sleep(LOOK).await;
        };
        match timeout(deadline.remaining(), waiting).await {
            Ok(Ok((index, outcome))) => Ok(ProposeReply { index, outcome: outcome.map_err(Fault::Rejected) }),
            _ => Err(Fault::NoLeader),
        }
    }

    fn turn_away(&self, command: &Command) {
        let mut core = self.core.lock();
        let nodes = taken_from(command, &core.state);
        nodes.into_iter().for_each(|node| core.office.book.turn_away(node, lease_clock_ms()));
    }

    /// Late, as it takes its time from node to node.
    async fn watched(&self, request: WatchRequest, from: Option<NodeId>) -> WatchReply {
        let mut states = self.states.subscribe();
        let wait = Duration::from_millis(request.timeout_ms.into());
        let newer = timeout(wait, states.wait_for(|state| state.applied > request.since)).await;
        let state = newer.ok().and_then(Result::ok).map(|state| Arc::clone(&state));
        if state.is_some() {
            let late_ms = {
                let mut core = self.core.lock();
                let range = from.and_then(|node| core.manners.tell_ms.get(&node).copied()).unwrap_or((0, 5));
                core.draw(range)
            };
            sleep(Duration::from_millis(late_ms)).await;
        }
        let status = NodeStatus { leader: Some(AUTHORITY), ..NodeStatus::default() };
        WatchReply { state: state.map(|state| Box::new((*state).clone())), status }
    }

    async fn leases(&self) -> Result<LeasesReply, Fault> {
        let (term, round) = {
            let mut core = self.core.lock();
            let round_ms = core.manners.round_ms;
            (core.office.term, core.draw(round_ms))
        };
        sleep(Duration::from_millis(round)).await;
        let mut core = self.core.lock();
        core.look();
        if core.office.term != term || !core.office.book.is_caught_up() {
            return Err(Fault::NoLeader);
        }
        let state = core.office.seen(&core.state).1;
        Ok(core.office.book.leases(lease_clock_ms()).reply(&state))
    }
}
