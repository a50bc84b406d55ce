//! The recipes of `docs/recipes.md`, each against two routers.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    ground::{Ground, Plan},
    harness::{
        client::{Answer, Api},
        wait,
    },
};

const PLAN: Plan = Plan { nodes: 3, routers: 2, copies: 2, proxies: false };

async fn two_routers() -> (Ground, Api, Api) {
    let ground = Ground::start(PLAN).await;
    let (one, other) = (ground.fleet.api_of(0), ground.fleet.api_of(1));
    (ground, one, other)
}

fn ttl(answer: &Answer) -> u64 {
    let body = answer.ok();
    body["ttl"].as_u64().or_else(|| body["cache_item"]["ttl"].as_u64()).expect("it expires")
}

#[tokio::test]
async fn a_session_lives_as_long_as_it_is_used() {
    let (_ground, one, other) = two_routers().await;
    let session = json!({"key": "session:7f3a", "value": {"user": 42}, "ttl": 3, "if_absent": true});
    one.post("/api/cache/set", &session).await.ok();
    one.post("/api/cache/set", &session).await.refused(409, "condition_not_met");

    // Each request of the user, through whichever router, gives it the whole time again.
    let mut touched = 0;
    let begin = std::time::Instant::now();
    while begin.elapsed().as_secs() < 5 {
        let router = if touched % 2 == 0 { &one } else { &other };
        let answer = router.post("/api/cache/touch/session:7f3a", &json!({"ttl": 3})).await;
        assert_eq!(answer.ok()["found"], true, "after {:?}", begin.elapsed());
        assert!(ttl(&answer) <= 3);
        touched += 1;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(other.value("session:7f3a").await, Some(json!({"user": 42})), "longer than its ttl");

    // Unused, it ends, and a touch does not bring it back.
    wait::until("the session to end", async || one.value("session:7f3a").await.is_none().then_some(())).await;
    let late = other.post("/api/cache/touch/session:7f3a", &json!({"ttl": 3})).await.ok();
    assert_eq!(late["found"], false);
    assert_eq!(other.value("session:7f3a").await, None);
}

#[tokio::test]
async fn a_window_lets_exactly_as_many_calls_through_as_it_should() {
    const CALLS: usize = 1_000;
    const LIMIT: i64 = 300;
    let (_ground, one, other) = two_routers().await;
    // One key a client and window; it goes by itself when the window is over.
    let window = "/api/cache/incr/rate:client-9:28401234";
    let call = async |n: usize| {
        let router = if n.is_multiple_of(2) { &one } else { &other };
        router.post(window, &json!({"by": 1, "ttl": 60})).await.ok()["value"].as_i64().expect("a sum")
    };
    let mut sums = join_all((0..CALLS).map(call)).await;
    let allowed = sums.iter().filter(|sum| **sum <= LIMIT).count();
    assert_eq!(allowed as i64, LIMIT);
    sums.sort_unstable();
    assert_eq!(sums, (1..=CALLS as i64).collect::<Vec<_>>(), "every call has a number of its own");
    let item = other.get("/api/cache/get/rate:client-9:28401234").await;
    assert_eq!(item.ok()["cache_item"]["value"], CALLS);
    assert!(ttl(&item) <= 60, "the window began with the first call");
}

#[tokio::test]
async fn a_flag_that_was_flipped_is_read_so_through_every_router() {
    let (_ground, one, other) = two_routers().await;
    let flag = async |router: &Api| {
        let answer = router.get("/api/cache/get/flag:new-checkout").await;
        let etag = answer.header("etag").expect("an item has one").to_owned();
        (answer.ok()["cache_item"]["value"]["on"].as_bool().expect("a flag"), etag)
    };
    one.post("/api/cache/set", &json!({"key": "flag:new-checkout", "value": {"on": false}, "ttl": 0})).await.ok();
    for round in 0..50 {
        let (writer, readers) = if round % 2 == 0 { (&one, [&other, &one]) } else { (&other, [&one, &other]) };
        let (was_on, etag) = flag(writer).await;
        let body = json!({"key": "flag:new-checkout", "value": {"on": !was_on}, "ttl": 0});
        let request = writer.request(reqwest::Method::POST, "/api/cache/set").header("If-Match", &etag).json(&body);
        writer.send(request).await.ok();
        for reader in readers {
            assert_eq!(flag(reader).await.0, !was_on, "round {round}: a flip is seen at once, everywhere");
        }
        // Who decides by what he read before does not undo it.
        let request = writer.request(reqwest::Method::POST, "/api/cache/set").header("If-Match", &etag).json(&body);
        assert_eq!(writer.send(request).await.status, 412, "round {round}");
    }
    // Pollers are told that nothing changed, without a body.
    let (_, etag) = flag(&one).await;
    let poll = other.request(reqwest::Method::GET, "/api/cache/get/flag:new-checkout").header("If-None-Match", &etag);
    assert_eq!(other.send(poll).await.status, 304);
}
