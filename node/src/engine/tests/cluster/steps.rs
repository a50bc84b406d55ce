//! What may happen in one step.

use ringhold_model::{
    Epoch, Generation, NodeId, RangeId,
    cluster::{Change, Command, Member, Move, RangeRecord, Reply, Restart, SettingsPatch},
    wire::{RemoveRequest, ScanContent, ScanRequest, Selection},
};

use super::{
    asking::{number, poll},
    client::Clearing,
    history::{Ask, Told},
    log::{NODES, id},
    world::{Focus, Kind, World},
};
use crate::engine::{GatherLimits, Page, Wish};

/// Steps of one run.
const STEPS: usize = 500;

impl World {
    pub(super) fn run(&mut self) {
        for _ in 0..STEPS {
            self.step += 1;
            self.one_step();
            if self.rng.one_in(3) {
                self.hear();
            }
            self.check_limits();
        }
    }

    fn one_step(&mut self) {
        match self.rng.below(100) {
            0..=21 => self.ask(),
            22..=66 => self.network(),
            67..=72 => self.act_on_news(),
            73..=75 => self.nodes[self.rng.below(NODES)].engine.nudge(),
            76..=79 => self.lease(),
            80..=87 => self.change(),
            88..=89 => self.focus(),
            90..=92 => self.time(),
            93 => self.lose_patience(),
            94 => self.scan(),
            95 if self.rng.one_in(2) => self.remove(),
            _ => self.clear(),
        }
    }

    fn any_pair(&mut self) -> (usize, usize) {
        if let Some(focus) = self.focused
            && !self.rng.one_in(3)
        {
            self.focused = (focus.left > 0).then(|| Focus { left: focus.left - 1, ..focus });
            return focus.pair;
        }
        let pairs: Vec<_> = Self::pairs().collect();
        pairs[self.rng.below(pairs.len())]
    }

    /// For a while most messages are between two members of one range, so that something long gets to its end: a takeover, or
    /// the filling of a copy with what comes after it.
    fn focus(&mut self) {
        let before = self.log.now().clone();
        let range = self.rng.below(before.ranges.len());
        let Some(primary) = before.ranges[range].primary else { return };
        let from = primary.0 as usize - 1;
        let to = (from + 1 + self.rng.below(NODES - 1)) % NODES;
        match self.rng.below(4) {
            0 => self.fail_over(from),
            1 => {
                let epoch = before.ranges[range].epoch;
                let moves = vec![Move { range: RangeId(range as u16), epoch, to: id(to) }];
                drop(self.log.propose(Command::AddPending { moves }));
            }
            2 => {
                self.fulfil_wishes(from);
                if self.rng.one_in(2) {
                    self.fail_over(from);
                }
            }
            _ => {}
        }
        self.note_resets(&before);
        let newest = self.log.now().applied;
        for at in 0..NODES {
            if !self.rng.one_in(4) {
                self.act(at, newest);
                self.grant(at);
            }
        }
        self.focused = Some(Focus { range, pair: (from, to), left: 20 + self.rng.below(40) });
    }

    /// A node's lease ends, and it is taken out.
    fn fail_over(&mut self, at: usize) {
        self.nodes[at].set_lease(false);
        self.take_out(at);
    }

    fn network(&mut self) {
        let pair = self.any_pair();
        match self.rng.below(40) {
            0 => self.lose(pair),
            1..=2 => self.deliver_stray(pair),
            3..=12 => {
                let bytes_max = if self.rng.one_in(4) { 1 } else { 4_096 };
                let fill_bytes_max = if self.rng.one_in(4) { 0 } else { 1 << 20 };
                let tells_alone = self.rng.one_in(2);
                self.send(pair, GatherLimits { bytes_max, fill_bytes_max, tells_alone });
            }
            13..=25 => {
                self.deliver(pair, false);
            }
            _ => {
                self.answer(pair);
            }
        }
    }

    fn act_on_news(&mut self) {
        let at = self.rng.below(NODES);
        let (acted, newest) = (self.nodes[at].acted(), self.log.now().applied);
        if newest > acted {
            let ahead = self.rng.below((newest - acted) as usize) as u64 + 1;
            self.act(at, acted + ahead);
        }
    }

    fn lease(&mut self) {
        let at = self.rng.below(NODES);
        if self.rng.one_in(4) {
            self.nodes[at].set_lease(false)
        } else {
            self.grant(at)
        }
        self.say(|| format!("node {} has a lease: {}", id(at), self.nodes[at].has_lease()));
    }

