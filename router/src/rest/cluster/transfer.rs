//! What moves now: the copies being filled, and how much is left.

use ringhold_model::{
    NodeId, RangeId,
    wire::{Fill, Filled},
};

use super::{
    outlook::Outlook,
    sight::{Amount, Sight, Sights},
};

/// A copy being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The primary that fills it.
    pub from: NodeId,
    /// What it reports.
    pub fill: Fill,
}

impl Transfer {
    /// Bytes a second since it began; 0 before the first is through.
    pub fn bytes_per_s(&self) -> u64 {
        per_second(self.fill.bytes, self.fill.elapsed_ms)
    }

    /// About what is still to be sent. `per_range` is what a range of its primary holds on the average: it counts until the
    /// fill itself shows how large its records are.
    pub fn left(&self, per_range: Amount) -> Amount {
        let keys = self.fill.records_total.saturating_sub(self.fill.records);
        let bytes = match (self.fill.records, per_range.keys) {
            (0, 0) => 0,
            (0, of) => share(per_range.bytes, keys, of),
            (sent, _) => share(self.fill.bytes, keys, sent),
        };
        Amount { keys, bytes }
    }

    /// Seconds that it will take, rounded up; `None` until it can be told.
    pub fn eta_seconds(&self) -> Option<u64> {
        let left = self.fill.records_total.saturating_sub(self.fill.records);
        match (left, self.fill.records) {
            (0, _) => Some(0),
            (_, 0) => None,
            (left, sent) => Some(share(self.fill.elapsed_ms, left, sent).div_ceil(1_000)),
        }
    }
}

/// All that moves, and what is left to do to reach the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Copies being filled now, by range.
    pub running: Vec<Transfer>,
    /// Copies that the plan wants and that do not hold everything yet, the running ones included.
    pub ranges_left: u32,
    /// About what is still to be sent for them.
    pub left: Amount,
    /// Bytes a second: over the last looks where there were any, else of the fills that run.
    pub bytes_per_s: u64,
    /// What nodes have filled since they started.
    pub done: Filled,
}

impl Transfers {
    /// Seconds until the plan is reached at the present rate, rounded up; `None`: nothing moves, or it cannot be told yet.
    pub fn eta_seconds(&self) -> Option<u64> {
        match (self.ranges_left, self.bytes_per_s) {
            (0, _) => Some(0),
            (_, 0) => None,
            (_, rate) => Some(self.left.bytes.div_ceil(rate)),
        }
    }
}

/// What is on the way to the plan that `outlook` is of, as the nodes tell.
pub fn transfers(outlook: &Outlook, sights: &Sights) -> Transfers {
    let mut transfers = Transfers { running: running(sights), ..Transfers::default() };
    transfers.ranges_left = outlook.ranges;
    transfers.left = outlook.amount;
    transfers.bytes_per_s = transfers.running.iter().map(Transfer::bytes_per_s).sum();
    for filled in sights.nodes.values().filter_map(|sight| sight.progress.as_ref()).map(|progress| progress.filled) {
        transfers.done.ranges += filled.ranges;
        transfers.done.records += filled.records;
        transfers.done.bytes += filled.bytes;
    }
    transfers
}

/// Bytes that each node that answered has sent so far, by fills that are done and by those that run.
pub fn bytes_sent(sights: &Sights) -> Vec<(NodeId, u64)> {
    let sent = |(node, sight): (&NodeId, &Sight)| {
        let progress = sight.progress.as_ref()?;
        let running = progress.fills.iter().map(|fill| fill.bytes);
        Some((*node, running.fold(progress.filled.bytes, u64::saturating_add)))
    };
    sights.nodes.iter().filter_map(sent).collect()
}

/// Copies being filled, by range.
pub(super) fn running(sights: &Sights) -> Vec<Transfer> {
    let mut running: Vec<Transfer> = Vec::new();
    for (node, sight) in &sights.nodes {
        let fills = sight.progress.iter().flat_map(|progress| &progress.fills);
        running.extend(fills.map(|fill| Transfer { from: *node, fill: *fill }));
    }
    running.sort_by_key(|transfer| (transfer.fill.range, transfer.fill.to));
    running
}

/// The fill of a range to a node, if it runs.
pub(super) fn of(running: &[Transfer], range: RangeId, to: NodeId) -> Option<&Transfer> {
    let at = running.binary_search_by_key(&(range, to), |transfer| (transfer.fill.range, transfer.fill.to)).ok()?;
    running.get(at)
}

fn per_second(count: u64, elapsed_ms: u64) -> u64 {
    if elapsed_ms == 0 { 0 } else { share(count, 1_000, elapsed_ms) }
}

/// `whole * part / of`, without overflow on the way.
fn share(whole: u64, part: u64, of: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(part) / u128::from(of.max(1))).unwrap_or(u64::MAX)
}
