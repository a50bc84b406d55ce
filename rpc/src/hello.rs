//! The handshake: who is speaking to whom, decided before the first call.
//!
//! Both messages have a fixed size, so that nothing of the first call is read with them and the stream can be handed to
//! another runtime afterwards. Magic and version come first and never move: any version can tell any other that it is wrong.
//!
//! ```text
//! hello    magic 8 │ version u16 │ channel u8 │ flags u8 │ cluster u64 │ from u64 │ target u64     (36 bytes, LE)
//! welcome  magic 8 │ version u16 │ code u8    │ flags u8 │ cluster u64 │ node u64                  (28 bytes, LE)
//! ```

use std::io;

use ringhold_model::{
    ClusterId, NodeId,
    wire::{Channel, PROTOCOL_VERSION},
};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout_at,
};

use crate::{deadline::Deadline, transport::Stream};

const MAGIC: [u8; 8] = *b"RINGHOLD";
const PREFIX_BYTES: usize = 10;
const HELLO_BYTES: usize = 36;
const WELCOME_BYTES: usize = 28;
const ACCEPTED: u8 = 0;
const FIRST_ID: u8 = 1;
const SECOND_ID: u8 = 2;

/// What the caller says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What the connection is for.
    pub channel: Channel,
    /// The caller's cluster; zero: not known yet, or any.
    pub cluster: ClusterId,
    /// The caller, when it is a node.
    pub from: Option<NodeId>,
    /// Whom the caller means to reach; `None`: whoever answers there.
    pub target: Option<NodeId>,
}

/// What the server answers when it takes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The server's cluster; zero: none yet.
    pub cluster: ClusterId,
    /// The server's id; `None`: it has none yet.
    pub node: Option<NodeId>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The peer speaks another version of the protocol.
    #[error("the peer speaks another version of the protocol")]
    WrongVersion,
    /// The peer belongs to another cluster.
    #[error("the peer belongs to another cluster")]
    WrongCluster,
    /// Another node than the one asked for answers at this address.
    #[error("another node answers at this address")]
    WrongNode,
    /// The peer takes no more connections.
    #[error("the peer takes no more connections")]
    Full,
    /// The peer does not serve this channel (yet).
    #[error("the peer does not serve this channel")]
    WrongChannel,
}

impl Welcome {
    /// Whether the two belong together; both sides ask.
    pub fn check(&self, hello: &Hello) -> Result<(), Refusal> {
        let unknown = ClusterId::default();
        if hello.cluster != unknown && self.cluster != unknown && hello.cluster != self.cluster {
            return Err(Refusal::WrongCluster);
        }
        if hello.target.is_some() && hello.target != self.node {
            return Err(Refusal::WrongNode);
        }
        Ok(())
    }
}

/// Reads the peer's hello and answers as `me` says. A stranger, a refused or a slow peer is an error, and the stream closed.
///
/// `me` usually makes a [`Welcome`] and returns it after [`Welcome::check`]. The stream comes back unbuffered, so it may be
/// moved to another runtime before [`serve_connection`](crate::serve_connection).
pub async fn accept_hello<S: Stream>(
    mut stream: S,
    me: impl Fn(&Hello) -> Result<Welcome, Refusal>,
    deadline: Deadline,
) -> io::Result<(S, Hello)> {
    let hello = timeout_at(deadline.instant(), async {
        let asked = read_hello(&mut stream).await?;
        let answer = asked.and_then(|hello| Ok((hello, me(&hello)?)));
        let welcome = answer.as_ref().map(|(_, welcome)| *welcome).map_err(|refusal| *refusal);
        stream.write_all(&welcome_bytes(welcome)).await?;
        stream.flush().await?;
        match answer {
            Ok((hello, _)) => Ok(hello),
            Err(refusal) => Err(dismiss(&mut stream, refusal).await),
        }
    });
    let hello = hello.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok((stream, hello))
}

/// Lets the refused peer read why: closing TCP with its bytes unread would throw the answer away.
async fn dismiss<S: Stream>(stream: &mut S, refusal: Refusal) -> io::Error {
    // Whether it reads or not makes no difference any more.
    let _ = stream.shutdown().await;
    let _ = stream.take(HELLO_BYTES as u64).read_to_end(&mut Vec::new()).await;
    refused(refusal)
}

/// Says `hello` and returns the server's welcome, checked. The caller bounds the time.
pub(crate) async fn say_hello<S: Stream>(stream: &mut S, hello: &Hello) -> io::Result<Welcome> {
    stream.write_all(&hello_bytes(hello)).await?;
    stream.flush().await?;
    let mut bytes = [0; WELCOME_BYTES];
    read_checked(stream, &mut bytes).await?;
    if u16_at(&bytes, 8) != PROTOCOL_VERSION {
        return Err(refused(Refusal::WrongVersion));
    }
    let code = bytes[10];
    if code != ACCEPTED {
        return Err(refusal_of(code).map_or_else(stranger, refused));
    }
    let welcome = Welcome { cluster: ClusterId(u64_at(&bytes, 12)), node: id_at(&bytes, 20, bytes[11] & FIRST_ID) };
    welcome.check(hello).map_err(refused)?;
    Ok(welcome)
}

