//! JSON web tokens beside keys.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};

use super::{JWT_SECRET, admin, guarded};

fn token(secret: &str, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn in_seconds(seconds: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64 + seconds
}

#[tokio::test]
async fn a_token_opens_what_its_claims_say() {
    let cluster = guarded().await;
    admin(&cluster).in_namespace("a").set("user:1", json!(1)).await;
    let claims = json!({"exp": in_seconds(3_600), "scopes": ["read"], "namespaces": ["a"], "key_patterns": ["user:*"]});
    let api = cluster.api().in_namespace("a");
    let bearer = async |path: &str, token: &str| {
        let request = api.request(reqwest::Method::GET, path).header("Authorization", format!("Bearer {token}"));
        api.send(request).await
    };
    let good = token(JWT_SECRET, &claims);
    // The second time it is remembered.
    for _ in 0..2 {
        assert_eq!(bearer("/api/cache/get/user:1", &good).await.ok()["found"], true);
    }
    assert_eq!(api.with_key(&good).value("user:1").await, Some(json!(1)), "in either header");
    bearer("/api/cache/get/other", &good).await.refused(403, "forbidden");
    bearer("/api/keys", &good).await.refused(403, "forbidden");
    api.in_namespace("b").with_key(&good).get("/api/cache/get/user:1").await.refused(403, "forbidden");
    let ended = json!({"exp": in_seconds(-1), "scopes": ["read"]});
    for bad in [token("another-secret", &claims), token(JWT_SECRET, &ended), format!("{good}x")] {
        bearer("/api/cache/get/user:1", &bad).await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_token_for_admins_is_one() {
    let cluster = guarded().await;
    let claims = json!({"exp": in_seconds(3_600), "scope": "openid admin"});
    let api = cluster.api().with_key(token(JWT_SECRET, &claims));
    assert_eq!(api.get("/api/keys").await.ok()["total_keys"], 0);
    let bound = json!({"exp": in_seconds(3_600), "scope": "admin", "namespaces": ["default"]});
    let api = cluster.api().with_key(token(JWT_SECRET, &bound));
    api.get("/api/keys").await.refused(403, "forbidden");
    assert_eq!(api.get("/api/cache/keys").await.status, 200, "in its namespace it reads and writes");
}
