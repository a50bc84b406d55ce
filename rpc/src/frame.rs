//! The outer shape of what travels: frames of tokio-util's length-delimited kind.
//!
//! ```text
//! frame    length u32 BE │ payload
//! request  call id u64 LE │ method u8 │ timeout_ms u32 LE │ body
//! reply    call id u64 LE │ status u8 │ body          status: 0 done │ 1 fault (body: encoded Fault) │ 2 goodbye
//! ```
//!
//! A request with timeout 0 is not executed: so a sender can take back what it has not sent yet. Method 0 is the probe,
//! answered at once with an empty body. Goodbye (call id 0) asks the caller to send nothing more here and to leave.

use bytes::{Buf as _, Bytes, BytesMut};
use ringhold_model::wire::Fault;
use thiserror::Error;

/// Longest payload of a frame; a longer one closes the connection.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// The method number of a probe.
pub(crate) const PROBE: u8 = 0;

const LENGTH_BYTES: usize = 4;
const REQUEST_HEAD_BYTES: usize = 13;
const REPLY_HEAD_BYTES: usize = 9;
const TIMEOUT_AT: usize = LENGTH_BYTES + 9;
/// A long frame's buffer grows with what has arrived, not with what was announced.
const GROWTH_BYTES_MIN: usize = 64 << 10;

/// The peer breaks the protocol; the connection cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes is above the limit")]
    TooLong(usize),
    #[error("a frame is too short for its head")]
    TooShort,
    #[error("unknown reply status {0}")]
    UnknownStatus(u8),
}

impl FrameError {
    /// What the other side is told of a message that cannot be framed.
    pub(crate) const fn as_fault(self) -> Fault {
        match self {
            Self::TooLong(bytes) => Fault::TooLarge { bytes: bytes as u64, max: FRAME_BYTES_MAX as u64 },
            Self::TooShort | Self::UnknownStatus(_) => Fault::Malformed,
        }
    }
}

/// The head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestHead {
    pub(crate) id: u64,
    pub(crate) method: u8,
    pub(crate) timeout_ms: u32,
}

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Done = 0,
    Fault = 1,
    Goodbye = 2,
}

/// Takes the next complete payload off the front of `inbox`.
pub(crate) fn next_payload(inbox: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = announced(inbox) else { return Ok(None) };
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(length));
    }
    if inbox.len() < LENGTH_BYTES + length {
        return Ok(None);
    }
    let mut frame = inbox.split_to(LENGTH_BYTES + length).freeze();
    frame.advance(LENGTH_BYTES);
    Ok(Some(frame))
}

/// How much room to make in `inbox` before reading on; its front is an incomplete frame.
pub(crate) fn room_wanted(inbox: &BytesMut) -> usize {
    let whole = announced(inbox).map_or(0, |length| LENGTH_BYTES + length.min(FRAME_BYTES_MAX));
    whole.saturating_sub(inbox.len()).min(inbox.len().max(GROWTH_BYTES_MIN))
}

fn announced(inbox: &BytesMut) -> Option<usize> {
    let length = inbox.first_chunk::<LENGTH_BYTES>()?;
    Some(u32::from_be_bytes(*length) as usize)
}

/// Splits a request's payload.
pub(crate) fn split_request(mut payload: Bytes) -> Result<(RequestHead, Bytes), FrameError> {
    if payload.len() < REQUEST_HEAD_BYTES {
        return Err(FrameError::TooShort);
    }
    let head = RequestHead { id: payload.get_u64_le(), method: payload.get_u8(), timeout_ms: payload.get_u32_le() };
    Ok((head, payload))
}

/// Splits a reply's payload.
pub(crate) fn split_reply(mut payload: Bytes) -> Result<(u64, Status, Bytes), FrameError> {
    if payload.len() < REPLY_HEAD_BYTES {
        return Err(FrameError::TooShort);
    }
    let id = payload.get_u64_le();
    let status = match payload.get_u8() {
        0 => Status::Done,
        1 => Status::Fault,
        2 => Status::Goodbye,
        other => return Err(FrameError::UnknownStatus(other)),
    };
    Ok((id, status, payload))
}

