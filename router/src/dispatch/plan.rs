//! Operations + view → one frame a node. Pure.

use ringhold_model::{NamespaceId, NodeId, RouterId, config::Backend};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::pending::Pending;
use crate::view::{Route, View};

/// Operations that go to one node in one frame, in the client's order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The node.
    pub(super) node: NodeId,
    /// Whether they may have reached a node before.
    pub(super) retry: bool,
    /// Whether they are reads that the node answers as a copy.
    pub(super) any_copy: bool,
    /// Positions in the list of operations.
    pub(super) at: Vec<usize>,
}

/// Groups the operations at the positions `ready`, which ascend, by the node they go to, and stamps them with the epoch of
/// their range. Those without a target are left out.
///
/// Operations on one key keep their order: they share range, target and so the frame. Writes that may have been executed
/// travel as retries: the node then tells the remembered result, or does them where there is none.
pub(super) fn plan(
    ops: &mut [Pending<'_>],
    ready: &[usize],
    view: &View,
    mut target: impl FnMut(&Pending<'_>, usize, &Route) -> Option<NodeId>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &at in ready {
        let pending = &mut ops[at];
        let route = view.route(pending.op.hash);
        let Some(node) = target(pending, at, &route) else { continue };
        pending.prepare(route.epoch);
        let (retry, any_copy) = (pending.may_be_done, route.primary != Some(node));
        match groups.iter_mut().find(|group| (group.node, group.retry, group.any_copy) == (node, retry, any_copy)) {
            Some(group) => group.at.push(at),
            None => groups.push(Group { node, retry, any_copy, at: vec![at] }),
        }
    }
    groups
}

/// Writes the [`PointRequest`](ringhold_model::wire::PointRequest) of a group without collecting its operations first.
pub(super) struct GroupRequest<'g, 'a> {
    pub(super) view: u64,
    pub(super) namespace: NamespaceId,
    pub(super) backend: Backend,
    pub(super) router: RouterId,
    pub(super) lowest_open: u64,
    pub(super) group: &'g Group,
    pub(super) ops: &'g [Pending<'a>],
}

impl Serialize for GroupRequest<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut request = serializer.serialize_struct("PointRequest", 8)?;
        request.serialize_field("view", &self.view)?;
        request.serialize_field("namespace", &self.namespace)?;
        request.serialize_field("backend", &self.backend)?;
        request.serialize_field("router", &self.router)?;
        request.serialize_field("lowest_open", &self.lowest_open)?;
        request.serialize_field("retry", &self.group.retry)?;
        request.serialize_field("any_copy", &self.group.any_copy)?;
        request.serialize_field("ops", &GroupOps { group: self.group, ops: self.ops })?;
        request.end()
    }
}

struct GroupOps<'g, 'a> {
    group: &'g Group,
    ops: &'g [Pending<'a>],
}

impl Serialize for GroupOps<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.group.at.iter().map(|at| &self.ops[*at].op))
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{
        Epoch,
        wire::{Action, PointOp, PointRequest, decode, encode},
    };

    use super::*;
    use crate::dispatch::{pending::Reads, twin::view};

    fn get(hash: u64, key: &str) -> Pending<'_> {
        Pending::new(PointOp { hash, epoch: Epoch(0), key, action: Action::Get })
    }

    fn delete(hash: u64, key: &str) -> Pending<'_> {
        Pending::new(PointOp { hash, epoch: Epoch(0), key, action: Action::Delete { n: 1, when: Vec::new() } })
    }

    fn planned(ops: &mut [Pending<'_>], view: &View) -> Vec<Group> {
        let all: Vec<usize> = (0..ops.len()).collect();
        plan(ops, &all, view, |op, _, route| op.target(route, Reads::Fresh, |_| false, |_| false))
    }

    #[test]
    fn operations_are_grouped_by_primary_in_the_order_of_the_request() {
        let mut ops = [get(0, "a"), get(u64::MAX, "b"), get(1, "c")];
        let groups = planned(&mut ops, &view());
        assert_eq!(
            groups,
            [
                Group { node: NodeId(1), retry: false, any_copy: false, at: vec![0, 2] },
                Group { node: NodeId(2), retry: false, any_copy: false, at: vec![1] },
            ]
        );
        assert_eq!((ops[0].op.epoch, ops[1].op.epoch), (Epoch(3), Epoch(4)));
    }

    #[test]
    fn a_write_that_may_have_been_executed_goes_to_the_present_epoch_as_a_retry() {
        let mut ops = [delete(0, "a"), delete(1, "b"), delete(2, "c")];
        ops[1].may_be_done = true;
        (ops[2].calls, ops[2].op.epoch) = (1, Epoch(1));
        let groups = planned(&mut ops, &view());
        assert_eq!(
            groups.iter().map(|group| (group.retry, &group.at[..])).collect::<Vec<_>>(),
            [(false, &[0][..]), (true, &[1, 2])]
        );
        assert_eq!((ops[1].op.epoch, ops[2].op.epoch), (Epoch(3), Epoch(3)));
    }

    #[test]
    fn a_group_is_written_as_the_point_request_that_nodes_read() {
        let view = view();
        let mut ops = [get(0, "a"), get(u64::MAX, "b"), get(2, "c")];
        let to_copy =
            |op: &Pending<'_>, _, route: &Route| op.target(route, Reads::Fresh, |_| false, |node| node == NodeId(1));
        let groups = plan(&mut ops, &[0, 1, 2], &view, to_copy);
        assert_eq!((groups[0].node, groups[0].any_copy), (NodeId(3), true));
        let written = encode(&GroupRequest {
            view: 9,
            namespace: NamespaceId(7),
            backend: Backend::Memory,
            router: RouterId(5),
            lowest_open: 2,
            group: &groups[0],
            ops: &ops,
        });
        let bytes = written.expect("plain data is written");
        let read: PointRequest<'_> = decode(&bytes).expect("and read");
        assert_eq!((read.view, read.namespace, read.router, read.lowest_open), (9, NamespaceId(7), RouterId(5), 2));
        assert_eq!((read.retry, read.any_copy), (false, true));
        assert_eq!(read.ops.iter().map(|op| op.key).collect::<Vec<_>>(), ["a", "c"]);
    }
}
