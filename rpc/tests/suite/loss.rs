//! Connections that break, peers that fall silent, peers that are not there.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use ringhold_model::wire::Channel;
use ringhold_rpc::{
    CallError, CallerOptions, Callers, CallersOptions, Deadline, ServeLimits, ServeOptions, Welcome, accept_hello,
};
use tokio::time::Instant;

use crate::support::{
    CLUSTER, ECHO, GATED, Lab, NEVER, NODE, Net, echo_until_it_works, hello, is_unreachable, number, soon,
};

crate::on_every_transport!(
    a_crash_of_the_server_loses_the_calls_it_owed,
    calls_work_again_after_the_server_restarted,
    nobody_there_fails_at_once_and_surely_unexecuted,
    a_peer_that_falls_silent_is_given_up,
    a_long_call_is_not_silence,
    a_call_that_waits_for_a_connection_keeps_its_deadline,
    a_closed_caller_refuses_calls,
    a_pool_forgets_an_address,
    an_idle_connection_is_probed_and_not_closed,
);

fn options(address: &str) -> CallerOptions {
    CallerOptions::new(address, hello())
}

async fn a_crash_of_the_server_loses_the_calls_it_owed(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let calls = join_all((0..20).map(|_| caller.call(NEVER, "", soon())));
    let crash = async {
        lab.wait_executed(20).await;
        server.crash().await;
    };
    let (outcomes, ()) = tokio::join!(calls, crash);
    assert!(outcomes.iter().all(|outcome| *outcome == Err(CallError::Lost)), "{outcomes:?}");
}

async fn calls_work_again_after_the_server_restarted(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let address = server.address.clone();
    let caller = net.caller(&address);
    caller.call(ECHO, "", soon()).await.unwrap();
    server.crash().await;
    let _server = net.serve_with(&lab, ServeOptions::default(), Some(&address)).await;
    echo_until_it_works(&caller).await;
}

async fn nobody_there_fails_at_once_and_surely_unexecuted(net: Net) {
    let (listener, address) = net.listen(None).await;
    drop(listener);
    let caller = net.caller_with(CallerOptions { backoff_min: Duration::from_secs(60), ..options(&address) });
    let outcomes = join_all((0..10).map(|_| caller.call(ECHO, "", soon()))).await;
    assert!(outcomes.iter().all(|outcome| is_unreachable(outcome, "")), "{outcomes:?}");
    let start = Instant::now();
    let outcome = caller.call(ECHO, "", soon()).await;
    assert!(is_unreachable(&outcome, ""), "{outcome:?}");
    assert!(start.elapsed() < Duration::from_millis(100), "no second attempt during the pause");
}

async fn a_peer_that_falls_silent_is_given_up(net: Net) {
    let (mut listener, address) = net.listen(None).await;
    let welcome = Welcome { cluster: CLUSTER, node: Some(NODE) };
    let accept = async {
        let stream = listener.accept().await.unwrap();
        accept_hello(stream, |_| Ok(welcome), soon()).await.unwrap().0
    };
    let caller = net.caller_with(CallerOptions { silence_max: Duration::from_millis(200), ..options(&address) });
    let start = Instant::now();
    let (_mute, outcome) = tokio::join!(accept, caller.call(ECHO, "", soon()));
    assert_eq!(outcome, Err(CallError::Lost));
    assert!(start.elapsed() < Duration::from_secs(5));
}

async fn a_long_call_is_not_silence(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let silence_max = Duration::from_millis(100);
    let caller = net.caller_with(CallerOptions { silence_max, ..options(&server.address) });
    let release = async {
        tokio::time::sleep(silence_max * 6).await;
        lab.gate.send_replace(0);
    };
    let (outcome, ()) = tokio::join!(caller.call(GATED, 1u64.to_le_bytes(), soon()), release);
    assert_eq!(number(&outcome.unwrap()), 1);
}

async fn a_call_that_waits_for_a_connection_keeps_its_deadline(net: Net) {
    let (_listener, address) = net.listen(None).await;
    let caller = net.caller_with(CallerOptions { connect_timeout: Duration::from_secs(30), ..options(&address) });
    // Nobody answers the hello.
    let outcome = caller.call(ECHO, "", Deadline::after(Duration::from_millis(50))).await;
    assert!(is_unreachable(&outcome, "deadline"), "{outcome:?}");
    caller.close();
    caller.closed().await;
}

