//! Connections of the data channel and barriers that wait for the data plane.

use std::{sync::Arc, time::Duration};

use ringhold_model::wire::{BarrierReply, BarrierRequest, Channel, Method};
use ringhold_raft::{Listen, Node, Options};
use ringhold_rpc::{CallError, Caller, CallerOptions, Deadline, Hello, TcpConnector};
use tokio::sync::mpsc;

use crate::cluster::{block_on, wait_for};

#[test]
fn data_connections_go_to_the_sink_and_barriers_wait_for_what_it_acts_by() {
    let dir = tempfile::tempdir().unwrap();
    let (sink, mut connections) = mpsc::channel(1);
    let options = Options { data_sink: Some(sink), ..Options::new(dir.path(), Listen::At("127.0.0.1:0".to_owned())) };
    let node = Node::build(options).unwrap().spawn_thread().unwrap();
    let handle = node.handle().clone();
    wait_for("the first plan", || handle.state().plan.is_some());
    let address = handle.addresses().rpc.clone();
    let hello = |channel| Hello { channel, cluster: handle.cluster_id(), from: None, target: handle.node_id() };
    let caller = |channel| Caller::new(CallerOptions::new(&address, hello(channel)), Arc::new(TcpConnector::default()));
    block_on(async {
        // Nobody serves it, but it was welcomed and handed on with its hello.
        let data = caller(Channel::Data);
        let call = data.call(Method::Stats, b"", Deadline::after(Duration::from_millis(300)));
        let (unanswered, taken) = tokio::join!(call, connections.recv());
        assert_eq!(unanswered.unwrap_err(), CallError::TimedOut);
        assert_eq!(taken.unwrap().hello, hello(Channel::Data));

        let control = caller(Channel::Control);
        let index = handle.state().applied;
        let barrier = |timeout_ms| {
            let request = BarrierRequest { index, timeout_ms };
            let control = control.clone();
            async move {
                let deadline = Deadline::after(Duration::from_secs(30));
                control.call_typed::<_, BarrierReply>(Method::Barrier, &request, deadline).await
            }
        };
        assert!(barrier(100).await.is_err(), "applied, but nobody acts by it yet");
        let (reached, ()) = tokio::join!(barrier(20_000), async { handle.set_acted(index) });
        assert!(reached.unwrap().view >= index);
        handle.set_acted(0);
        assert!(barrier(100).await.is_ok(), "it never goes back");
    });
    node.stop().unwrap();
    assert!(!handle.is_ready(), "a handle outlives its node and says so");
}