/// Begins a request at the end of `out`; returns where it starts.
pub(crate) fn begin_request(out: &mut Vec<u8>, head: RequestHead) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(&head.id.to_le_bytes());
    out.push(head.method);
    out.extend_from_slice(&head.timeout_ms.to_le_bytes());
    start
}

/// Changes the timeout of the request that starts at `start`.
pub(crate) fn set_timeout(out: &mut [u8], start: usize, timeout_ms: u32) {
    let at = start + TIMEOUT_AT;
    out[at..at + 4].copy_from_slice(&timeout_ms.to_le_bytes());
}

/// Begins a reply at the end of `out`; returns where it starts.
pub(crate) fn begin_reply(out: &mut Vec<u8>, id: u64, status: Status) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(&id.to_le_bytes());
    out.push(status as u8);
    start
}

/// Completes the frame that starts at `start` and ends with `out`. One that is too long is taken back.
pub(crate) fn finish(out: &mut Vec<u8>, start: usize) -> Result<(), FrameError> {
    let length = out.len() - start - LENGTH_BYTES;
    match u32::try_from(length) {
        Ok(announced) if length <= FRAME_BYTES_MAX => {
            out[start..start + LENGTH_BYTES].copy_from_slice(&announced.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(FrameError::TooLong(length))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(id: u64, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let start = begin_request(&mut out, RequestHead { id, method: 32, timeout_ms: 5000 });
        out.extend_from_slice(body);
        finish(&mut out, start).unwrap();
        out
    }

    /// Feeds `bytes` in pieces of `step`, the way a connection reads, and returns the payloads.
    fn feed(bytes: &[u8], step: usize) -> Result<Vec<Bytes>, FrameError> {
        let mut inbox = BytesMut::new();
        let mut payloads = Vec::new();
        for piece in bytes.chunks(step) {
            let room = room_wanted(&inbox);
            assert!(room <= inbox.len().max(GROWTH_BYTES_MIN), "room grows only with what arrived");
            inbox.extend_from_slice(piece);
            while let Some(payload) = next_payload(&mut inbox)? {
                payloads.push(payload);
            }
        }
        Ok(payloads)
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_by_its_length_alone() {
        let mut inbox = BytesMut::from(&u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes()[..]);
        assert_eq!(next_payload(&mut inbox), Err(FrameError::TooLong(FRAME_BYTES_MAX + 1)));
    }

    #[test]
    fn a_body_above_the_limit_is_taken_back_and_what_was_before_it_stays() {
        let mut out = request(1, b"first");
        let before = out.clone();
        let start = begin_reply(&mut out, 2, Status::Done);
        out.resize(out.len() + FRAME_BYTES_MAX, 0);
        assert!(finish(&mut out, start).is_err());
        assert_eq!(out, before);
    }

    #[test]
    fn an_unsent_request_can_be_taken_back_by_its_timeout() {
        let mut out = request(1, b"first");
        let start = out.len();
        out.extend(request(2, b"second"));
        set_timeout(&mut out, start, 0);
        let heads: Vec<_> = feed(&out, 7).unwrap().into_iter().map(|frame| split_request(frame).unwrap()).collect();
        assert_eq!(heads[0].0.timeout_ms, 5000);
        assert_eq!(heads[1], (RequestHead { id: 2, method: 32, timeout_ms: 0 }, Bytes::from_static(b"second")));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1usize..50) {
            if let Ok(payloads) = feed(&bytes, step) {
                for payload in payloads {
                    let _ = split_request(payload.clone());
                    let _ = split_reply(payload);
                }
            }
        }

        #[test]
        fn frames_come_back_as_they_were_sent_however_they_are_cut(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
            step in 1usize..700,
        ) {
            let mut wire = Vec::new();
            for (id, body) in bodies.iter().enumerate() {
                let start = begin_reply(&mut wire, id as u64, Status::Fault);
                wire.extend_from_slice(body);
                finish(&mut wire, start).unwrap();
            }
            let replies: Vec<_> =
                feed(&wire, step).unwrap().into_iter().map(|payload| split_reply(payload).unwrap()).collect();
            prop_assert_eq!(replies.len(), bodies.len());
            for (at, (id, status, body)) in replies.into_iter().enumerate() {
                prop_assert_eq!((id, status), (at as u64, Status::Fault));
                prop_assert_eq!(&body[..], &bodies[at][..]);
            }
        }
    }
}
