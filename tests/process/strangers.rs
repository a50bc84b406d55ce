//! Whoever reaches the internal port and is no part of the cluster.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rand::{RngCore, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::fleet::Fleet;

#[tokio::test]
async fn strange_bytes_on_the_internal_port_do_no_harm() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    api.set("kept", json!("value")).await;
    let addresses: Vec<SocketAddr> = fleet.members.iter().map(|member| member.rpc).collect();

    let mut noise = vec![0; 100_000];
    StdRng::seed_from_u64(7).fill_bytes(&mut noise);
    let strange: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        // A frame that announces four gigabytes, one that announces nothing, one that never ends.
        [&u32::MAX.to_be_bytes()[..], &[1; 200]].concat(),
        0_u32.to_be_bytes().to_vec(),
        [&4_000_000_u32.to_be_bytes()[..], &[1; 200]].concat(),
        noise,
    ];
    let mut held = Vec::new();
    for address in &addresses {
        for bytes in &strange {
            held.push(say(*address, bytes));
        }
        // Connections that say nothing at all.
        held.extend((0..20).map(|_| TcpStream::connect(address).expect("the internal port listens")));
    }

    // With all of them still open, the cluster works.
    assert_eq!(api.value("kept").await, Some(json!("value")));
    api.patch("/api/cache/config", &json!({"default_ttl": 12})).await.ok();
    fleet.wait_healthy().await;
    for mut stream in held {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
        let mut answer = [0; 1024];
        let _ = stream.read(&mut answer);
    }
    assert_eq!(api.value("kept").await, Some(json!("value")));
    for number in 0..3 {
        assert_eq!(fleet.terminate(number).code(), Some(0));
    }
    assert_eq!(fleet.errors(), [""; 0]);
}

/// Sends `bytes`; the other side may close before it has them all.
fn say(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the internal port listens");
    match stream.write_all(bytes) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        Err(error) => panic!("{error}"),
    }
    stream
}