    fn time(&mut self) {
        self.mono_ms += self.rng.below(60) as u64;
        let at = self.rng.below(NODES);
        self.nodes[at].engine.step(self.now());
    }

    /// A command of the leader, a primary or a node that stops.
    fn change(&mut self) {
        let before = self.log.now().clone();
        let range = self.rng.below(before.ranges.len());
        let record = before.ranges[range].clone();
        let to = id(self.rng.below(NODES));
        let place = (RangeId(range as u16), record.epoch);
        let moves = vec![Move { range: place.0, epoch: place.1, to }];
        match self.rng.below(24) {
            0 => drop(self.log.propose(Command::Handover { moves })),
            1..=6 => drop(self.log.propose(Command::AddPending { moves })),
            7 => self.cancel(place, &record),
            8..=13 => {
                let at = self.rng.below(NODES);
                self.fulfil_wishes(at);
            }
            14..=15 => self.node_down(),
            16 => self.reset(place, &record, to),
            17 if self.rng.one_in(4) => self.restart(to.0 as usize - 1),
            18 => self.retire(to.0 as usize - 1),
            19..=20 => self.replan(),
            21 if self.kind == Kind::Plain && self.rng.one_in(3) => {
                let min = if self.rng.one_in(3) { 2 } else { 1 };
                let patch = SettingsPatch {
                    min_in_sync: Some(min),
                    moves_paused: Some(self.rng.one_in(4)),
                    ..SettingsPatch::default()
                };
                let _ = self.log.propose(Command::PatchSettings { patch });
            }
            _ => {}
        }
        self.note_resets(&before);
    }

    fn cancel(&mut self, (range, epoch): (RangeId, Epoch), record: &RangeRecord) {
        if let Some(member) = record.pending {
            drop(self.log.propose(Command::CancelPending { changes: vec![Change { range, epoch, member }] }));
        }
    }

    pub(super) fn fulfil_wishes(&mut self, at: usize) {
        for wish in self.nodes[at].engine.wishes(8) {
            let command = match wish {
                Wish::Promote(change) => Command::Promote { changes: vec![change] },
                Wish::Removed(change) => Command::Removed { changes: vec![change] },
            };
            drop(self.log.propose(command));
        }
    }

    /// The leader takes a node out that holds no lease, where others hold one.
    fn node_down(&mut self) {
        let at = self.rng.below(NODES);
        self.nodes[at].set_lease(self.nodes[at].has_lease() && self.rng.one_in(2));
        if !self.nodes[at].has_lease() {
            self.take_out(at);
        }
    }

    fn take_out(&mut self, at: usize) {
        let alive = self.nodes.iter().enumerate().filter(|(_, node)| node.has_lease());
        let alive = alive.map(|(at, node)| (id(at), node.incarnation)).collect();
        let incarnation = self.nodes[at].incarnation;
        drop(self.log.propose(Command::NodeDown { node: id(at), incarnation, alive }));
    }

    /// Only where no member holds a lease (rule C6).
    fn reset(&mut self, (range, epoch): (RangeId, Epoch), record: &RangeRecord, to: NodeId) {
        let lives = |member: &Member| self.nodes[member.node.0 as usize - 1].has_lease();
        if !record.in_sync.iter().any(lives) {
            drop(self.log.propose(Command::Reset {
                restarts: vec![Restart { range, epoch, to, members: record.in_sync.clone() }],
            }));
        }
    }

    /// A node that stops takes its copies out; or thinks better of it, and the others lose patience.
    fn retire(&mut self, at: usize) {
        let changes = self.nodes[at].engine.retire_copies();
        if self.rng.one_in(2) {
            drop(self.log.propose(Command::Removed { changes }));
        }
    }

    fn replan(&mut self) {
        let copies = 1 + self.rng.below(NODES);
        let shift = self.rng.below(NODES);
        self.log.plan(|range| (0..copies).map(|copy| id((range + copy + shift) % NODES)).collect());
    }

