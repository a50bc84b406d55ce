//! Every key, written before the load and read back after each step, through every router.

use std::net::SocketAddr;

use super::{
    book::{member, number_in, value_of},
    load::{Load, Shared},
    registers::{Kind, ReadTicket, Seen},
    violation::Outcome,
    worker::{Pool, integer_in},
};
use crate::harness::{
    http::{bare, json},
    wait,
};

/// Keys in one request.
const BATCH_KEYS: usize = 1_000;
/// Most bytes of values in one request; routers take 8 MiB.
const BATCH_BYTES: usize = 4 << 20;

impl Load {
    /// Writes every register once.
    pub async fn fill(&self) {
        let shared = &self.shared;
        let pool = Pool::new(shared.routers[0], shared.options.patience);
        for keys in batches(shared) {
            let mut tickets = Vec::new();
            let items: Vec<String> = keys
                .map(|key| {
                    let name = shared.names.register(key);
                    let ticket = shared.book().registers.begin_write(key).expect("nobody writes yet");
                    assert_eq!(ticket.kind, Kind::Set, "the registers are filled first");
                    tickets.push(ticket);
                    let value = value_of(&name, ticket.n, shared.options.value_bytes);
                    format!(r#"{{"key":"{name}","value":"{value}","ttl":0}}"#)
                })
                .collect();
            let body = format!("[{}]", items.join(","));
            let reply = pool.call(&json("POST", "/api/cache/set-batch", &body)).await.expect("the router answers");
            let text = reply.text();
            assert_eq!(member(&text, "failed_count"), Some("0"), "{}", &text[..text.len().min(2_000)]);
            let mut book = shared.book();
            tickets.into_iter().for_each(|ticket| book.registers.end_write(ticket, Outcome::Done));
        }
    }

    /// Reads every key back through every router, judged like any other read. May be called while the load runs.
    pub async fn read_back(&self) {
        for router in &self.shared.routers {
            self.read_back_through(*router).await;
        }
    }

    /// The same through one router.
    pub async fn read_back_through(&self, router: SocketAddr) {
        let shared = &self.shared;
        let pool = Pool::new(router, shared.options.patience);
        for keys in batches(shared) {
            read_batch(shared, &pool, &keys.collect::<Vec<_>>()).await;
        }
        for counter in 0..shared.options.counters {
            let name = shared.names.counter(counter);
            let ticket = shared.book().counters.begin_read(counter);
            let body = get(&pool, &name).await;
            let mut book = shared.book();
            let checked = integer_in(&body).and_then(|sum| book.counters.end_read(ticket, sum.unwrap_or(0)));
            book.judge(|| name, checked);
        }
        let claims: Vec<u32> = shared.book().claims.keys().collect();
        for key in claims {
            let name = shared.names.claim(key);
            let ticket = shared.book().claims.begin_read(key);
            let body = get(&pool, &name).await;
            let mut book = shared.book();
            let checked =
                integer_in(&body).and_then(|token| book.claims.end_read(ticket, token.map(|token| token as u32)));
            book.judge(|| name, checked);
        }
    }
}

fn batches(shared: &Shared) -> impl Iterator<Item = std::ops::Range<u32>> {
    let (keys, each) = (shared.options.registers, BATCH_BYTES / shared.options.value_bytes.max(1));
    let each = each.clamp(1, BATCH_KEYS);
    (0..keys).step_by(each).map(move |first| first as u32..(first + each).min(keys) as u32)
}

/// Asks until it is answered: what is asked here is what is there, not whether it can be reached at once.
async fn get(pool: &Pool, name: &str) -> String {
    let request = bare("GET", &format!("/api/cache/get/{name}"));
    wait::until("a key to be read back", async || {
        let reply = pool.call(&request).await.ok()?;
        (reply.status == 200).then(|| reply.text().into_owned())
    })
    .await
}

async fn read_batch(shared: &Shared, pool: &Pool, keys: &[u32]) {
    let names: Vec<String> = keys.iter().map(|key| shared.names.register(*key)).collect();
    let request = json("POST", "/api/cache/get-batch", &format!("[\"{}\"]", names.join("\",\"")));
    let (tickets, body) = wait::until("keys to be read back", async || {
        let tickets: Vec<ReadTicket> = {
            let mut book = shared.book();
            keys.iter().map(|key| book.registers.begin_read(*key)).collect()
        };
        let reply = pool.call(&request).await.ok()?;
        let is_whole = reply.status == 200 && member(&reply.text(), "failed_count") == Some("0");
        is_whole.then(|| (tickets, reply.text().into_owned()))
    })
    .await;
    // Results come in the order of the keys, and this stands once in each.
    let mut results = body.split(r#""success":true,"found":"#).skip(1);
    let mut book = shared.book();
    for (ticket, name) in tickets.iter().zip(names) {
        let result = results.next().unwrap_or_default();
        let seen = match (member(result, "key"), member(result, "value")) {
            (Some(key), _) if key != name => Seen::Strange(format!("the result of {key}")),
            (Some(_), Some(value)) => number_in(value, &name).map_or_else(|| Seen::Strange(value.into()), Seen::Value),
            (Some(_), None) if result.starts_with("false") => Seen::Nothing,
            _ => Seen::Strange(format!("{result:?}")),
        };
        let checked = book.registers.end_read(ticket, &seen);
        book.judge(|| name, checked);
    }
}
