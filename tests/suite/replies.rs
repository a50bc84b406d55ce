//! Answers have a bound, however short the question.

use serde_json::json;

use crate::harness::cluster::{Cluster, Options};

#[tokio::test]
async fn a_batch_of_large_values_is_answered_up_to_the_bound_of_a_reply_and_says_so() {
    let cluster = Cluster::start_with(Options { nodes: 1, ..Options::default() }).await;
    let api = cluster.api();
    api.set("large", json!("x".repeat(1_000_000))).await;
    let answer = api.post("/api/cache/get-batch", &json!(vec!["large"; 40])).await.ok();
    // 32 MiB hold 33 values of a million characters.
    assert_eq!((answer["found_count"].as_u64(), answer["failed_count"].as_u64()), (Some(33), Some(7)));
    let refused = &answer["results"][39];
    assert_eq!(refused["error"]["code"], "too_large");
    assert!(refused["error"]["detail"].as_str().is_some_and(|detail| detail.contains("fewer keys")), "{refused}");
}
