//! Who may speak to whom.

use std::time::Duration;

use ringhold_model::{ClusterId, NodeId};
use ringhold_rpc::{CallerOptions, Deadline, Hello, ServeOptions, Welcome, accept_hello};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{CLUSTER, ECHO, Lab, NODE, Net, hello, is_unreachable, soon, wait_until};

crate::on_every_transport!(
    a_stranger_is_cut_off_at_its_first_bytes,
    a_peer_that_says_nothing_is_cut_off,
    another_version_is_told_so,
    another_cluster_is_refused,
    another_node_is_refused,
    whoever_knows_no_cluster_yet_is_taken,
    a_full_server_says_so,
    the_caller_learns_who_answered,
    a_server_that_is_a_stranger_is_refused,
);

async fn a_stranger_is_cut_off_at_its_first_bytes(net: Net) {
    let server = net.serve(&Lab::new()).await;
    for garbage in [&b"G"[..], b"GET / HTTP/1.1\r\n\r\n", b"RINGHOLE", &[0; 36]] {
        let mut stream = net.connector().connect(&server.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_millis(1500), stream.read(&mut [0; 64])).await;
        // Unread bytes make TCP reset the connection.
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{garbage:?}: {closed:?}");
    }
    assert!(net.caller(&server.address).call(ECHO, "", soon()).await.is_ok());
}

async fn a_peer_that_says_nothing_is_cut_off(net: Net) {
    let options = ServeOptions { hello_timeout: Duration::from_millis(50), ..ServeOptions::default() };
    let server = net.serve_with(&Lab::new(), options, None).await;
    let mut stream = net.connector().connect(&server.address).await.unwrap();
    stream.write_all(b"RING").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
}

async fn another_version_is_told_so(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let mut stream = net.connector().connect(&server.address).await.unwrap();
    stream.write_all(b"RINGHOLD\xff\xff").await.unwrap();
    let mut answer = [0; 28];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!((&answer[..8], answer[10]), (&b"RINGHOLD"[..], 1));
}

async fn another_cluster_is_refused(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let hello = Hello { cluster: ClusterId(1), ..hello() };
    let outcome = net.caller_with(CallerOptions::new(&server.address, hello)).call(ECHO, "", soon()).await;
    assert!(is_unreachable(&outcome, "another cluster"), "{outcome:?}");
}

async fn another_node_is_refused(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let hello = Hello { target: Some(NodeId(4)), ..hello() };
    let outcome = net.caller_with(CallerOptions::new(&server.address, hello)).call(ECHO, "", soon()).await;
    assert!(is_unreachable(&outcome, "another node"), "{outcome:?}");
}

async fn whoever_knows_no_cluster_yet_is_taken(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let hello = Hello { cluster: ClusterId(0), target: None, ..hello() };
    let outcome = net.caller_with(CallerOptions::new(&server.address, hello)).call(ECHO, "", soon()).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

async fn a_full_server_says_so(net: Net) {
    let options = ServeOptions { connections_max: 1, ..ServeOptions::default() };
    let server = net.serve_with(&Lab::new(), options, None).await;
    let first = net.caller(&server.address);
    first.call(ECHO, "", soon()).await.unwrap();
    let second = net.caller(&server.address);
    let outcome = second.call(ECHO, "", soon()).await;
    assert!(is_unreachable(&outcome, "no more connections"), "{outcome:?}");
    first.close();
    first.closed().await;
    crate::support::echo_until_it_works(&second).await;
}

async fn the_caller_learns_who_answered(net: Net) {
    let server = net.serve(&Lab::new()).await;
    let caller = net.caller(&server.address);
    assert_eq!(caller.welcome(), None);
    caller.call(ECHO, "", soon()).await.unwrap();
    assert_eq!(caller.welcome(), Some(Welcome { cluster: CLUSTER, node: Some(NODE) }));
}

/// The check is made on both sides: a server that takes everyone is still not the one that was meant.
async fn a_server_that_is_a_stranger_is_refused(net: Net) {
    let (mut listener, address) = net.listen(None).await;
    let serve = async {
        let stranger = Welcome { cluster: ClusterId(5), node: Some(NODE) };
        let stream = listener.accept().await.unwrap();
        let (stream, _) = accept_hello(stream, |_| Ok(stranger), soon()).await.unwrap();
        stream
    };
    let caller = net.caller(&address);
    let (stream, outcome) = tokio::join!(serve, caller.call(ECHO, "", soon()));
    assert!(is_unreachable(&outcome, "another cluster"), "{outcome:?}");
    drop(stream);
    let again = caller.call(ECHO, "", Deadline::after(Duration::from_secs(3))).await;
    assert!(again.is_err_and(|error| error.is_surely_not_executed()));
    wait_until("no call to wait", || caller.waiting() == 0).await;
}
