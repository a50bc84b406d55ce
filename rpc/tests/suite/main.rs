//! One set of tests for every transport: TCP over loopback and the network inside the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod handshake;
mod loss;
mod shutdown;
mod support;

/// Runs each test on every transport.
macro_rules! on_every_transport {
    ($($name:ident),+ $(,)?) => {
        mod tcp {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::Net::tcp()).await;
            })+
        }

        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::Net::memory()).await;
            })+
        }
    };
}
pub(crate) use on_every_transport;
