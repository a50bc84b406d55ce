//! A server that leaves does not make its callers guess.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use ringhold_model::wire::Fault;
use ringhold_rpc::{CallError, ServeLimits, ServeOptions};
use tokio::time::Instant;

use crate::support::{ECHO, GATED, Lab, NEVER, Net, number, soon, wait_until};

crate::on_every_transport!(
    a_shutdown_answers_what_it_owes_and_refuses_the_rest,
    a_shutdown_does_not_wait_for_ever,
    an_idle_server_shuts_down_at_once,
);

async fn a_shutdown_answers_what_it_owes_and_refuses_the_rest(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let mut owed: FuturesUnordered<_> = (0..10u64).map(|n| caller.call(GATED, n.to_le_bytes(), soon())).collect();
    let shut_down = async {
        lab.wait_executed(10).await;
        server.cancel.cancel();
        // Until the goodbye is there calls still work; from then on they are refused, and never lost.
        let refused = loop {
            match caller.call(ECHO, "", soon()).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, CallError::Fault(Fault::ShuttingDown));
        assert!(refused.is_retryable());
        lab.gate.send_replace(0);
    };
    let answers = async {
        let mut answered = Vec::new();
        while let Some(outcome) = owed.next().await {
            answered.push(number(&outcome.unwrap()));
        }
        answered.sort_unstable();
        answered
    };
    let ((), answered) = tokio::join!(shut_down, answers);
    assert_eq!(answered, Vec::from_iter(0..10));
    tokio::time::timeout(Duration::from_secs(4), server.task)
        .await
        .expect("the caller left, so the server ends")
        .unwrap();
    assert!(caller.call(ECHO, "", soon()).await.is_err_and(|error| error.is_surely_not_executed()));
}

async fn a_shutdown_does_not_wait_for_ever(net: Net) {
    let lab = Lab::new();
    let limits = ServeLimits { drain_grace: Duration::from_millis(100), ..ServeLimits::default() };
    let server = net.serve_with(&lab, ServeOptions { limits, ..ServeOptions::default() }, None).await;
    let caller = net.caller(&server.address);
    let shut_down = async {
        lab.wait_executed(1).await;
        server.cancel.cancel();
        server.task.await.unwrap();
    };
    let (outcome, ()) = tokio::join!(caller.call(NEVER, "", soon()), shut_down);
    assert_eq!(outcome, Err(CallError::Lost));
}

async fn an_idle_server_shuts_down_at_once(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let caller = net.caller(&server.address);
    caller.call(ECHO, "", soon()).await.unwrap();
    let start = Instant::now();
    server.cancel.cancel();
    server.task.await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "the grace is for answers that are owed");
    wait_until("no call to wait", || caller.waiting() == 0).await;
}
