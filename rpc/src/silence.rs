//! Tells a slow peer from a dead one. A call may take as long as it likes; a peer that owes an answer must at least answer
//! a probe.

use std::time::Duration;

use tokio::time::Instant;

/// What a look at the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// Time to ask for a sign of life.
    Probe,
    /// Nothing was heard for too long.
    Dead,
}

#[derive(Debug)]
pub(crate) struct Silence {
    max: Duration,
    idle_probe: Duration,
    heard_at: Instant,
    /// Since when an answer is due, or any other sign of life.
    due_since: Option<Instant>,
    is_probed: bool,
    checked_at: Instant,
}

impl Silence {
    pub(crate) const fn new(max: Duration, idle_probe: Duration, now: Instant) -> Self {
        Self { max, idle_probe, heard_at: now, due_since: None, is_probed: false, checked_at: now }
    }

    /// Something was sent that will be answered.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.due_since.get_or_insert(now);
    }

    /// Part of what waits to be sent was taken by the peer: it is slow, not dead.
    pub(crate) const fn wrote_part(&mut self, now: Instant) {
        self.due_since = Some(now);
    }

    /// Something arrived.
    pub(crate) fn heard(&mut self, now: Instant, is_more_due: bool) {
        self.heard_at = now;
        self.due_since = is_more_due.then_some(now);
        self.is_probed = false;
    }

    /// When to look again.
    pub(crate) fn next_check(&self) -> Instant {
        self.checked_at + self.max / 4
    }

    /// A look at the clock. Whatever has arrived must have been read before.
    pub(crate) fn check(&mut self, now: Instant) -> Verdict {
        let since_check = now - self.checked_at;
        self.checked_at = now;
        if since_check > self.max / 2 && self.due_since.is_some() {
            // This process stood still; that says nothing about the peer.
            self.due_since = Some(now);
            return Verdict::Fine;
        }
        let due_for = self.due_since.map(|since| now - since);
        if due_for.is_some_and(|due_for| due_for >= self.max) {
            return Verdict::Dead;
        }
        let is_quiet = match due_for {
            Some(due_for) => due_for >= self.max / 2,
            None => now - self.heard_at >= self.idle_probe,
        };
        if !is_quiet || self.is_probed {
            return Verdict::Fine;
        }
        self.is_probed = true;
        self.sent(now);
        Verdict::Probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(4);
    const IDLE: Duration = Duration::from_secs(30);

    /// Looks every second, as a connection does, from `from` to `to` (exclusive).
    fn watch(silence: &mut Silence, start: Instant, from: u64, to: u64) -> Vec<(u64, Verdict)> {
        (from..to)
            .map(|second| (second, silence.check(start + Duration::from_secs(second))))
            .filter(|(_, verdict)| *verdict != Verdict::Fine)
            .collect()
    }

    #[test]
    fn a_peer_that_owes_an_answer_is_probed_and_then_given_up() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, IDLE, start);
        silence.sent(start);
        assert_eq!(watch(&mut silence, start, 1, 5), [(2, Verdict::Probe), (4, Verdict::Dead)]);
    }

    #[test]
    fn an_answered_probe_keeps_a_long_call_alive() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, IDLE, start);
        silence.sent(start);
        for second in 1..60 {
            let now = start + Duration::from_secs(second);
            match silence.check(now) {
                Verdict::Fine => {}
                Verdict::Probe => silence.heard(now, true),
                Verdict::Dead => panic!("dead after {second} s"),
            }
        }
    }

    #[test]
    fn an_idle_connection_is_probed_seldom() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, IDLE, start);
        assert_eq!(watch(&mut silence, start, 1, 31), [(30, Verdict::Probe)]);
        silence.heard(start + Duration::from_secs(31), false);
        assert_eq!(watch(&mut silence, start, 31, 61), []);
    }

    #[test]
    fn a_pause_of_the_own_process_is_not_the_peers_silence() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, IDLE, start);
        silence.sent(start);
        assert_eq!(silence.check(start + Duration::from_secs(100)), Verdict::Fine);
        assert_eq!(watch(&mut silence, start, 101, 105), [(102, Verdict::Probe), (104, Verdict::Dead)]);
    }
}
