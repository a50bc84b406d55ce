//! Calls over many keys: run on blocking threads in bounded steps, answered when what they rest on is committed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ringhold_model::{
    NamespaceId, RangeId,
    config::Backend,
    wire::{
        AnalyticsReply, Fault, FirstKeysRequest, Method, Operation, RemoveRequest, ScanRequest, Selection, StatsReply,
        StatsRequest, SurveyRequest, decode,
    },
};
use ringhold_rpc::{Call, Deadline, Handled};

use super::{
    Node,
    found::{Found, Outside, write},
    stored,
    times::Job,
};
use crate::engine::{Commit, Removal};

/// Longest look at all records. What it has not seen by then is taken to be like what it has.
const SURVEY_MAX: Duration = Duration::from_millis(1_500);

/// Answers the calls over many keys.
pub(super) fn call(node: &Arc<Node>, call: Call<'_>) -> Handled {
    let (node, method, body, deadline) = (node.clone(), call.method, call.body, call.deadline);
    let start = Instant::now();
    Handled::later(async move {
        let Some(Subject { view, key, operation }) = subject(method, &body)? else {
            return blocking(&node.clone(), move || tell(&node, method, &body, deadline)).await;
        };
        let outcome = run(&node, method, body, (view, key.1), deadline).await;
        if let Some(engine) = node.engine() {
            node.times.note_call(engine, Job { start, key, operation }, outcome.as_ref().err());
        }
        outcome
    })
}

async fn run(
    node: &Arc<Node>,
    method: Method,
    body: Bytes,
    (view, backend): (u64, Backend),
    deadline: Deadline,
) -> Result<Vec<u8>, Fault> {
    node.caught_up(view, deadline).await?;
    if backend != Backend::Memory && !matches!(method, Method::Remove | Method::Purge) {
        node.stores.for_use(backend, &node.control.state())?;
    }
    let looking = {
        let (node, body) = (node.clone(), body.clone());
        move || look(&node, method, &body, deadline)
    };
    match blocking(node, looking).await? {
        Looked::Told(reply) => Ok(reply),
        Looked::Waits { view, mut found, commit } => {
            if let Some(commit) = commit {
                let written = node.writing.begin();
                let outcome = commit.await;
                drop(written);
                found.settle(&outcome, node.control.state().range_bits)?;
            }
            if let Some(Outside { page, namespace, backend }) = found.needs_rows(&body)? {
                stored::fill(node, backend, namespace, page, deadline).await?;
            }
            if let Found::Removal(removal) = &mut found {
                go_on(node, removal, &body, deadline).await?;
            }
            blocking(node, move || found.encode(view)).await
        }
    }
}

/// A removal goes on in the ranges where too many effects waited for copies, as long as it gets on and there is time.
async fn go_on(node: &Arc<Node>, removal: &mut Removal, body: &Bytes, deadline: Deadline) -> Result<(), Fault> {
    while !removal.unfinished.is_empty() && !deadline.has_passed() {
        let ranges = std::mem::take(&mut removal.unfinished);
        let removing = {
            let (node, body) = (node.clone(), body.clone());
            move || remove_from(&node, &body, &ranges)
        };
        let mut more = blocking(node, removing).await?;
        let Some(commit) = more.commit.take() else {
            removal.add(more);
            return Ok(());
        };
        let written = node.writing.begin();
        let outcome = commit.await;
        drop(written);
        more.settle(&outcome);
        removal.add(more);
    }
    Ok(())
}

fn remove_from(node: &Node, body: &Bytes, ranges: &[RangeId]) -> Result<Removal, Fault> {
    let engine = node.engine().ok_or(Fault::NotFormed)?;
    let mut request: RemoveRequest<'_> = read(body)?;
    request.selection.ranges.retain(|wanted| ranges.contains(&wanted.range));
    engine.remove(&request, node.clock.now())
}

/// How far a look got.
enum Looked {
    /// The encoded reply.
    Told(Vec<u8>),
    /// Copies have to hold what it rests on first, or a backend outside has to give the bytes.
    Waits { view: u64, found: Found, commit: Option<Commit> },
}

