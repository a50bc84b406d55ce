//! Whatever bytes come, nothing panics, and what does not add up changes nothing.

use ringhold_model::{
    RangeId,
    wire::{decode, encode},
};

use super::{calm::WIDE, log::id, rng::Rng, world::World};
use crate::replica::{
    Refusal,
    message::{Answer, Body, Digest, Message, Reply, Request},
};

/// Requests of all kinds, as they were sent.
fn bodies() -> (World, Vec<(usize, Vec<u8>)>) {
    let mut world = World::calm();
    let mut bodies = Vec::new();
    let keys: Vec<String> = (0..8).map(|n| world.key_in(0, n)).collect();
    keys.iter().for_each(|key| world.put(0, key, "12345"));
    world.add_pending(0, 2);
    world.act_all();
    for round in 0..12 {
        let n = world.n();
        drop(world.set(0, &keys[round % 8], "1"));
        drop(world.execute(0, &keys[(round + 3) % 8], ringhold_model::wire::Action::Delete { n, when: vec![] }, false));
        for to in [1, 2] {
            if let Some(batch) = world.nodes[0].engine.gather(id(to), world.now(), WIDE) {
                let request: Request<'_> = decode(&batch.body).unwrap();
                let mut said = None;
                let write = |reply: &Reply<'_>| {
                    said = encode(reply).ok();
                    Ok::<(), ()>(())
                };
                world.nodes[to].engine.follow(&request, world.now(), write).unwrap();
                let said = said.unwrap();
                let reply: Reply<'_> = decode(&said).unwrap();
                world.nodes[0].engine.take_answers(id(to), &batch, &reply, world.now());
                bodies.push((to, batch.body));
            }
        }
    }
    world.hand_over(0, 1);
    world.act_all();
    if let Some(batch) = world.nodes[1].engine.gather(id(0), world.now(), WIDE) {
        bodies.push((0, batch.body));
    }
    (world, bodies)
}

#[test]
fn broken_requests_are_refused_and_never_panic() {
    let (world, bodies) = bodies();
    assert!(bodies.len() > 8);
    let mut rng = Rng(7);
    let mut taken = 0;
    for (to, body) in &bodies {
        for _ in 0..300 {
            let mut broken = body.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(broken.len());
                broken[at] ^= 1 << rng.below(8);
            }
            if let Ok(request) = decode::<Request<'_>>(&broken) {
                taken += 1;
                let same = |_: &Reply<'_>| Ok::<(), ()>(());
                world.nodes[*to].engine.follow(&request, world.now(), same).unwrap();
            }
        }
    }
    assert!(taken > 500, "{taken} could be read");
    world.check_accounts();
}

#[test]
fn a_chunk_whose_checksum_is_wrong_is_not_taken() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.add_pending(0, 2);
    world.act_all();
    world.exchange((0, 2));
    let batch = world.nodes[0].engine.gather(id(2), world.now(), WIDE).expect("a chunk");
    let mut request: Request<'_> = decode(&batch.body).unwrap();
    for message in &mut request.messages {
        if let Body::Chunk(chunk) = &mut message.body {
            chunk.checksum ^= 1;
        }
    }
    let is_refused = |reply: &Reply<'_>| {
        let damaged = Answer::Refused(Refusal::Damaged);
        if reply.answers.contains(&damaged) { Ok(()) } else { Err(format!("{reply:?}")) }
    };
    world.nodes[2].engine.follow(&request, world.now(), is_refused).unwrap();
    assert_eq!(world.nodes[2].engine.shared.total.items(), 0);
}

#[test]
fn numbers_at_the_ends_are_refused_or_change_nothing() {
    let mut world = World::calm();
    let keys: Vec<String> = (0..4).map(|n| world.key_in(0, n)).collect();
    keys.iter().for_each(|key| world.put(0, key, "1"));
    world.add_pending(0, 2);
    world.act_all();
    let record = world.log.now().ranges[0].clone();
    let pending = record.pending.expect("just added");
    let copy = record.in_sync.into_iter().find(|member| member.node == id(1)).expect("it is one");
    for number in [0, 1, u64::MAX - 1, u64::MAX] {
        for (to, member) in [(1, copy), (2, pending)] {
            let bodies = [
                Body::Take { applied: number },
                Body::Begin { start: number },
                Body::Committed { seq: number },
                Body::Compare { at: number, digest: Digest { items: number, sum: number } },
                Body::Evict { space: None, items: number, bytes: number },
            ];
            let message = |body| Message { range: RangeId(0), epoch: record.epoch, mid: member.mid, body };
            let request = Request { view: 0, messages: bodies.into_iter().map(message).collect() };
            world.nodes[to].engine.follow(&request, world.now(), |_| Ok::<(), ()>(())).unwrap();
        }
    }
    world.check_accounts();
    assert_eq!(world.get_copy(1, &keys[0]), Ok(Some("1".into())));
}

#[test]
fn broken_replies_are_survived() {
    let mut rng = Rng(11);
    for _ in 0..60 {
        let mut world = World::calm();
        let keys: Vec<String> = (0..6).map(|n| world.key_in(0, n)).collect();
        world.add_pending(0, 2);
        world.act_all();
        for round in 0..12 {
            drop(world.set(0, &keys[round % 6], "1"));
            if round == 8 {
                world.hand_over(0, 1);
                world.act_all();
            }
            for pair in World::pairs().collect::<Vec<_>>() {
                world.send(pair, WIDE);
                world.deliver(pair, true);
                let mut broken = world.first_reply(pair);
                if !broken.is_empty() {
                    let at = rng.below(broken.len());
                    broken[at] ^= 1 << rng.below(8);
                    world.answer_with(pair, &broken);
                }
            }
        }
        world.check_accounts();
    }
}
