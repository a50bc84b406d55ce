//! `POST /api/cache/import`: takes what export gave, in either format, streamed.
//!
//! Memory is flat: the stream is cut into items, and a bounded batch of them is stored before more is read. Items that are
//! wrong fail alone and are reported. A clear meanwhile stops the import: what came after it would bring back what was cleared.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use http::{Request, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use ringhold_model::{Generation, NamespaceId, config::Backend};

use super::{
    batches::{Tally, Write, execute_writes},
    core::{Core, wall_ms},
    respond,
};
use crate::{
    dispatch::Outcome,
    json::{Format, Piece, Splitter},
    rest::{
        self, ApiError, CallKind,
        item::{ImportPiece, refusal},
        query::OnConflict,
        render::{self, ImportCount, ImportFault},
        set::ItemFault,
    },
};

/// Items stored in one go.
const BATCH_ITEMS: usize = 500;
/// Bytes of JSON stored in one go; a batch may pass it by one item.
const BATCH_BYTES: usize = 1024 * 1024;
/// Times the usual patience: an import is often fed by a program that has its own work to do.
const PATIENCE_TIMES: u32 = 3;
/// Faults that are reported one by one; the others are counted.
const FAULTS_SHOWN: usize = 100;
/// Room for an answer.
const ANSWER_BYTES: usize = 1_024;

/// An import on its way.
struct Import<'c> {
    core: &'c Core,
    namespace: NamespaceId,
    generations: Vec<(Backend, Generation)>,
    if_absent: bool,
    now_ms: u64,
    held: Vec<Held>,
    held_bytes: usize,
    count: ImportCount,
    faults: Vec<ImportFault>,
    tally: Tally,
}

/// An item that waits for its batch.
struct Held {
    at: u64,
    name: Option<Vec<u8>>,
    /// `None`: it was too large to be held.
    text: Option<Vec<u8>>,
}

impl Held {
    fn piece(&self) -> Piece<'_> {
        match &self.text {
            Some(text) => Piece::Item { at: self.at, name: self.name.as_deref(), text },
            None => Piece::TooLarge { at: self.at },
        }
    }
}

/// Stores the items of the body.
pub(super) async fn import(core: &Arc<Core>, request: Request<Body>) -> Result<Response, ApiError> {
    let query = rest::query::import(request.uri().query())?;
    let format = rest::import_format(request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes))?;
    let namespace = core.namespace_for_write(request.headers(), core.deadline()).await?;
    let view = core.shared.view.load_full();
    let mut import = Import {
        core,
        namespace,
        generations: Backend::ALL
            .iter()
            .map(|backend| (*backend, view.state.generation(namespace, *backend)))
            .collect(),
        if_absent: query.on_conflict == OnConflict::Skip,
        now_ms: wall_ms(),
        held: Vec::new(),
        held_bytes: 0,
        count: ImportCount::default(),
        faults: Vec::new(),
        tally: Tally::new(core),
    };
    import.read(request.into_body(), format).await?;
    let coverage = import.tally.coverage();
    Ok(respond::json_covered(ANSWER_BYTES, &coverage, |out| {
        render::imported(out, &import.count, &import.faults, &coverage);
    }))
}

impl Import<'_> {
    async fn read(&mut self, mut body: Body, format: Format) -> Result<(), ApiError> {
        let mut splitter = Splitter::new(format, self.core.options().limits.item_bytes());
        // Only the client's share of the time counts, however long the nodes take.
        let (mut received, mut waited) = (0_u64, Duration::ZERO);
        loop {
            let asked = Instant::now();
            let patience = self.core.options().patience.for_body(received) * PATIENCE_TIMES;
            let frame = tokio::time::timeout(patience.saturating_sub(waited), body.frame())
                .await
                .map_err(|_| ApiError::RequestTimeout)?;
            waited += asked.elapsed();
            match frame {
                Some(Ok(frame)) => match frame.data_ref() {
                    Some(bytes) => {
                        received += bytes.len() as u64;
                        splitter.feed(bytes);
                    }
                    None => continue,
                },
                Some(Err(_)) => {
                    return Err(ApiError::Malformed("The body ended early or is not framed correctly".into()));
                }
                None => {
                    splitter.end();
                    self.take(&mut splitter).await?;
                    return self.flush().await;
                }
            }
            self.take(&mut splitter).await?;
        }
    }

    /// Takes the items that are complete.
    async fn take(&mut self, splitter: &mut Splitter) -> Result<(), ApiError> {
        while let Some(piece) = splitter.next().map_err(refusal)? {
            let held = match piece {
                Piece::Item { at, name, text } => {
                    Held { at, name: name.map(<[u8]>::to_vec), text: Some(text.to_vec()) }
                }
                Piece::TooLarge { at } => Held { at, name: None, text: None },
            };
            self.held_bytes += held.text.as_ref().map_or(0, Vec::len);
            self.held.push(held);
            if self.held.len() >= BATCH_ITEMS || self.held_bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Stores what is held.
    async fn flush(&mut self) -> Result<(), ApiError> {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let limits = &self.core.options().limits;
        let parsed: Vec<_> = held.iter().map(|held| rest::item::parse(&held.piece(), limits, self.now_ms)).collect();
        let writes = parsed.iter().map(|piece| match piece {
            Ok(ImportPiece::Item(item)) => Some(Write {
                backend: self.core.backend(item.set.backend),
                key: &item.set.key,
                record: item.record(self.if_absent),
            }),
            _ => None,
        });
        let outcomes = execute_writes(self.core, self.namespace, writes.collect(), self.core.deadline()).await;
        for ((held, piece), outcome) in held.iter().zip(&parsed).zip(outcomes) {
            match piece {
                Err(ItemFault { key, error }) => self.failed(held.at, key.as_deref(), error.clone()),
                Ok(ImportPiece::Tail) => {}
                Ok(ImportPiece::Item(item)) => self.settled(held.at, &item.set.key, outcome),
            }
        }
        self.check_generations()
    }

    fn settled(&mut self, at: u64, key: &str, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome::Stored { .. }) => self.count.imported += 1,
            Some(Outcome::Conflict(_)) => self.count.skipped += 1,
            outcome => {
                self.tally.missed(self.core, self.namespace, key, outcome.as_ref());
                self.failed(at, Some(key), self.core.unexpected(outcome, CallKind::Write));
            }
        }
    }

    fn failed(&mut self, at: u64, key: Option<&str>, error: ApiError) {
        self.count.failed += 1;
        if self.faults.len() < FAULTS_SHOWN {
            self.faults.push(ImportFault { at, key: key.map(str::to_owned), error });
        }
    }

    fn check_generations(&self) -> Result<(), ApiError> {
        let view = self.core.shared.view.load();
        let changed = |(backend, generation): &(Backend, Generation)| {
            view.state.generation(self.namespace, *backend) != *generation
        };
        if self.generations.iter().any(changed) {
            let count = self.count.imported;
            return Err(ApiError::Conflict(format!(
                "The cache was cleared during the import, which stopped after {count} items"
            )));
        }
        Ok(())
    }
}
