//! Calls that are answered, one way or the other.

use std::{future::poll_fn, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use ringhold_model::{
    NodeId,
    wire::{self, Fault, Method, StatsRequest},
};
use ringhold_rpc::{CallError, CallerOptions, Deadline, FRAME_BYTES_MAX, Progress, ServeLimits, ServeOptions};
use tokio::time::Instant;

use crate::support::{ECHO, FAILS, GATED, Lab, NEVER, Net, ZEROS, hello, number, soon, wait_until};

crate::on_every_transport!(
    many_calls_in_flight_are_answered_in_any_order,
    calls_from_many_tasks_get_their_own_answers,
    large_frames_pass_both_ways,
    a_fault_reaches_the_caller_without_the_reply_begun_before_it,
    a_reply_above_the_limit_is_a_fault,
    a_request_above_the_limit_is_not_sent,
    a_call_over_its_deadline_ends_and_the_connection_goes_on,
    a_call_given_up_waits_no_longer,
    a_slow_call_is_told_and_answered_later,
    a_call_that_its_deadline_would_meet_in_the_queue_is_overload,
    more_calls_than_the_queue_takes_are_overload,
    more_later_answers_than_the_server_takes_are_overload,
    typed_calls_encode_and_decode,
    many_large_replies_at_once_all_arrive,
);

async fn many_calls_in_flight_are_answered_in_any_order(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let mut answers: FuturesUnordered<_> = (0..200u64).map(|n| caller.call(GATED, n.to_le_bytes(), soon())).collect();
    for n in (0..200u64).rev() {
        lab.gate.send_replace(n);
        let reply = answers.next().await.unwrap().unwrap();
        assert_eq!(number(&reply), n);
    }
    assert_eq!(caller.waiting(), 0);
}

async fn calls_from_many_tasks_get_their_own_answers(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    join_all((0..64u64).map(|task| {
        let caller = caller.clone();
        async move {
            for n in 0..100u64 {
                let body: Vec<u8> = std::iter::repeat_n(task * 1000 + n, 1 + usize::try_from(n * 7 % 150).unwrap())
                    .flat_map(u64::to_le_bytes)
                    .collect();
                let reply = caller.call(ECHO, &body, soon()).await.unwrap();
                assert_eq!(&reply[..], &body[..]);
            }
        }
    }))
    .await;
}

async fn large_frames_pass_both_ways(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    for bytes in [0usize, 1, 70_000, 9 << 20] {
        let body: Vec<u8> = (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let reply = caller.call(ECHO, &body, soon()).await.unwrap();
        assert!(reply == body, "{bytes} bytes came back changed");
    }
}

async fn a_fault_reaches_the_caller_without_the_reply_begun_before_it(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let (failed, echoed) = tokio::join!(caller.call(FAILS, "", soon()), caller.call(ECHO, "next", soon()));
    let expected = Fault::NotPrimary { primary: Some(NodeId(9)), view: 12 };
    assert_eq!(failed, Err(CallError::Fault(expected)));
    assert_eq!(&echoed.unwrap()[..], b"next");
}

async fn a_reply_above_the_limit_is_a_fault(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let outcome = caller.call(ZEROS, (FRAME_BYTES_MAX as u64 + 1).to_le_bytes(), soon()).await;
    assert!(matches!(outcome, Err(CallError::Fault(Fault::TooLarge { .. }))), "{outcome:?}");
    assert!(caller.call(ECHO, "next", soon()).await.is_ok());
}

async fn a_request_above_the_limit_is_not_sent(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let outcome = caller.call(ECHO, vec![0; FRAME_BYTES_MAX + 1], soon()).await;
    assert!(matches!(outcome, Err(CallError::Fault(Fault::TooLarge { .. }))), "{outcome:?}");
    assert_eq!(caller.waiting(), 0);
    assert!(caller.call(ECHO, "next", soon()).await.is_ok());
}

async fn a_call_over_its_deadline_ends_and_the_connection_goes_on(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let gated = caller.call(GATED, 5u64.to_le_bytes(), soon());
    let late = async {
        let outcome = caller.call(NEVER, "", Deadline::after(Duration::from_millis(40))).await;
        // Whichever side's clock rings first.
        assert!(matches!(outcome, Err(CallError::TimedOut | CallError::Fault(Fault::DeadlinePassed))), "{outcome:?}");
        lab.gate.send_replace(0);
    };
    let (gated, ()) = tokio::join!(gated, late);
    assert_eq!(number(&gated.unwrap()), 5, "another call of the connection was not disturbed");
    assert_eq!(caller.waiting(), 0);
}

async fn a_call_given_up_waits_no_longer(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let given_up = tokio::time::timeout(Duration::from_millis(30), caller.call(NEVER, "", soon())).await;
    assert!(given_up.is_err());
    assert_eq!(caller.waiting(), 0);
    assert!(caller.call(ECHO, "next", soon()).await.is_ok());
}

async fn a_slow_call_is_told_and_answered_later(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let slow_at = Some(Instant::now() + Duration::from_millis(5));
    let mut call = caller.start(GATED, &[7u8, 0, 0, 0, 0, 0, 0, 0], soon(), slow_at).unwrap();
    assert!(matches!(poll_fn(|cx| call.poll_progress(cx)).await, Progress::Slow));
    lab.gate.send_replace(0);
    let Progress::Over(answer) = poll_fn(|cx| call.poll_progress(cx)).await else { panic!("told twice") };
    assert_eq!(number(&answer.unwrap()), 7);
}

/// The peer answers, but so many wait that the last one would wait for longer than it may.
async fn a_call_that_its_deadline_would_meet_in_the_queue_is_overload(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller_with(CallerOptions { shed_calls_min: 1, ..CallerOptions::new(&server.address, hello()) });
    let waiting = caller.start(NEVER, "", soon(), None).unwrap();
    let end = soon();
    while caller.call(ECHO, "", Deadline::after(Duration::from_nanos(1))).await != Err(CallError::Overloaded) {
        assert!(!end.has_passed(), "never refused");
        assert!(caller.call(ECHO, "next", soon()).await.is_ok(), "there is time enough for this one");
    }
    drop(waiting);
    assert_ne!(caller.call(ECHO, "", Deadline::after(Duration::from_nanos(1))).await, Err(CallError::Overloaded));
}

async fn more_calls_than_the_queue_takes_are_overload(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller_with(CallerOptions { queue_calls_max: 2, ..CallerOptions::new(&server.address, hello()) });
    let mut calls: FuturesUnordered<_> = (0..3u64).map(|n| caller.call(GATED, n.to_le_bytes(), soon())).collect();
    assert_eq!(calls.next().await.unwrap(), Err(CallError::Overloaded));
    lab.gate.send_replace(0);
    assert!(calls.next().await.unwrap().is_ok());
    assert!(calls.next().await.unwrap().is_ok());
}

async fn more_later_answers_than_the_server_takes_are_overload(net: Net) {
    let lab = Lab::new();
    let limits = ServeLimits { in_flight_max: 2, ..ServeLimits::default() };
    let server = net.serve_with(&lab, ServeOptions { limits, ..ServeOptions::default() }, None).await;
    let caller = net.caller(&server.address);
    let mut calls: FuturesUnordered<_> = (0..3u64).map(|n| caller.call(GATED, n.to_le_bytes(), soon())).collect();
    assert_eq!(calls.next().await.unwrap(), Err(CallError::Fault(Fault::Overloaded)));
    lab.gate.send_replace(0);
    assert!(calls.next().await.unwrap().is_ok());
    assert!(calls.next().await.unwrap().is_ok());
}

async fn typed_calls_encode_and_decode(net: Net) {
    let lab = Lab::new();
    let server = net.serve(&lab).await;
    let caller = net.caller(&server.address);
    let request = StatsRequest { namespace: None };
    let reply: StatsRequest = caller.call_typed(ECHO, &request, soon()).await.unwrap();
    assert_eq!(reply, request);
    let wrong = caller.call_typed::<_, u64>(ECHO, "text", soon()).await;
    assert!(matches!(wrong, Err(CallError::Malformed(_))));
    assert!(lab.seen.lock().iter().any(|body| wire::decode::<StatsRequest>(body).is_ok()));
    assert_eq!(
        caller.call(Method::Consent, "", soon()).await,
        Err(CallError::Fault(Fault::Malformed)),
        "what the service does not know it refuses"
    );
}

/// Much more than buffers and limits hold, so that both sides stop and go on many times.
async fn many_large_replies_at_once_all_arrive(net: Net) {
    let lab = Lab::new();
    let limits = ServeLimits { reply_bytes_max: 100_000, ..ServeLimits::default() };
    let server = net.serve_with(&lab, ServeOptions { limits, ..ServeOptions::default() }, None).await;
    let caller = net.caller(&server.address);
    let replies = join_all((0..300u64).map(|n| caller.call(ZEROS, (n * 500).to_le_bytes(), soon()))).await;
    for (n, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.unwrap().len(), n * 500);
    }
    wait_until("no call to wait", || caller.waiting() == 0).await;
}

/// Callers on other threads than the connection's task, which wake each other across them.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn calls_from_several_threads_are_all_answered() {
    let lab = Lab::new();
    let net = Net::tcp();
    let server = net.serve(&lab).await;
    let caller = Arc::new(net.caller(&server.address));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16u64 {
        let caller = Arc::clone(&caller);
        tasks.spawn(async move {
            for n in 0..300u64 {
                let body = (task << 32 | n).to_le_bytes();
                assert_eq!(&caller.call(ECHO, body, soon()).await.unwrap()[..], body);
            }
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.unwrap();
    }
}
