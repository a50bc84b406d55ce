//! Who may call what, with authentication on.

mod keys;
mod matrix;
mod tokens;

use ringhold_router::{Authentication, Secret};
use serde_json::{Value, json};

use crate::harness::{
    client::Api,
    cluster::{Cluster, Options},
};

/// The key of the settings.
const FIRST_KEY: &str = "the-first-key-of-the-tests";
/// Signs tokens.
const JWT_SECRET: &str = "the-secret-that-signs-the-tokens-of-the-tests";

/// One node and a router that asks who calls.
async fn guarded() -> Cluster {
    let router = |router: &mut ringhold_router::Options| {
        router.authentication = Some(Authentication {
            api_key: Some(Secret(FIRST_KEY.into())),
            jwt_secret: Some(Secret(JWT_SECRET.into())),
        });
    };
    Cluster::start_with(Options { nodes: 1, router, ..Options::default() }).await
}

/// A client with the key of the settings.
fn admin(cluster: &Cluster) -> Api {
    cluster.api().with_key(FIRST_KEY)
}

/// Makes a key: its id and its text.
async fn made(admin: &Api, mut body: Value) -> (String, String) {
    body["name"] = json!("a key of the tests");
    let answer = admin.post("/api/keys", &body).await.ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&answer["key"]["id"]), text(&answer["api_key"]))
}