    /// The next step of a clear, or a new one (rule O1).
    pub(super) fn clear(&mut self) {
        let namespaces = self.log.namespaces();
        let Some(clearing) = &self.clearing else {
            if !self.rng.one_in(3) {
                return;
            }
            let namespace = self.rng.below(2);
            let silence = Command::Silence { namespace: namespaces[namespace], backend: Self::backend() };
            let Ok(Reply::Silenced(since)) = self.log.propose(silence) else { return };
            let barrier = self.log.now().applied;
            self.clearing = Some(Clearing { namespace, asked_at: self.step, barrier, is_cleared: false, since });
            return;
        };
        let is_acted = |node: &super::world::Node| !node.has_lease() || node.acted() >= clearing.barrier;
        if !self.nodes.iter().all(is_acted) {
            return;
        }
        let (namespace, backend) = (namespaces[clearing.namespace], Self::backend());
        if !clearing.is_cleared {
            let outcome = self.log.propose(Command::Clear { namespace, backend });
            assert_eq!(outcome, Ok(Reply::Cleared(Generation(self.log.now().applied))));
            let barrier = self.log.now().applied;
            self.clearing = self.clearing.take().map(|clearing| Clearing { barrier, is_cleared: true, ..clearing });
            return;
        }
        let since = clearing.since;
        let Some(Clearing { namespace: which, asked_at, .. }) = self.clearing.take() else { return };
        for key in 0..self.clients.keys.len() {
            if self.clients.keys[key].namespace == which {
                self.clients.note(key, Ask::Wipe, asked_at, Some((Told::Done, self.step)));
            }
        }
        drop(self.log.propose(Command::EndSilence { namespace, backend, since }));
    }

    pub(super) fn selection(&mut self, node: usize, namespace: usize) -> Selection<'static> {
        let state = self.log.at(self.nodes[node].acted());
        Selection {
            view: state.applied,
            namespace: self.log.namespaces()[namespace],
            backend: Self::backend(),
            ranges: Self::ranges(state),
            pattern: Some("*"),
        }
    }

    /// A listing is a read of every key of the ranges that it covers. It is waited for at once; if that takes long, given up.
    fn scan(&mut self) {
        let (node, namespace) = (self.rng.below(NODES), self.rng.below(2));
        let asked_at = self.step;
        let request = ScanRequest {
            selection: self.selection(node, namespace),
            from_hash: 0,
            records_max: 1_000,
            bytes_max: u32::MAX,
            content: ScanContent::Full,
        };
        // A new process knows nothing yet.
        let Ok(mut page) = self.nodes[node].engine.scan(&request, self.now()) else { return };
        for _ in 0..30 {
            let mut commit = page.commit.take();
            let is_ready = poll(&mut commit, &mut |outcome| page.settle(&outcome, super::log::RANGE_BITS));
            page.commit = commit;
            if is_ready {
                return self.note_page(namespace, asked_at, &page);
            }
            self.step += 1;
            self.network();
        }
    }

    fn note_page(&mut self, namespace: usize, asked_at: u64, page: &Page) {
        for key in 0..self.clients.keys.len() {
            let asked = &self.clients.keys[key];
            if asked.namespace == namespace && page.done.contains(&RangeId(asked.range as u16)) {
                let item = page.items.iter().find(|item| item.block.key() == asked.name);
                let value = item.map(|item| number(item.full().value));
                self.clients.note(key, Ask::Get, asked_at, Some((Told::Value(value), self.step)));
            }
        }
    }

    /// Removes all keys of a namespace from the ranges that a node serves.
    fn remove(&mut self) {
        let (node, namespace) = (self.rng.below(NODES), self.rng.below(2));
        let asked_at = self.step;
        let by_tag = self.rng.one_in(3);
        let mut selection = self.selection(node, namespace);
        if by_tag {
            selection.pattern = None;
        }
        let served: Vec<usize> = (0..selection.ranges.len()).filter(|range| self.may_order(node, *range)).collect();
        let request = RemoveRequest { selection, tags: if by_tag { vec!["red"] } else { vec![] } };
        let Ok(mut removal) = self.nodes[node].engine.remove(&request, self.now()) else { return };
        let keys: Vec<usize> = (0..self.clients.keys.len())
            .filter(|key| self.clients.keys[*key].namespace == namespace)
            .filter(|key| served.contains(&self.clients.keys[*key].range))
            .collect();
        let events: Vec<usize> = keys.iter().map(|key| self.clients.note(*key, Ask::Wipe, asked_at, None)).collect();
        for _ in 0..30 {
            let mut commit = removal.commit.take();
            let is_ready = poll(&mut commit, &mut |outcome| removal.settle(&outcome));
            removal.commit = commit;
            if is_ready {
                break;
            }
            self.step += 1;
            self.network();
        }
        if removal.commit.is_some() || by_tag {
            // By tag it is not known of a key whether it went.
            return;
        }
        for (key, event) in keys.into_iter().zip(events) {
            let key = &mut self.clients.keys[key];
            if removal.done.contains(&RangeId(key.range as u16))
                && let Some(event) = &mut key.events[event]
            {
                event.told = Some((Told::Done, self.step));
            }
        }
    }
}
