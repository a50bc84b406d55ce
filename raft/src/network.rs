//! openraft's calls to its peers, over the control channel.
//!
//! Whom a connection reaches is checked in its hello: cluster and node must be the ones meant. Where a node is reached is
//! looked up for every call, so that one that was restarted under another address is found as soon as anyone told of it.

use std::{sync::Arc, time::Duration};

use openraft::{
    RPCTypes,
    error::{InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, Timeout, Unreachable},
    network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse, VoteRequest,
        VoteResponse,
    },
};
use ringhold_model::{
    NodeId,
    wire::{Channel, Method},
};
use ringhold_rpc::{CallError, Deadline};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    shared::Shared,
    types::{Peer, TypeConfig},
};

/// Pause of openraft's replication after a peer could not be reached.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(150);

/// Makes clients for peers.
pub(crate) struct Network {
    pub(crate) shared: Arc<Shared>,
}

/// Calls one peer.
pub(crate) struct Client {
    shared: Arc<Shared>,
    target: u64,
    /// Where it was when it became a member; used until the book knows better.
    first_address: String,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Client;

    async fn new_client(&mut self, target: u64, node: &Peer) -> Client {
        Client { shared: Arc::clone(&self.shared), target, first_address: node.rpc.clone() }
    }
}

type Failure<E> = RPCError<u64, Peer, E>;

impl Client {
    async fn call<Req: Serialize, Rep: DeserializeOwned, E>(
        &self,
        (method, action): (Method, RPCTypes),
        request: &Req,
        option: &RPCOption,
    ) -> Result<Rep, Failure<E>>
    where
        E: std::error::Error + DeserializeOwned,
    {
        let target = NodeId(self.target);
        let address = self.shared.book.rpc_address(target).unwrap_or_else(|| self.first_address.clone());
        let caller = self.shared.peers.to(&address, Channel::Control, Some(target));
        let deadline = Deadline::after(option.hard_ttl());
        match caller.call_typed::<Req, Result<Rep, E>>(method, request, deadline).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(RPCError::RemoteError(RemoteError::new(self.target, error))),
            Err(CallError::TimedOut) => Err(RPCError::Timeout(Timeout {
                action,
                id: self.shared.me().node.unwrap_or_default().0,
                target: self.target,
                timeout: option.hard_ttl(),
            })),
            Err(error @ CallError::Lost) => Err(RPCError::Network(NetworkError::new(&error))),
            Err(error) => Err(RPCError::Unreachable(Unreachable::new(&error))),
        }
    }
}

impl RaftNetwork<TypeConfig> for Client {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, Failure<RaftError<u64>>> {
        self.call((Method::RaftAppend, RPCTypes::AppendEntries), &rpc, &option).await
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, Failure<RaftError<u64, InstallSnapshotError>>> {
        self.call((Method::RaftSnapshot, RPCTypes::InstallSnapshot), &rpc, &option).await
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, Failure<RaftError<u64>>> {
        self.call((Method::RaftVote, RPCTypes::Vote), &rpc, &option).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(UNREACHABLE_PAUSE))
    }
}
