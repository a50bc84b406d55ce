//! Reading request bodies: bounded in bytes and in time.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::Patience;

/// Most bytes taken on trust of the declared length.
const RESERVE_MAX: usize = 256 * 1024;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Larger than allowed; the limit in bytes.
    TooLarge(usize),
    /// It came too slowly.
    TooSlow,
    /// The connection broke, or the transfer encoding is broken.
    Broken,
}

/// Reads a whole body of at most `bytes_max` bytes. A body that arrives in one piece is not copied.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: usize,
    patience: &Patience,
) -> Result<Bytes, BodyFault> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if declared.is_some_and(|length: usize| length > bytes_max) {
        return Err(BodyFault::TooLarge(bytes_max));
    }
    let deadline = Instant::now() + patience.for_body(declared.unwrap_or(bytes_max) as u64);
    let Some(first) = next_chunk(&mut body, deadline).await? else { return Ok(Bytes::new()) };
    if declared == Some(first.len()) {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.unwrap_or(first.len()).min(RESERVE_MAX));
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        if whole.len() + bytes.len() > bytes_max {
            return Err(BodyFault::TooLarge(bytes_max));
        }
        whole.extend_from_slice(&bytes);
        chunk = next_chunk(&mut body, deadline).await?;
    }
    Ok(whole.freeze())
}

async fn next_chunk(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, BodyFault> {
    loop {
        let frame = tokio::time::timeout_at(deadline, body.frame()).await.map_err(|_| BodyFault::TooSlow)?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyFault::Broken),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
