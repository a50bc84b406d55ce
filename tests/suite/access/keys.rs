//! Keys from their making to their end.

use serde_json::{Value, json};

use super::{FIRST_KEY, admin, guarded, made};
use crate::harness::{
    client::Api,
    cluster::{Cluster, Options},
    wait,
};

/// What a router answers to a read with this key.
async fn status(router: &Api, key: &str) -> u16 {
    router.with_key(key).get("/api/cache/get/k").await.status
}

#[tokio::test]
async fn a_key_is_good_on_every_router_and_ends_on_every_router() {
    let mut cluster = guarded().await;
    let other = cluster.start_router().await;
    let admin = admin(&cluster);
    let (id, text) = made(&admin, json!({"scopes": ["read"]})).await;
    // The other router looks for a key that it has not heard of.
    for router in [&other, &cluster.api()] {
        assert_eq!(status(router, &text).await, 200);
    }
    assert_eq!(admin.delete(&format!("/api/keys/{id}")).await.ok()["found"], true);
    assert_eq!(status(&cluster.api(), &text).await, 401, "the router that was asked knows at once");
    wait::until("the other router to refuse the key", async || (status(&other, &text).await == 401).then_some(()))
        .await;
    assert_eq!(admin.delete(&format!("/api/keys/{id}")).await.ok()["found"], false);
    admin.post(&format!("/api/keys/{id}/rotate"), &json!({})).await.refused(404, "unknown_key");
}

#[tokio::test]
async fn a_rotation_fails_no_request_and_its_overlap_can_be_nothing() {
    let cluster = guarded().await;
    let (api, admin) = (cluster.api(), admin(&cluster));
    let (id, first) = made(&admin, json!({"scopes": ["read"]})).await;
    let rotate = async |body: Value| {
        let answer = admin.post(&format!("/api/keys/{id}/rotate"), &body).await.ok();
        assert!(answer["key"]["old_text_ends_at"].is_string(), "{answer}");
        answer["api_key"].as_str().expect("a text").to_owned()
    };
    let second = rotate(json!({})).await;
    assert_eq!([status(&api, &first).await, status(&api, &second).await], [200, 200], "both, for a while");
    let third = rotate(json!({"overlap": 0})).await;
    let statuses = [status(&api, &first).await, status(&api, &second).await, status(&api, &third).await];
    assert_eq!(statuses, [401, 401, 200]);
}

#[tokio::test]
async fn the_list_shows_everything_but_the_texts() {
    let cluster = guarded().await;
    let admin = admin(&cluster);
    let body = json!({"scopes": ["read", "write"], "namespaces": ["a"], "key_patterns": ["b:*"], "expires_in": 3_600});
    let (id, text) = made(&admin, body).await;
    let answer = admin.get("/api/keys").await;
    let list = answer.ok();
    assert_eq!((list["total_keys"].as_u64(), list["keys"][0]["id"].as_str()), (Some(1), Some(id.as_str())));
    assert_eq!(list["keys"][0]["scopes"], json!(["read", "write"]));
    assert_eq!(list["keys"][0]["namespaces"], json!(["a"]));
    assert_eq!(list["keys"][0]["key_patterns"], json!(["b:*"]));
    assert!(list["keys"][0]["expires_at"].is_string());
    let secret = text.splitn(3, '_').nth(2).expect("mark, id and secret");
    assert!(!answer.text.contains(secret) && !answer.text.contains(FIRST_KEY), "{}", answer.text);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said_and_nothing_is_made() {
    let cluster = guarded().await;
    let admin = admin(&cluster);
    let refused = admin.post("/api/keys", &json!({"scopes": []})).await;
    assert_eq!(refused.faults(), ["missing body.name", "too_short body.scopes"]);
    let bound = json!({"name": "n", "scopes": ["admin"], "namespaces": ["a"]});
    assert_eq!(admin.post("/api/keys", &bound).await.faults(), ["value_error body.scopes"]);
    assert_eq!(admin.delete("/api/keys/xyz").await.faults(), ["string_pattern_mismatch path.id"]);
    assert_eq!(admin.get("/api/keys").await.ok()["total_keys"], 0);
}

#[tokio::test]
async fn refusals_say_nothing_of_what_is_there() {
    let cluster = guarded().await;
    let (api, admin) = (cluster.api(), admin(&cluster));
    let (id, _) = made(&admin, json!({"scopes": ["read"]})).await;
    let missing = api.get("/api/cache/get/k").await;
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"ringhold\""));
    let detail = missing.refused(401, "unauthorized")["detail"].clone();
    for guess in
        [format!("rh_{id}_guess"), "rh_0123456789abcdef_guess".into(), "x".into(), "a.b.c".into(), "x".repeat(9_000)]
    {
        let refused = api.with_key(&guess).get("/api/cache/get/k").await;
        assert_eq!(refused.refused(401, "unauthorized")["detail"], detail, "{guess}");
        assert!(!refused.text.contains(&guess));
    }
}