async fn a_closed_caller_refuses_calls(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let close = async {
        lab.wait_executed(1).await;
        caller.close();
    };
    let (outcome, ()) = tokio::join!(caller.call(NEVER, "", soon()), close);
    assert_eq!(outcome, Err(CallError::Lost));
    assert!(is_unreachable(&caller.call(ECHO, "", soon()).await, "closed"));
    caller.closed().await;
}

async fn a_pool_forgets_an_address(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let callers = Callers::new(CallersOptions { cluster: CLUSTER, from: None }, net.connector());
    let first = callers.to(&server.address, Channel::Data, Some(NODE));
    first.call(ECHO, "", soon()).await.unwrap();
    callers.forget(&server.address);
    assert!(is_unreachable(&first.call(ECHO, "", soon()).await, "closed"));
    let second = callers.to(&server.address, Channel::Data, Some(NODE));
    second.call(ECHO, "", soon()).await.unwrap();
    callers.close().await;
    assert!(is_unreachable(&second.call(ECHO, "", soon()).await, "closed"));
}

async fn an_idle_connection_is_probed_and_not_closed(net: Net) {
    let lab = Lab::new();
    let limits = ServeLimits { idle_max: Duration::from_millis(600), ..ServeLimits::default() };
    let server = net.serve_with(&lab, ServeOptions { limits, ..ServeOptions::default() }, None).await;
    let caller = net.caller_with(CallerOptions {
        silence_max: Duration::from_millis(400),
        idle_probe: Duration::from_millis(200),
        ..options(&server.address)
    });
    caller.call(ECHO, "", soon()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2300)).await;
    // A closed connection would show as `Lost` here or there.
    for _ in 0..3 {
        caller.call(ECHO, "", soon()).await.unwrap();
    }
    assert_eq!(lab.executed.load(Ordering::SeqCst), 4, "probes do not reach the service");
}

/// Bytes under way when a network is cut arrive when it heals in time; a longer cut is a lost connection.
#[tokio::test]
async fn a_cut_network_loses_calls_only_when_it_lasts() {
    let lab = Lab::new();
    let net = Net::memory();
    let network = net.memory.clone().unwrap();
    let server = net.serve(&lab).await;
    let caller = net.caller_with(CallerOptions { silence_max: Duration::from_millis(300), ..options("server") });
    echo_until_it_works(&caller).await;

    network.cut("client", "server");
    let heal = async { network.heal("client", "server") };
    let (outcome, ()) = tokio::join!(caller.call(ECHO, "short", soon()), heal);
    assert_eq!(&outcome.unwrap()[..], b"short");

    network.cut("client", "server");
    assert_eq!(caller.call(ECHO, "long", soon()).await, Err(CallError::Lost));
    let during = caller.call(ECHO, "cut", Deadline::after(Duration::from_millis(50))).await;
    assert!(during.is_err_and(|error| error.is_surely_not_executed()));
    network.heal("client", "server");
    echo_until_it_works(&caller).await;

    let reset = async {
        lab.gate.send_replace(u64::MAX);
        let before = lab.executed.load(Ordering::SeqCst);
        let call = caller.call(NEVER, "", soon());
        let cut = async {
            lab.wait_executed(before + 1).await;
            network.reset("client", "server");
        };
        tokio::join!(call, cut).0
    };
    assert_eq!(reset.await, Err(CallError::Lost));
    echo_until_it_works(&caller).await;
    drop(server);
}

/// A runtime that ends takes its connections along; nobody waits for ever on another one.
#[test]
fn calls_end_when_the_runtime_of_their_connection_ends() {
    let lab = Lab::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (servers, clients, others) = (runtime(), runtime(), runtime());
    let net = Net::tcp();
    let server = servers.block_on(net.serve(&lab));
    let address = server.address.clone();
    let serving = std::thread::spawn(move || servers.block_on(server.task).ok());
    let caller = net.caller(&address);
    clients.block_on(caller.call(ECHO, "", soon())).unwrap();
    let waiting = Arc::new(caller);
    let call = {
        let caller = Arc::clone(&waiting);
        std::thread::spawn(move || others.block_on(caller.call(NEVER, "", soon())))
    };
    clients.block_on(crate::support::wait_until("the call to be queued", || waiting.waiting() == 1));
    drop(clients);
    assert!(call.join().unwrap().is_err());
    drop(server.cancel);
    drop(serving);
}
