//! The end: everything works again, and everything must be well.

use ringhold_model::cluster::{Command, SettingsPatch};

use super::{
    account::held,
    asking::number,
    history::{Ask, Event, Fate, Told, is_explained},
    log::{NODES, RANGE_BITS},
    world::{Kind, World},
};
use crate::engine::{GatherLimits, Outcome};

/// Rounds in which everything must have come to rest.
const ROUNDS: usize = 400;

impl World {
    /// Nodes act by the newest state and get their leases, the network loses nothing, what is wished is done.
    pub(super) fn heal(&mut self) {
        let patch = SettingsPatch { min_in_sync: Some(1), ..SettingsPatch::default() };
        let _ = self.log.propose(Command::PatchSettings { patch });
        for pair in Self::pairs().collect::<Vec<_>>() {
            if self.rng.one_in(2) {
                self.lose(pair);
            }
        }
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            self.step += 1;
            let moved = self.heal_once();
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet > 3 && self.clients.is_idle() && self.clearing.is_none() {
                return;
            }
        }
        panic!("{} frames wait for ever; clear under way: {}", self.clients.waiting(), self.clearing.is_some());
    }

    /// True when something went on.
    fn heal_once(&mut self) -> bool {
        let mut moved = false;
        self.mono_ms += 200;
        for at in 0..NODES {
            let newest = self.log.now().applied;
            moved |= self.nodes[at].acted() < newest;
            self.act(at, newest);
            self.grant(at);
            while self.nodes[at].engine.step(self.now()) {}
            self.nodes[at].engine.nudge();
        }
        for pair in Self::pairs().collect::<Vec<_>>() {
            let limits = GatherLimits { bytes_max: 4_096, fill_bytes_max: 1 << 20, tells_alone: true };
            moved |= self.send(pair, limits);
            while self.deliver(pair, true) {}
            while self.answer(pair) {}
        }
        let before = self.log.now().applied;
        for at in 0..NODES {
            self.fulfil_wishes(at);
        }
        if self.clearing.is_some() {
            self.clear();
        }
        self.hear();
        self.ask_again();
        self.hear();
        moved || self.log.now().applied > before
    }

    pub(super) fn finish(&mut self) {
        self.check_limits();
        self.check_accounts();
        for range in 0..1 << RANGE_BITS {
            self.check_range(range);
        }
        self.step += 1;
        self.read_all();
        let fate = match self.kind {
            Kind::Plain => Fate::Stays,
            Kind::Limited if self.has_ttl => Fate::Expires,
            Kind::Limited => Fate::Evicted,
        };
        for key in &self.clients.keys {
            let events: Vec<Event> = key.events.iter().flatten().cloned().collect();
            let list = || events.iter().map(|event| format!("\n  {event}")).collect::<String>();
            assert!(is_explained(&events, fate), "{} of {}, range {}:{}", key.name, key.namespace, key.range, list());
        }
    }

    /// The primary serves, and all members hold the same.
    fn check_range(&self, range: usize) {
        let record = &self.log.now().ranges[range];
        let primary = record.primary.expect("it was planned");
        let primary = &self.nodes[primary.0 as usize - 1].engine;
        let expected = held(primary, range);
        assert!(
            self.may_order(record.primary.map_or(0, |id| id.0 as usize - 1), range),
            "range {range} has no primary"
        );
        for member in &record.in_sync {
            let held = held(&self.nodes[member.node.0 as usize - 1].engine, range);
            assert_eq!(held.1, expected.1, "what node {} holds of range {range}", member.node);
            assert_eq!(held.0, expected.0, "the digest of node {} of range {range}", member.node);
        }
        assert!(self.kind == Kind::Limited || record.pending.is_none(), "range {range} is filled for ever");
    }

    /// Every key is read at its primary and at every copy.
    fn read_all(&mut self) {
        for key in 0..self.clients.keys.len() {
            let range = self.clients.keys[key].range;
            let record = self.log.now().ranges[range].clone();
            for member in &record.in_sync {
                let node = member.node.0 as usize - 1;
                let is_retired = self.is_retired(node, range);
                let value = match self.read(key, node, record.primary != Some(member.node)) {
                    Outcome::Hit(item) => Some(number(item.full().value)),
                    Outcome::Miss => None,
                    other => {
                        assert!(is_retired, "node {} of range {range}: {other:?}", member.node);
                        continue;
                    }
                };
                self.clients.note(key, Ask::Get, self.step, Some((Told::Value(value), self.step)));
            }
        }
    }

    fn is_retired(&self, node: usize, range: usize) -> bool {
        self.nodes[node].engine.shards.iter().any(|shard| {
            let shard = shard.lock();
            shard.parts.iter().any(|part| usize::from(part.range.id().0) == range && part.range.is_retired())
        })
    }
}
