//! One request, from its begin in the book to its end.

use std::{
    net::SocketAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{
    book::{Book, member, number_in, value_of},
    claims::Attempt,
    figures::{Class, Failure},
    load::Shared,
    registers::{Kind, Seen, WriteTicket},
    violation::{Outcome, Violation, Wrong},
};
use crate::harness::http::{Connection, Reply, bare, json};

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Read {
        key: u32,
        is_strict: bool,
    },
    /// Its begin is in the book already, because a key takes one at a time.
    Write(WriteTicket),
    Count(usize),
    ReadCount(usize),
    Claim(u32),
    ReadClaim(u32),
}

/// An answer of any status, or why there is none.
type Sent = Result<Reply, Failure>;

/// Connections to one router that nobody uses at the moment. They belong to the runtime that opened them.
#[derive(Debug)]
pub(super) struct Pool {
    address: SocketAddr,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, idle: Mutex::default() }
    }

    pub(super) async fn call(&self, request: &[u8]) -> Sent {
        let idle = {
            let mut idle = self.idle.lock().expect("nobody panics with it");
            idle.retain(Connection::is_usable);
            idle.pop()
        };
        let answered = async {
            let mut connection = match idle {
                Some(connection) => connection,
                None => Connection::open(self.address).await.map_err(|_| Failure::NoConnection)?,
            };
            let reply = connection.call(request).await.map_err(|_| Failure::Broken)?;
            if connection.is_usable() {
                self.idle.lock().expect("nobody panics with it").push(connection);
            }
            Ok(reply)
        };
        tokio::time::timeout(self.patience, answered).await.unwrap_or(Err(Failure::Silent))
    }
}

/// Carries out one operation and judges its answer.
pub(super) async fn perform(shared: &Shared, pool: &Pool, op: Op) {
    match op {
        Op::Read { key, is_strict } => read(shared, pool, key, is_strict).await,
        Op::Write(ticket) => write(shared, pool, ticket).await,
        Op::Count(counter) => count(shared, pool, counter).await,
        Op::ReadCount(counter) => read_count(shared, pool, counter).await,
        Op::Claim(key) => claim(shared, pool, key).await,
        Op::ReadClaim(key) => read_claim(shared, pool, key).await,
    }
}

/// Sends `request` between two looks into the book: `begin` before it, `end` after its answer.
async fn between<T>(
    shared: &Shared,
    pool: &Pool,
    (class, name): (Class, &str),
    begin: impl FnOnce(&mut Book) -> (T, Vec<u8>),
    end: impl FnOnce(&mut Book, T, &Sent) -> Result<(), Failure>,
) {
    let (range, began) = (shared.placement.range_of(name), Instant::now());
    let (ticket, request) = {
        let mut book = shared.book();
        book.figures.begin(class, range, began);
        begin(&mut book)
    };
    let sent = pool.call(&request).await;
    let mut book = shared.book();
    let outcome = end(&mut book, ticket, &sent);
    if let Err(failure) = outcome {
        let took = began.elapsed().as_millis();
        let said = || sent.map_or_else(|_| String::new(), |reply| reply.text().into_owned());
        let words = || format!("{name} after {took} ms {}", said());
        book.figures.sample(class, failure, words);
    }
    book.figures.end(class, range, began, outcome);
}

async fn read(shared: &Shared, pool: &Pool, key: u32, is_strict: bool) {
    let name = shared.names.register(key);
    let (class, query) = if is_strict { (Class::Strict, "?consistency=strict") } else { (Class::Fresh, "") };
    let begin =
        |book: &mut Book| (book.registers.begin_read(key), bare("GET", &format!("/api/cache/get/{name}{query}")));
    between(shared, pool, (class, &name), begin, |book, ticket, sent| {
        let body = good(sent)?.text();
        let checked = book.registers.end_read(&ticket, &seen_in(&body, &name));
        book.judge(|| name.clone(), checked);
        Ok(())
    })
    .await;
}