#[tokio::test]
async fn browsers_may_read_why_they_were_refused_and_ask_before() {
    let cluster = guarded().await;
    let api = cluster.api();
    let origin = "http://localhost:3000";
    let refused = api.send(api.request(reqwest::Method::GET, "/api/cache/get/k").header("Origin", origin)).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(origin)));
    let preflight = api
        .request(reqwest::Method::OPTIONS, "/api/cache/get/k")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "x-api-key");
    let allowed = api.send(preflight).await;
    assert_eq!(allowed.status, 200);
    assert!(allowed.header("access-control-allow-headers").is_some_and(|names| names.contains("x-api-key")));
}

#[tokio::test]
async fn a_bound_key_reaches_its_namespaces_and_its_keys_alone() {
    let cluster = guarded().await;
    let (api, admin) = (cluster.api(), admin(&cluster));
    for namespace in ["a", "b"] {
        admin.in_namespace(namespace).set("user:1", json!(1)).await;
    }
    let (_, tenant) = made(&admin, json!({"scopes": ["read"], "namespaces": ["a"]})).await;
    let tenant = api.with_key(tenant);
    assert_eq!(tenant.in_namespace("a").value("user:1").await, Some(json!(1)));
    tenant.in_namespace("b").get("/api/cache/get/user:1").await.refused(403, "forbidden");
    tenant.get("/api/cache/get/user:1").await.refused(403, "forbidden");
    let seen = tenant.get("/api/namespaces").await.ok();
    assert_eq!((seen["total_namespaces"].as_u64(), seen["namespaces"][0]["name"].as_str()), (Some(1), Some("a")));

    let (_, narrow) = made(&admin, json!({"scopes": ["read", "write"], "key_patterns": ["user:*"]})).await;
    let narrow = api.with_key(narrow).in_namespace("a");
    assert_eq!(narrow.value("user:1").await, Some(json!(1)));
    narrow.get("/api/cache/get/admin:1").await.refused(403, "forbidden");
    narrow.delete("/api/cache/delete/admin:1").await.refused(403, "forbidden");
    narrow.post("/api/cache/set", &json!({"key": "admin:1", "value": 1})).await.refused(403, "forbidden");
    for path in ["incr", "getset", "touch"] {
        let body = json!({"value": 1});
        narrow.post(&format!("/api/cache/{path}/admin:1"), &body).await.refused(403, "forbidden");
    }
    let items = json!([{"key": "user:2", "value": 2}, {"key": "admin:2", "value": 2}]);
    let stored = narrow.post("/api/cache/set-batch", &items).await.ok();
    assert_eq!(
        (stored["successful_count"].as_u64(), stored["results"][1]["error"]["code"].as_str()),
        (Some(1), Some("forbidden"))
    );
    let warmed = narrow.post("/api/cache/warm", &json!({"admin:3": 1})).await.ok();
    assert_eq!(warmed["failed_count"], 1);
    let read = narrow.post("/api/cache/get-batch", &json!(["user:2", "admin:1"])).await.ok();
    assert_eq!(
        (read["found_count"].as_u64(), read["results"][1]["error"]["code"].as_str()),
        (Some(1), Some("forbidden"))
    );
    assert_eq!(admin.in_namespace("a").value("admin:2").await, None, "nothing was stored");
}

#[tokio::test]
async fn keys_stay_with_the_cluster_when_its_nodes_start_anew() {
    let mut cluster = guarded().await;
    let (_, text) = made(&admin(&cluster), json!({"scopes": ["read"]})).await;
    cluster.nodes[0].stop();
    cluster.restart(0);
    cluster.wait_healthy().await;
    assert_eq!(status(&cluster.api(), &text).await, 200);
}

#[tokio::test]
async fn an_open_router_makes_no_keys_and_says_when_it_is_open_to_others() {
    let api = crate::shared::api();
    api.post("/api/keys", &json!({"name": "n", "scopes": ["admin"]})).await.refused(409, "conflict");
    api.delete("/api/keys/0123456789abcdef").await.refused(409, "conflict");
    assert!(api.get("/health").await.ok()["warnings"].is_null(), "nobody else reaches loopback");
    let router = |router: &mut ringhold_router::Options| router.address.set_ip([0, 0, 0, 0].into());
    let cluster = Cluster::start_with(Options { nodes: 1, router, ..Options::default() }).await;
    let health = cluster.api().get("/health").await.ok();
    let warning = health["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("authentication is off") && warning.contains("0.0.0.0"), "{warning}");
}
