//! What the leader proposes, one command after the other.

use std::{collections::BTreeMap, time::Duration};

use ringhold_model::{
    cluster::{Command, Proposal, Reply, RequestId},
    wire,
};
use ringhold_raft::Facts;
use tokio::time::sleep;

use super::Authority;
use crate::chance::{lease_clock_ms, now_ms};

/// Between looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// What changed nothing is not proposed again for so long.
const FUTILE_PAUSE_MS: u64 = 1_000;

pub(super) async fn run(authority: Authority) {
    let mut futile: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    loop {
        sleep(LOOK_EVERY).await;
        let (term, commands) = due(&authority);
        futile.retain(|_, at_ms| now_ms() < *at_ms + FUTILE_PAUSE_MS);
        for command in commands {
            let name = wire::encode(&command).unwrap_or_default();
            if futile.contains_key(&name) {
                continue;
            }
            let proposal = Proposal { request: RequestId::default(), command };
            let Ok(waiting) = authority.core.lock().propose(proposal, Some(term)) else { break };
            match waiting.await {
                Ok((_, Ok(Reply::Moved(0) | Reply::Ranges { touched: 0, .. }) | Err(_))) => {
                    futile.insert(name, now_ms());
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn due(authority: &Authority) -> (u64, Vec<Command>) {
    let mut core = authority.core.lock();
    core.look();
    let (_, state) = core.office.seen(&core.state);
    let clock = lease_clock_ms();
    let office = &mut core.office;
    if !office.book.is_caught_up() || !state.is_formed() {
        return (office.term, Vec::new());
    }
    let leases = office.book.leases(clock);
    let facts = Facts { state: &state, leases: &leases, now_ms: clock, may_plan: true };
    (office.term, office.duties.due(&facts))
}