async fn write(shared: &Shared, pool: &Pool, ticket: WriteTicket) {
    let name = shared.names.register(ticket.key);
    let request = match ticket.kind {
        Kind::Set => {
            let value = value_of(&name, ticket.n, shared.options.value_bytes);
            json("POST", "/api/cache/set", &format!(r#"{{"key":"{name}","value":"{value}","ttl":0}}"#))
        }
        Kind::Delete => bare("DELETE", &format!("/api/cache/delete/{name}")),
    };
    between(
        shared,
        pool,
        (Class::Write, &name),
        |_| ((), request),
        |book, (), sent| {
            book.registers.end_write(ticket, outcome_of(sent));
            good(sent).map(|_| ())
        },
    )
    .await;
}

async fn count(shared: &Shared, pool: &Pool, counter: usize) {
    let name = shared.names.counter(counter);
    let begin = |book: &mut Book| {
        let request = json("POST", &format!("/api/cache/incr/{name}"), r#"{"by":1,"ttl":0}"#);
        (book.counters.begin_increment(counter), request)
    };
    between(shared, pool, (Class::Write, &name), begin, |book, ticket, sent| {
        let sum = good(sent).ok().and_then(|reply| member(&reply.text(), "value")?.parse().ok());
        let checked = book.counters.end_increment(ticket, outcome_of(sent), sum);
        book.judge(|| name.clone(), checked);
        good(sent).map(|_| ())
    })
    .await;
}

async fn read_count(shared: &Shared, pool: &Pool, counter: usize) {
    let name = shared.names.counter(counter);
    let begin = |book: &mut Book| (book.counters.begin_read(counter), get(&name));
    between(shared, pool, (Class::Fresh, &name), begin, |book, ticket, sent| {
        let checked =
            integer_in(&good(sent)?.text()).and_then(|value| book.counters.end_read(ticket, value.unwrap_or(0)));
        book.judge(|| name.clone(), checked);
        Ok(())
    })
    .await;
}

async fn claim(shared: &Shared, pool: &Pool, key: u32) {
    let name = shared.names.claim(key);
    let begin = |book: &mut Book| {
        let token = book.claims.begin(key);
        let body = format!(r#"{{"key":"{name}","value":{token},"ttl":0,"if_absent":true}}"#);
        (token, json("POST", "/api/cache/set", &body))
    };
    between(shared, pool, (Class::Write, &name), begin, |book, token, sent| {
        let is_conflict = sent.as_ref().is_ok_and(|reply| reply.status == 409);
        let attempt = match outcome_of(sent) {
            _ if is_conflict => Attempt::Conflict,
            Outcome::Done => Attempt::Won,
            Outcome::NotApplied => Attempt::NotApplied,
            Outcome::Unknown => Attempt::Unknown,
        };
        let checked = book.claims.end(key, token, attempt);
        book.judge(|| name.clone(), checked);
        if is_conflict { Ok(()) } else { good(sent).map(|_| ()) }
    })
    .await;
}

async fn read_claim(shared: &Shared, pool: &Pool, key: u32) {
    let name = shared.names.claim(key);
    let begin = |book: &mut Book| (book.claims.begin_read(key), get(&name));
    between(shared, pool, (Class::Fresh, &name), begin, |book, ticket, sent| {
        let checked = integer_in(&good(sent)?.text())
            .and_then(|value| book.claims.end_read(ticket, value.map(|token| token as u32)));
        book.judge(|| name.clone(), checked);
        Ok(())
    })
    .await;
}

fn get(name: &str) -> Vec<u8> {
    bare("GET", &format!("/api/cache/get/{name}"))
}

/// The answer, if it is a good one.
fn good(sent: &Sent) -> Result<&Reply, Failure> {
    match sent {
        Ok(reply) if reply.status == 200 => Ok(reply),
        Ok(reply) => Err(Failure::Status(reply.status)),
        Err(failure) => Err(*failure),
    }
}

/// What a write's answer says about its effect.
fn outcome_of(sent: &Sent) -> Outcome {
    match sent {
        Ok(reply) if reply.status == 200 => Outcome::Done,
        Ok(reply) => match member(&reply.text(), "outcome") {
            Some("not_applied") => Outcome::NotApplied,
            None if reply.status < 500 => Outcome::NotApplied,
            _ => Outcome::Unknown,
        },
        Err(Failure::NoConnection) => Outcome::NotApplied,
        Err(_) => Outcome::Unknown,
    }
}

/// What the answer to a read of a register says.
fn seen_in(body: &str, name: &str) -> Seen {
    match (member(body, "found"), member(body, "value")) {
        (Some("true"), Some(value)) => {
            number_in(value, name).map_or_else(|| Seen::Strange(format!("{value:?}")), Seen::Value)
        }
        (Some("false"), _) => Seen::Nothing,
        _ => Seen::Strange(format!("{body:?}")),
    }
}

/// The whole number that was read; `None`: a miss.
pub(super) fn integer_in(body: &str) -> Result<Option<i64>, Violation> {
    match (member(body, "found"), member(body, "value").map(str::parse)) {
        (Some("true"), Some(Ok(value))) => Ok(Some(value)),
        (Some("false"), _) => Ok(None),
        _ => Err(Violation::new(Wrong::NeverWritten, "", format!("{body:?}"))),
    }
}
