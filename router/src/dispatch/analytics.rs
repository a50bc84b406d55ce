//! How keys are used, and what records there are.

use bytes::Bytes;
use futures_util::future::join_all;
use ringhold_model::{
    NodeId,
    wire::{
        AnalyticsReply, AnalyticsRequest, Method, RangeRef, Survey, SurveyReply, SurveyRequest, Usage, decode, encode,
    },
};
use ringhold_rpc::{CallError, Deadline};

use super::{
    fan_out::{Coverage, Part},
    outcome::Failure,
    point::Dispatcher,
    scan::Filter,
};
use crate::view::View;

/// Records that one node looks at for one answer; beyond them it answers by those.
const SURVEY_RECORDS_MAX: u64 = 1_000_000;

/// What all records are, and who contributed.
#[derive(Debug)]
pub(crate) struct Surveyed {
    /// Merged over the nodes.
    pub(crate) survey: Survey,
    /// Who contributed.
    pub(crate) coverage: Coverage,
}

impl Dispatcher {
    /// Asks every node that should be running what it has counted; the answer of one that could not be asked is `None`.
    /// Ascending by node.
    pub(crate) async fn node_usage(
        &self,
        request: &AnalyticsRequest,
        deadline: Deadline,
    ) -> Vec<(NodeId, Option<Usage>)> {
        let nodes: Vec<NodeId> = self.view.load().active_nodes().collect();
        join_all(nodes.into_iter().map(async |node| {
            let usage = self.usage_of(node, request, deadline).await;
            if let Err(error) = &usage {
                tracing::debug!(node.id = node.0, %error, "a node did not tell how keys are used");
            }
            (node, usage.ok())
        }))
        .await
    }

    async fn usage_of(&self, node: NodeId, request: &AnalyticsRequest, deadline: Deadline) -> Result<Usage, CallError> {
        let view = self.view.load_full();
        let frame = self.nodes.call(&view, node, Method::Analytics, request, deadline).await?;
        let reply: AnalyticsReply = decode(&frame)?;
        Ok(reply.usage)
    }

    /// Has the primaries look at all records.
    pub(crate) async fn survey(&self, filter: Filter<'_>, deadline: Deadline) -> Result<Surveyed, Failure> {
        let body = |view: &View, ranges: &[RangeRef]| {
            encode(&SurveyRequest { selection: filter.selection(view, ranges), records_max: SURVEY_RECORDS_MAX })
        };
        let read = |_, frame: &Bytes| {
            let reply: SurveyReply = decode(frame)?;
            Ok(Part { value: reply.survey, done: reply.done, view: reply.view })
        };
        let gathered = self.gather(Method::Survey, None, body, read, deadline).await?;
        let mut survey = Survey::default();
        gathered.parts.iter().for_each(|part| survey.add(part));
        Ok(Surveyed { survey, coverage: gathered.coverage })
    }
}
