//! Answers the calls of the control channel.

use std::{future::Future, sync::Arc, time::Duration};

use openraft::{
    error::{Fatal, InstallSnapshotError, RaftError},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse, VoteRequest,
        VoteResponse,
    },
};
use ringhold_model::wire::{
    self, AnnounceRequest, BarrierReply, BarrierRequest, ConsentReply, ConsentRequest, Fault, LeaderSilenceReply,
    LeaderSilenceRequest, LeasesReply, Method, ProposeReply, ProposeRequest, RenewRequest, WatchReply, WatchRequest,
};
use ringhold_rpc::{Call, Deadline, Handled, Hello, Service};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::oneshot, time::timeout_at};

use crate::{
    announce,
    bootstrap::ConsentCall,
    leasing::is_leaders_alone,
    propose::propose,
    shared::{Me, Shared, check_size},
    types::{Raft, TypeConfig},
};

/// Longest that a caller may have a call wait here.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The control channel's service.
pub(crate) struct Control {
    pub(crate) shared: Arc<Shared>,
}

impl Service for Control {
    fn call(&self, call: Call<'_>) -> Handled {
        let shared = Arc::clone(&self.shared);
        let (body, deadline) = (call.body, call.deadline);
        match call.method {
            Method::RaftAppend => self.raft(call.hello, &body, async move |raft: Raft, request| {
                let request: AppendEntriesRequest<TypeConfig> = request;
                shared.leasing.follows(request.vote.leader_id().term);
                let reply = raft.append_entries(request).await;
                if matches!(&reply, Ok(reply) if !matches!(reply, AppendEntriesResponse::HigherVote(_))) {
                    shared.heard_leader();
                }
                reply
            }),
            Method::RaftVote => self.raft(call.hello, &body, async |raft: Raft, request| raft.vote(request).await),
            Method::RaftSnapshot => self.raft(call.hello, &body, async move |raft: Raft, request| {
                let reply = raft.install_snapshot(request).await;
                if reply.is_ok() {
                    shared.heard_leader();
                }
                reply
            }),
            Method::Announce => match wire::decode::<AnnounceRequest>(&body) {
                Ok(request) => match call.reply.write(&announce::answer(&shared, request)) {
                    Ok(()) => Handled::Replied,
                    Err(_) => Handled::Failed(Fault::Malformed),
                },
                Err(_) => Handled::Failed(Fault::Malformed),
            },
            Method::Consent => later(&body, async move |request| consent(&shared, request).await),
            Method::Propose => later(&body, async move |request| forwarded(&shared, request, deadline).await),
            Method::Watch => later(&body, async move |request| watch(&shared, request, deadline).await),
            Method::Renew => self.renew(call.hello, &body),
            Method::LeaderSilence => self.leader_silence(call.hello, &body),
            Method::Leases => Handled::later(async move { encode(&leases(&shared).await?) }),
            Method::Barrier => later(&body, async move |request| barrier(&shared, request, deadline).await),
            _ => Handled::Failed(Fault::Malformed),
        }
    }
}

/// openraft's calls and their replies, so that one function serves all three.
trait RaftCall: DeserializeOwned + Send + 'static {
    type Reply: Serialize + Send;
    type Failure: Serialize + Send;
    fn fatal(error: &Self::Failure) -> bool;
}

macro_rules! raft_call {
    ($request:ty, $reply:ty, $failure:ty) => {
        impl RaftCall for $request {
            type Reply = $reply;
            type Failure = $failure;
            fn fatal(error: &Self::Failure) -> bool {
                matches!(error, RaftError::Fatal(Fatal::Stopped | Fatal::Panicked | Fatal::StorageError(_)))
            }
        }
    };
}

raft_call!(AppendEntriesRequest<TypeConfig>, AppendEntriesResponse<u64>, RaftError<u64>);
raft_call!(VoteRequest<u64>, VoteResponse<u64>, RaftError<u64>);
raft_call!(InstallSnapshotRequest<TypeConfig>, InstallSnapshotResponse<u64>, RaftError<u64, InstallSnapshotError>);

impl Control {
    /// A Raft message is taken only from the own cluster and when it is meant for this very node: the connection may be
    /// older than the present identity.
    fn raft<Req: RaftCall, F>(&self, hello: &Hello, body: &[u8], handle: impl FnOnce(Raft, Req) -> F) -> Handled
    where
        F: Future<Output = Result<Req::Reply, Req::Failure>> + Send + 'static,
    {
        let me = self.shared.me();
        if !is_meant(hello, &me) {
            return Handled::Failed(Fault::WrongPeer);
        }
        let Some(raft) = me.raft.clone() else { return Handled::Failed(Fault::ShuttingDown) };
        let Ok(request) = wire::decode::<Req>(body) else { return Handled::Failed(Fault::Malformed) };
        let reply = handle(raft, request);
        Handled::later(async move {
            let reply = reply.await;
            if matches!(&reply, Err(error) if Req::fatal(error)) {
                return Err(Fault::ShuttingDown);
            }
            encode(&reply)
        })
    }

