//! The first half of a write to a backend outside: whether it may be done, before the backend is told anything.

use ringhold_model::{
    OpId,
    config::is_strategy_built,
    wire::{Action, Fault, PointOp, PointRequest},
};

use super::{
    Engine, Now, Outcome,
    check::check_record,
    dropped::DroppedRow,
    point::{Frame, unknown},
    write::unmet,
};

/// What is to be done with a write.
#[derive(Debug)]
pub enum Prepared {
    /// The backend may be told. The record lives for so many milliseconds; `None`: it does not expire.
    Go(Option<u64>),
    /// It was done before: [`Engine::execute`] tells its result and changes nothing.
    Known,
    /// This is its outcome.
    Told(Outcome),
}

impl Engine {
    /// Looks at each operation of a frame as [`Engine::execute`] would, and changes nothing. What it says of a key holds until
    /// another write to it is executed, except that the record may go.
    pub fn prepare(&self, request: &PointRequest<'_>, now: Now) -> Vec<Prepared> {
        let view = self.view.load();
        let Some(info) = view.space(request.namespace, request.backend) else {
            return request.ops.iter().map(|_| Prepared::Told(Outcome::Failed(unknown(request.backend)))).collect();
        };
        let frame = Frame::of(request, &view, info, now);
        let prepared = request.ops.iter().map(|op| self.prepare_one(&frame, op));
        prepared.map(|prepared| prepared.unwrap_or_else(|fault| Prepared::Told(Outcome::Failed(fault)))).collect()
    }

    fn prepare_one(&self, frame: &Frame<'_>, op: &PointOp<'_>) -> Result<Prepared, Fault> {
        let (n, when) = match &op.action {
            Action::Set { n, record } => (*n, &record.when),
            Action::Delete { n, when } => (*n, when),
            _ => return Err(Fault::Malformed),
        };
        let mut ttl_ms = None;
        if let Action::Set { record, .. } = &op.action {
            check_record(op.key, record)?;
            let strategy = frame.info.strategy(record.strategy);
            if !is_strategy_built(strategy) {
                return Err(Fault::Unsupported(format!("the strategy {strategy} is not built yet")));
            }
            ttl_ms = self.draft(frame, op, record, 0)?.ttl_ms;
        }
        let mut shard = self.shard_of(op.hash).lock();
        if frame.admit(self, &mut shard, op, OpId { router: frame.router, n })?.is_some() {
            return Ok(Prepared::Known);
        }
        let number = frame.info.number;
        let there = shard.find_live(&self.shared, number, op.hash, op.key.as_bytes(), frame.now.mono_ms);
        match unmet(when, there.map(|at| shard.slots.get(at))) {
            // Like a read, true only under a lease that holds after it.
            Some(_) if !self.shared.lease.holds_now() => Err(Fault::NoLease),
            Some(conflict) => Ok(Prepared::Told(Outcome::Conflict(conflict))),
            None => Ok(Prepared::Go(ttl_ms)),
        }
    }

    /// Rows of backends outside that no record names any more, at most `max`; the caller removes them.
    pub fn take_dropped(&self, max: usize) -> Vec<DroppedRow> {
        self.shared.dropped.take(max)
    }

    /// How many such rows could not be kept since this was asked last.
    pub fn take_lost_rows(&self) -> u64 {
        self.shared.dropped.take_lost()
    }
}
