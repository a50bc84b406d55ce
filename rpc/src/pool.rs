//! One caller for each peer and channel.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;
use ringhold_model::{ClusterId, NodeId, wire::Channel};

use crate::{
    caller::{Caller, CallerOptions},
    hello::Hello,
    transport::Connector,
};

/// How the callers of a pool introduce themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallersOptions {
    /// The own cluster; zero: not known yet.
    pub cluster: ClusterId,
    /// The own id, for nodes.
    pub from: Option<NodeId>,
}

type Key = (String, Channel, Option<NodeId>);

/// Callers by (address, channel, meant node). Cheap to clone. Make one for each runtime, so that no call wakes another thread.
#[derive(Clone)]
pub struct Callers(Arc<Shared>);

struct Shared {
    connector: Arc<dyn Connector>,
    /// Read and written by whoever asks for a caller; never held while anything waits.
    state: Mutex<State>,
}

struct State {
    options: CallersOptions,
    callers: HashMap<Key, Caller>,
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").field("callers", &self.0.state.lock().callers.len()).finish_non_exhaustive()
    }
}

impl Callers {
    /// An empty pool.
    pub fn new(options: CallersOptions, connector: Arc<dyn Connector>) -> Self {
        Self(Arc::new(Shared { connector, state: Mutex::new(State { options, callers: HashMap::new() }) }))
    }

    /// The caller for `address`. With a `target`, another node that answers there refuses the connection.
    ///
    /// Look it up once a layout, not once a call: this hashes and locks.
    pub fn to(&self, address: &str, channel: Channel, target: Option<NodeId>) -> Caller {
        let mut state = self.0.state.lock();
        let CallersOptions { cluster, from } = state.options;
        let caller = state.callers.entry((address.to_owned(), channel, target)).or_insert_with(|| {
            let hello = Hello { channel, cluster, from, target };
            Caller::new(CallerOptions::new(address, hello), Arc::clone(&self.0.connector))
        });
        caller.clone()
    }

    /// Changes how callers introduce themselves (the cluster was formed, the id was assigned). Callers that said
    /// something else are closed.
    pub fn identify(&self, options: CallersOptions) {
        let mut state = self.0.state.lock();
        if state.options != options {
            state.options = options;
            close_all(state.callers.drain().map(|(_, caller)| caller));
        }
    }

    /// Closes the callers of `address`, on every channel.
    pub fn forget(&self, address: &str) {
        let mut state = self.0.state.lock();
        close_all(state.callers.extract_if(|(known, _, _), _| known == address).map(|(_, caller)| caller));
    }

    /// Closes all callers and waits for their tasks.
    pub async fn close(&self) {
        let callers: Vec<Caller> = self.0.state.lock().callers.drain().map(|(_, caller)| caller).collect();
        close_all(callers.iter().cloned());
        for caller in callers {
            caller.closed().await;
        }
    }
}

fn close_all(callers: impl Iterator<Item = Caller>) {
    for caller in callers {
        caller.close();
    }
}
