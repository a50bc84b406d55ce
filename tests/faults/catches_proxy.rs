//! The proxy does what its rules say, in each direction.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::harness::{
    process::free_address,
    proxy::{
        Network,
        rule::{Party, Rule},
    },
};

/// Long enough to notice what arrives although it must not; nothing is waited for in this time.
const MOMENT: Duration = Duration::from_millis(100);
const ME: Party = Party::Router(0);
const NODE: Party = Party::Node(0);

/// A connection through a proxy: both of its ends.
struct Line {
    network: Network,
    near: TcpStream,
    far: TcpStream,
}

impl Line {
    async fn open() -> Self {
        let network = Network::start();
        network.is_process(ME, std::process::id());
        let (advertised, listen) = (free_address(), free_address());
        let listener = TcpListener::bind(listen).await.expect("the address is free");
        network.add_node(0, advertised, listen);
        let near = TcpStream::connect(advertised).await.expect("the proxy listens");
        let (far, _) = listener.accept().await.expect("the proxy connects");
        Self { network, near, far }
    }
}

async fn hear(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut heard = [0; 64];
    match stream.read(&mut heard).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        bytes => Ok(String::from_utf8_lossy(&heard[..bytes]).into_owned()),
    }
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(MOMENT, hear(stream)).await.is_err()
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("the connection is open");
}

#[tokio::test]
async fn what_is_said_arrives_and_so_does_the_end() {
    let Line { network: _network, mut near, mut far } = Line::open().await;
    say(&mut near, "ask").await;
    assert_eq!(hear(&mut far).await.expect("heard"), "ask");
    near.shutdown().await.expect("the connection is open");
    assert_eq!(hear(&mut far).await.expect_err("the end").kind(), ErrorKind::UnexpectedEof);
    say(&mut far, "answer").await;
    assert_eq!(hear(&mut near).await.expect("half of the connection is open"), "answer");
    drop(far);
    assert_eq!(hear(&mut near).await.expect_err("the end").kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_cut_in_one_direction_holds_that_one_only_and_delivers_when_it_heals() {
    let Line { network, mut near, mut far } = Line::open().await;
    network.set(NODE, ME, Rule::Hold);
    say(&mut near, "ask").await;
    assert_eq!(hear(&mut far).await.expect("heard"), "ask");
    say(&mut far, "answer").await;
    assert!(is_silent(&mut near).await);
    network.heal();
    assert_eq!(hear(&mut near).await.expect("heard"), "answer");

    network.cut(&[ME], &[NODE]);
    say(&mut near, "1").await;
    say(&mut far, "2").await;
    assert!(is_silent(&mut near).await && is_silent(&mut far).await);
    network.heal();
    assert_eq!(hear(&mut near).await.expect("heard"), "2");
    assert_eq!(hear(&mut far).await.expect("heard"), "1");
}

#[tokio::test]
async fn lost_answers_never_arrive_and_the_connection_breaks_afterwards() {
    let Line { network, mut near, mut far } = Line::open().await;
    network.set(NODE, ME, Rule::Lose);
    say(&mut near, "ask").await;
    assert_eq!(hear(&mut far).await.expect("heard"), "ask");
    say(&mut far, "answer").await;
    assert!(is_silent(&mut near).await);
    network.heal();
    say(&mut far, "more").await;
    assert_eq!(hear(&mut near).await.expect_err("broken").kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_breaks_both_ends() {
    let Line { network, mut near, mut far } = Line::open().await;
    network.set(ME, NODE, Rule::Reset);
    for end in [&mut near, &mut far] {
        assert_eq!(hear(end).await.expect_err("broken").kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_delay_keeps_the_order() {
    let Line { network, mut near, mut far } = Line::open().await;
    let by = Duration::from_millis(80);
    network.set(ME, NODE, Rule::Delay { by, jitter: by });
    let said = Instant::now();
    for text in ["a", "b", "c", "d"] {
        say(&mut near, text).await;
    }
    let mut heard = String::new();
    while heard.len() < 4 {
        heard += &hear(&mut far).await.expect("heard");
        assert!(said.elapsed() >= by, "{:?}", said.elapsed());
    }
    assert_eq!(heard, "abcd");
}

#[tokio::test]
async fn rules_are_for_whom_they_name() {
    let Line { network, mut near, mut far } = Line::open().await;
    network.cut(&[Party::Other, Party::Node(1), Party::Router(1)], &[NODE]);
    say(&mut near, "ask").await;
    assert_eq!(hear(&mut far).await.expect("heard"), "ask");
}
