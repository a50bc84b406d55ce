//! Calls on single keys: done at once, on the connection's task, and answered as soon as copies hold what was written.

use std::sync::Arc;

use bytes::Bytes;
use ringhold_model::{
    config::Backend,
    wire::{Fault, PointReply, PointRequest, PointResult, WireError, decode},
};
use ringhold_rpc::{Call, Deadline, Handled, encode_onto};

use super::{Node, stored, times::Job};
use crate::engine::{Commit, Engine, Executed, Outcome};

/// Most bytes of records in one reply: a list of short keys must not be able to ask for memory without bound, and the frame
/// has a bound of its own.
const REPLY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Answers `Method::Point`.
pub(super) fn call(node: &Arc<Node>, call: Call<'_>) -> Handled {
    let Call { body, reply, deadline, .. } = call;
    let Ok(request) = decode::<PointRequest<'_>>(&body) else { return Handled::Failed(Fault::Malformed) };
    if request.backend != Backend::Memory {
        return Handled::later(stored::call(node.clone(), body.clone(), deadline));
    }
    let Some(engine) = node.engine().filter(|engine| request.view <= engine.acted()) else {
        return Handled::later(late(node.clone(), request.view, body.clone(), deadline));
    };
    let job = Job::of(&request);
    let Executed { outcomes, commit } = engine.execute(&request, node.clock.now());
    match commit {
        None => match put(node, engine, job, &outcomes, |message| reply.write(message)) {
            Ok(()) => Handled::Replied,
            Err(fault) => Handled::Failed(fault),
        },
        Some(commit) => Handled::later(settled(node.clone(), job, outcomes, commit)),
    }
}

/// The router is ahead: this node first catches up with its view.
async fn late(node: Arc<Node>, view: u64, body: Bytes, deadline: Deadline) -> Result<Vec<u8>, Fault> {
    let (job, executed) = {
        let engine = node.caught_up(view, deadline).await?;
        let request: PointRequest<'_> = decode(&body).map_err(|_| Fault::Malformed)?;
        (Job::of(&request), engine.execute(&request, node.clock.now()))
    };
    drop(body);
    match executed.commit {
        None => encoded(&node, job, &executed.outcomes),
        Some(commit) => settled(node, job, executed.outcomes, commit).await,
    }
}

/// Copies have to hold what was written before anything of it is told. When the deadline passes first, nobody waits any more.
async fn settled(node: Arc<Node>, job: Job, mut outcomes: Vec<Outcome>, commit: Commit) -> Result<Vec<u8>, Fault> {
    let written = node.writing.begin();
    commit.await.settle(&mut outcomes);
    let reply = encoded(&node, job, &outcomes);
    drop(written);
    reply
}

pub(super) fn encoded(node: &Node, job: Job, outcomes: &[Outcome]) -> Result<Vec<u8>, Fault> {
    let engine = node.engine().ok_or(Fault::NotFormed)?;
    let mut bytes = Vec::new();
    put(node, engine, job, outcomes, |message| encode_onto(message, &mut bytes))?;
    Ok(bytes)
}

fn put(
    node: &Node,
    engine: &Engine,
    job: Job,
    outcomes: &[Outcome],
    write: impl FnOnce(&PointReply<'_>) -> Result<(), WireError>,
) -> Result<(), Fault> {
    write(&PointReply { view: engine.acted(), results: bounded(outcomes) }).map_err(|_| Fault::Malformed)?;
    if let Some(latency) = &node.latency {
        latency.record(job.start.elapsed());
    }
    node.times.note(engine, job, outcomes);
    Ok(())
}

/// The results, with records only as long as they fit into one reply.
fn bounded(outcomes: &[Outcome]) -> Vec<PointResult<'_>> {
    let mut room = REPLY_BYTES_MAX;
    let fits = |outcome| {
        let result = Outcome::result(outcome);
        let (item, otherwise) = match &result {
            PointResult::Hit(item) => (item, Fault::ReplyFull { max: REPLY_BYTES_MAX as u64 }),
            // It is applied; without the record the answer would not be true.
            PointResult::Swapped { previous: Some(item), .. } => (&**item, Fault::Unknown),
            _ => return result,
        };
        match room.checked_sub(item.value.len() + item.metadata.map_or(0, <[u8]>::len)) {
            Some(left) => {
                room = left;
                result
            }
            None => PointResult::Failed(otherwise),
        }
    };
    outcomes.iter().map(fits).collect()
}