    /// A node asks for a lease, for itself.
    fn renew(&self, hello: &Hello, body: &[u8]) -> Handled {
        let Ok(request) = wire::decode::<RenewRequest>(body) else { return Handled::Failed(Fault::Malformed) };
        if !is_meant(hello, &self.shared.me()) || hello.from != Some(request.node) {
            return Handled::Failed(Fault::WrongPeer);
        }
        let shared = Arc::clone(&self.shared);
        Handled::later(async move { encode(&shared.renewal(request).await) })
    }

    /// Answered only from within the asker's term (or a later one): what a leader of an earlier term sends from now on is
    /// refused, so that the silence goes on (rule L6).
    fn leader_silence(&self, hello: &Hello, body: &[u8]) -> Handled {
        let me = self.shared.me();
        if !is_meant(hello, &me) {
            return Handled::Failed(Fault::WrongPeer);
        }
        let Some(raft) = &me.raft else { return Handled::Failed(Fault::ShuttingDown) };
        match wire::decode::<LeaderSilenceRequest>(body) {
            Ok(request) if raft.metrics().borrow().vote.leader_id().term >= request.term => {
                let silent_ms = self.shared.leasing.leader_silence_ms(request.term);
                Handled::later(async move { encode(&LeaderSilenceReply { silent_ms }) })
            }
            Ok(_) => Handled::Failed(Fault::Busy),
            Err(_) => Handled::Failed(Fault::Malformed),
        }
    }
}

/// The connection may be older than the present identity.
fn is_meant(hello: &Hello, me: &Me) -> bool {
    hello.cluster == me.cluster && hello.target == me.node && hello.target.is_some()
}

/// Decodes the request, answers later.
fn later<Req, Rep, F>(body: &[u8], handle: impl FnOnce(Req) -> F) -> Handled
where
    Req: DeserializeOwned,
    Rep: Serialize,
    F: Future<Output = Result<Rep, Fault>> + Send + 'static,
{
    match wire::decode(body) {
        Ok(request) => {
            let reply = handle(request);
            Handled::later(async move { encode(&reply.await?) })
        }
        Err(_) => Handled::Failed(Fault::Malformed),
    }
}

fn encode<T: Serialize>(reply: &T) -> Result<Vec<u8>, Fault> {
    wire::encode(reply).map_err(|_| Fault::Malformed)
}

async fn consent(shared: &Shared, request: ConsentRequest) -> Result<ConsentReply, Fault> {
    let (done, waiting) = oneshot::channel();
    shared.consents.try_send(ConsentCall { request, done }).map_err(|_| Fault::Overloaded)?;
    waiting.await.unwrap_or(Err(Fault::ShuttingDown))
}

async fn forwarded(shared: &Shared, request: ProposeRequest, deadline: Deadline) -> Result<ProposeReply, Fault> {
    if check_size(&request.proposal).is_err() || is_leaders_alone(&request.proposal.command) {
        return Err(Fault::Malformed);
    }
    let deadline = waiting_time(request.timeout_ms, deadline);
    let (index, outcome) = propose(shared, &request.proposal, deadline, request.hops).await?;
    Ok(ProposeReply { index, outcome: outcome.map_err(Fault::Rejected) })
}

async fn leases(shared: &Shared) -> Result<LeasesReply, Fault> {
    shared.who_holds().await.ok_or(Fault::NoLeader)
}

async fn watch(shared: &Shared, request: WatchRequest, deadline: Deadline) -> Result<WatchReply, Fault> {
    let deadline = waiting_time(request.timeout_ms, deadline);
    let mut changes = shared.view.watch();
    let newer = timeout_at(deadline.instant(), changes.wait_for(|state| state.applied > request.since)).await;
    let state = match newer {
        Ok(Ok(state)) => Some(Box::new((**state).clone())),
        _ => None,
    };
    Ok(WatchReply { state, status: shared.seen().status.clone() })
}

async fn barrier(shared: &Shared, request: BarrierRequest, deadline: Deadline) -> Result<BarrierReply, Fault> {
    let deadline = waiting_time(request.timeout_ms, deadline);
    let (mut changes, mut acted) = (shared.view.watch(), shared.acted());
    let has_data_plane = shared.settings.has_data_plane;
    let reached = timeout_at(deadline.instant(), async {
        changes.wait_for(|state| state.applied >= request.index).await.is_ok()
            && (!has_data_plane || acted.wait_for(|acted| *acted >= request.index).await.is_ok())
    });
    match reached.await {
        Ok(true) => Ok(BarrierReply { view: shared.view.state().applied }),
        Ok(false) => Err(Fault::ShuttingDown),
        Err(_) => Err(Fault::DeadlinePassed),
    }
}

/// The time that the caller gave, within the call's own deadline: a little before it, so that the answer still arrives.
fn waiting_time(timeout_ms: u32, deadline: Deadline) -> Deadline {
    let asked = Duration::from_millis(timeout_ms.into()).min(WAIT_MAX);
    let margin = (deadline.remaining() / 20).min(Duration::from_millis(50));
    Deadline::after(asked.min(deadline.remaining() - margin))
}