async fn blocking<T: Send + 'static>(
    node: &Node,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if node.is_single_threaded {
        return work();
    }
    // A blocking task fails only by a panic, which was reported where it happened.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Fault::Unknown))
}

/// What a call on records is about.
struct Subject {
    /// The view that the router planned with; this node first catches up with it.
    view: u64,
    key: (NamespaceId, Backend),
    operation: Operation,
}

/// `None`: the call asks for figures.
fn subject(method: Method, body: &Bytes) -> Result<Option<Subject>, Fault> {
    let (selection, operation) = match method {
        Method::Scan => (read::<ScanRequest<'_>>(body)?.selection, Operation::Scan),
        Method::FirstKeys => (read::<FirstKeysRequest<'_>>(body)?.selection, Operation::FirstKeys),
        Method::Remove => (read::<RemoveRequest<'_>>(body)?.selection, Operation::Remove),
        Method::Survey => (read::<SurveyRequest<'_>>(body)?.selection, Operation::Survey),
        Method::Count => (read::<Selection<'_>>(body)?, Operation::Count),
        Method::Purge => (read::<Selection<'_>>(body)?, Operation::Purge),
        _ => return Ok(None),
    };
    Ok(Some(Subject { view: selection.view, key: (selection.namespace, selection.backend), operation }))
}

/// Figures, which the node has at hand.
fn tell(node: &Node, method: Method, body: &Bytes, deadline: Deadline) -> Result<Vec<u8>, Fault> {
    // It may have waited long for its thread.
    if deadline.has_passed() {
        return Err(Fault::DeadlinePassed);
    }
    let view = node.engine().ok_or(Fault::NotFormed)?.acted();
    match method {
        Method::Stats => {
            let request: StatsRequest = read(body)?;
            let stats = node.stats(request.namespace).ok_or(Fault::NotFormed)?;
            write(&StatsReply { view, stats })
        }
        Method::Analytics => {
            let usage = node.usage(&read(body)?).ok_or(Fault::NotFormed)?;
            write(&AnalyticsReply { view, usage })
        }
        _ => Err(Fault::Malformed),
    }
}

fn look(node: &Node, method: Method, body: &Bytes, deadline: Deadline) -> Result<Looked, Fault> {
    // It may have waited long for its thread.
    if deadline.has_passed() {
        return Err(Fault::DeadlinePassed);
    }
    let engine = node.engine().ok_or(Fault::NotFormed)?;
    let (view, now) = (engine.acted(), node.clock.now());
    let mut found = match method {
        Method::Scan => {
            let request: ScanRequest<'_> = read(body)?;
            Found::Page(engine.scan(&request, now)?, request.content)
        }
        Method::FirstKeys => Found::FirstKeys(engine.first_keys(&read::<FirstKeysRequest<'_>>(body)?, now)?),
        Method::Count => Found::Count(engine.count(&read::<Selection<'_>>(body)?, now)?),
        Method::Remove => Found::Removal(engine.remove(&read::<RemoveRequest<'_>>(body)?, now)?),
        Method::Purge => Found::Purge(engine.purge(&read::<Selection<'_>>(body)?, now)?),
        Method::Survey => {
            let request: SurveyRequest<'_> = read(body)?;
            let late = Deadline::after(SURVEY_MAX).earlier(Deadline::after(deadline.remaining() / 2));
            Found::Survey(Box::new(engine.survey(&request, now, || late.has_passed())?))
        }
        _ => return Err(Fault::Malformed),
    };
    let commit = found.take_commit();
    if commit.is_some() || found.needs_rows(body)?.is_some() {
        return Ok(Looked::Waits { view, found, commit });
    }
    found.encode(view).map(Looked::Told)
}

pub(super) fn read<'a, T: serde::Deserialize<'a>>(body: &'a Bytes) -> Result<T, Fault> {
    decode(body).map_err(|_| Fault::Malformed)
}