async fn read_hello<S: Stream>(stream: &mut S) -> io::Result<Result<Hello, Refusal>> {
    let mut bytes = [0; HELLO_BYTES];
    read_checked(stream, &mut bytes[..PREFIX_BYTES]).await?;
    if u16_at(&bytes, 8) != PROTOCOL_VERSION {
        return Ok(Err(Refusal::WrongVersion));
    }
    stream.read_exact(&mut bytes[PREFIX_BYTES..]).await?;
    let flags = bytes[11];
    Ok(Ok(Hello {
        channel: Channel::from_u8(bytes[10]).ok_or_else(stranger)?,
        cluster: ClusterId(u64_at(&bytes, 12)),
        from: id_at(&bytes, 20, flags & FIRST_ID),
        target: id_at(&bytes, 28, flags & SECOND_ID),
    }))
}

/// Fills `bytes`, which begin with the magic. Fails at the first byte that differs: a stranger is not waited for.
async fn read_checked<S: Stream>(stream: &mut S, bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match stream.read(&mut bytes[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
        let seen = filled.min(MAGIC.len());
        if bytes[..seen] != MAGIC[..seen] {
            return Err(stranger());
        }
    }
    Ok(())
}

fn refused(refusal: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, refusal)
}

fn stranger() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the peer does not speak Ringhold's protocol")
}

fn hello_bytes(hello: &Hello) -> [u8; HELLO_BYTES] {
    let mut bytes = [0; HELLO_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    bytes[10] = hello.channel as u8;
    bytes[11] = hello.from.map_or(0, |_| FIRST_ID) | hello.target.map_or(0, |_| SECOND_ID);
    bytes[12..20].copy_from_slice(&hello.cluster.0.to_le_bytes());
    bytes[20..28].copy_from_slice(&hello.from.unwrap_or_default().0.to_le_bytes());
    bytes[28..36].copy_from_slice(&hello.target.unwrap_or_default().0.to_le_bytes());
    bytes
}

fn welcome_bytes(answer: Result<Welcome, Refusal>) -> [u8; WELCOME_BYTES] {
    let mut bytes = [0; WELCOME_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    match answer {
        Ok(welcome) => {
            bytes[10] = ACCEPTED;
            bytes[11] = welcome.node.map_or(0, |_| FIRST_ID);
            bytes[12..20].copy_from_slice(&welcome.cluster.0.to_le_bytes());
            bytes[20..28].copy_from_slice(&welcome.node.unwrap_or_default().0.to_le_bytes());
        }
        Err(refusal) => bytes[10] = code_of(refusal),
    }
    bytes
}

const fn code_of(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::WrongVersion => 1,
        Refusal::WrongCluster => 2,
        Refusal::WrongNode => 3,
        Refusal::Full => 4,
        Refusal::WrongChannel => 5,
    }
}

const fn refusal_of(code: u8) -> Option<Refusal> {
    match code {
        1 => Some(Refusal::WrongVersion),
        2 => Some(Refusal::WrongCluster),
        3 => Some(Refusal::WrongNode),
        4 => Some(Refusal::Full),
        5 => Some(Refusal::WrongChannel),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

fn id_at(bytes: &[u8], at: usize, is_given: u8) -> Option<NodeId> {
    (is_given != 0).then(|| NodeId(u64_at(bytes, at)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::duplex;

    use super::*;

    const HELLO: Hello = Hello {
        channel: Channel::Control,
        cluster: ClusterId(7),
        from: Some(NodeId(0)),
        target: Some(NodeId(u64::MAX)),
    };

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn both_sides_learn_what_the_other_said() {
        let welcome = Welcome { cluster: ClusterId(7), node: HELLO.target };
        let (mut near, far) = duplex(64);
        let (said, heard) = block_on(async {
            let accept = accept_hello(far, |_| Ok(welcome), Deadline::after(Duration::from_secs(5)));
            tokio::join!(say_hello(&mut near, &HELLO), accept)
        });
        assert_eq!(said.unwrap(), welcome);
        assert_eq!(heard.unwrap().1, HELLO);
    }

    #[test]
    fn every_refusal_reaches_the_caller() {
        for refusal in
            [Refusal::WrongVersion, Refusal::WrongCluster, Refusal::WrongNode, Refusal::Full, Refusal::WrongChannel]
        {
            assert_eq!(refusal_of(code_of(refusal)), Some(refusal));
            let (mut near, far) = duplex(64);
            let said = block_on(async {
                let accept = accept_hello(far, |_| Err(refusal), Deadline::after(Duration::from_secs(5)));
                let said = async move { say_hello(&mut near, &HELLO).await };
                tokio::join!(said, accept).0
            });
            assert_eq!(said.unwrap_err().to_string(), refusal.to_string());
        }
    }

    #[test]
    fn a_target_without_an_id_is_another_node() {
        let welcome = Welcome { cluster: ClusterId(0), node: None };
        assert_eq!(welcome.check(&HELLO), Err(Refusal::WrongNode));
        assert_eq!(welcome.check(&Hello { target: None, ..HELLO }), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arbitrary_first_bytes_end_in_an_answer_or_an_error(
            has_magic: bool,
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            block_on(async {
                let (mut near, far) = duplex(256);
                let first: &[u8] = if has_magic { &MAGIC } else { &[] };
                near.write_all(first).await.unwrap();
                near.write_all(&bytes).await.unwrap();
                near.shutdown().await.unwrap();
                let me = |_: &Hello| Ok(Welcome { cluster: ClusterId(1), node: None });
                let accepted = accept_hello(far, me, Deadline::after(Duration::from_secs(5))).await;
                assert!(accepted.is_ok() || accepted.is_err_and(|error| error.kind() != io::ErrorKind::TimedOut));
            });
        }
    }
}
