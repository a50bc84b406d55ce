//! Clearing a whole (namespace, backend): one entry of the log, however many records there are (rule O1).
//!
//! Nodes act by the entry at different moments. So that nobody reads a record after somebody saw it gone, copies answer no reads of
//! the space from before the first node acts by the entry until the last one does: meanwhile each key has one node that
//! answers, its primary.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use futures_util::future::join;
use ringhold_model::{
    Generation, NodeId,
    cluster::{Command, Reply},
    rules::Rule,
    wire::{Fault, Method, PurgeReply, RangeRef, Selection, decode, encode},
};
use ringhold_rpc::Deadline;

use super::{
    fan_out::{Coverage, Part},
    outcome::{Failure, Reason},
    point::Dispatcher,
    scan::{Filter, Total},
};
use crate::view::View;

/// How long the end of a silence is waited for. The leader ends one that stays behind.
const END_WAIT: Duration = Duration::from_millis(500);

/// What becomes of the silence of the copies once all nodes act by the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// It ends.
    Speak,
    /// It goes with the namespace, which is removed next.
    StaySilent,
}

/// A clear that was decided.
#[derive(Debug)]
pub(crate) struct Cleared {
    /// How much it was, and of which ranges that is known.
    pub(crate) total: Total,
    /// Which nodes act by it; none is missing when every node does that serves.
    pub(crate) reached: Coverage,
}

impl Cleared {
    /// Whether nobody can read anything older any more.
    pub(crate) fn is_done(&self) -> bool {
        self.reached.missing.is_empty()
    }
}

impl Dispatcher {
    /// Clears a (namespace, backend): a new generation makes everything older invisible at once; then every node that serves
    /// says that it acts by it, and how much that was. Safe to repeat.
    pub(crate) async fn remove_all(
        &self,
        filter: Filter<'_>,
        afterwards: Afterwards,
        deadline: Deadline,
    ) -> Result<Cleared, Failure> {
        let Filter { namespace, backend, .. } = filter;
        let silence = self.silence(filter, deadline).await?;
        let decided = match self.propose(Command::Clear { namespace, backend }, deadline).await {
            Ok((index, Reply::Cleared(generation))) => Ok((index, generation)),
            Ok(_) => Err(Failure::unknown(Reason::Refused(Fault::Malformed))),
            Err(failure) => Err(failure),
        };
        let (index, generation) = match decided {
            Ok(decided) => decided,
            Err(failure) => {
                self.end_silence(filter, silence).await;
                return Err(failure);
            }
        };
        let acted = async {
            let reached = self.barrier(index, deadline).await;
            // While a node may still answer by what was before, its copies stay silent; the leader ends that.
            if reached.missing.is_empty() && afterwards == Afterwards::Speak {
                self.end_silence(filter, silence).await;
            }
            reached
        };
        let (reached, total) = join(acted, self.purge(filter, generation, deadline)).await;
        Ok(Cleared { total: total?, reached })
    }

    /// Keeps copies from answering reads of the space; the log index since when. Not needed where no range has a copy.
    async fn silence(&self, filter: Filter<'_>, deadline: Deadline) -> Result<Option<u64>, Failure> {
        let Filter { namespace, backend, .. } = filter;
        if !self.view.load().has_copies() || !Rule::Silence.holds() {
            return Ok(None);
        }
        let (index, reply) = self.propose(Command::Silence { namespace, backend }, deadline).await?;
        let Reply::Silenced(since) = reply else { return Err(Failure::not_applied(Reason::Refused(Fault::Malformed))) };
        if self.barrier(index, deadline).await.missing.is_empty() {
            return Ok(Some(since));
        }
        self.end_silence(filter, Some(since)).await;
        Err(Failure::not_applied(Reason::Unavailable))
    }

    async fn end_silence(&self, filter: Filter<'_>, since: Option<u64>) {
        let Filter { namespace, backend, .. } = filter;
        let Some(since) = since else { return };
        let ended = self.propose(Command::EndSilence { namespace, backend, since }, Deadline::after(END_WAIT)).await;
        if let Err(failure) = ended {
            tracing::debug!(?failure, "copies stay silent until the leader lets them speak");
        }
    }

    /// Frees what a clear made invisible and counts it. The view must be at the clear already.
    async fn purge(&self, filter: Filter<'_>, generation: Generation, deadline: Deadline) -> Result<Total, Failure> {
        // The clear's own index, not that of a view which may have moved on since: nodes count by it.
        let body = |view: &View, ranges: &[RangeRef]| {
            encode(&Selection { view: generation.0, ..filter.selection(view, ranges) })
        };
        let read = |node, frame: &Bytes| {
            let reply: PurgeReply = decode(frame)?;
            let done = if reply.generation >= generation { reply.done } else { Vec::new() };
            Ok(Part { value: (node, reply.removed), done, view: reply.view })
        };
        let gathered = self.gather(Method::Purge, None, body, read, deadline).await?;
        // A node tells all that the clear removed there, so of a node that was asked twice only the last answer counts.
        let removed: HashMap<NodeId, u64> = gathered.parts.into_iter().collect();
        Ok(Total { count: removed.values().sum(), coverage: gathered.coverage })
    }
}
