//! Between stubs and the rows that they name.

use bytes::Bytes;
use ringhold_model::{
    NamespaceId, Version,
    config::Backend,
    wire::{Action, Fault, NewRecord, PointOp},
};
use ringhold_rpc::Deadline;

use crate::{
    backend::{Envelope, RowKey, Stamp, fault_of},
    data::Node,
    engine::{Item, Outcome, Page, STUB_BYTES, Stub},
};

/// Puts the values into a page of a scan; items whose rows are gone are left out.
pub(in crate::data) async fn fill(
    node: &Node,
    backend: Backend,
    namespace: NamespaceId,
    page: &mut Page,
    deadline: Deadline,
) -> Result<(), Fault> {
    if page.items.is_empty() {
        return Ok(());
    }
    let state = node.control.state();
    let store = node.stores.for_use(backend, &state)?;
    let name = node.stores.name_of(namespace, &state).ok_or(Fault::UnknownNamespace)?;
    let key = |item: &Item| RowKey { namespace: name.clone(), key: item.block.key().into() };
    let keys: Vec<RowKey> = page.items.iter().map(key).collect();
    let bodies = store.get(&keys, deadline).await.map_err(|error| fault_of(backend, error, false))?;
    let fill = |(item, body): (Item, Option<Bytes>)| {
        let stub = Stub::read(item.block.value())?;
        filled(&item, &body?, Stamp { cluster: state.cluster, number: stub.stamp })
    };
    page.items = std::mem::take(&mut page.items).into_iter().zip(bodies).filter_map(fill).collect();
    Ok(())
}

/// The item with its value, if the row is the one that its stub names.
pub(super) fn filled(item: &Item, body: &Bytes, stamp: Stamp) -> Option<Item> {
    if Stamp::of(body) != Some(stamp) {
        return None;
    }
    let row: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let block = item.block.with_value(row.value.get().as_bytes());
    Some(Item { block, ..item.clone() })
}

pub(super) fn stubs_of(outcomes: &[Outcome]) -> Vec<(usize, Stub)> {
    let stub = |(at, outcome): (usize, &Outcome)| match outcome {
        Outcome::Hit(item) => Some((at, Stub::read(item.block.value())?)),
        _ => None,
    };
    outcomes.iter().enumerate().filter_map(stub).collect()
}

pub(super) fn stub_of(op: &PointOp<'_>, stamp: Version) -> [u8; STUB_BYTES] {
    let size = match &op.action {
        Action::Set { record, .. } => record.value.len() as u64,
        _ => 0,
    };
    Stub { stamp, size }.to_bytes()
}

/// The operation with a stub in place of its value.
pub(super) fn with_stub<'a>(op: &PointOp<'a>, stub: &'a [u8]) -> PointOp<'a> {
    match &op.action {
        Action::Set { n, record } => {
            let record = NewRecord { value: stub, ..record.clone() };
            PointOp { action: Action::Set { n: *n, record }, ..op.clone() }
        }
        _ => op.clone(),
    }
}
