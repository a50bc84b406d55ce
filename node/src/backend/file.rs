//! Rows in files under one folder: for a node alone, because nobody else can reach them.
//!
//! ```text
//! <root>/<2 digits>/<30 digits>     a row; the digits are a hash of namespace and key, never the key itself
//! <root>/damaged/<name>             what was found half written or changed
//!
//! | "RINGHOLD" | format 4 | checksum of the rest 8 | wall clock of the end 8, 0: none | namespace length 4 | key length 4
//! | namespace | key | body |        numbers big endian
//! ```
//!
//! A row is written beside its place, synced, and renamed; then the folder is synced. So it is there whole or not at all, and what
//! a crash or a bad disk makes of it is found out by the checksum, set aside, and never served.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use parking_lot::Mutex;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{
    driver::{Driver, Put, Reply, ScanPage},
    error::Error,
    row::{Row, RowKey, Stamp},
};

const MAGIC: &[u8; 8] = b"RINGHOLD";
const FORMAT: u32 = 1;
const HEAD_BYTES: usize = 36;
/// Folders that rows are divided into.
const FOLDERS: u32 = 256;
/// Writes to rows that share one of so many locks follow each other.
const LOCKS: usize = 64;
const DAMAGED: &str = "damaged";

/// See the module.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    locks: [Mutex<()>; LOCKS],
    /// Numbers the files on their way, and those set aside.
    next: AtomicU64,
    damaged: AtomicU64,
}

/// A row as it was read.
struct Found {
    namespace: String,
    key: String,
    expires_at_ms: u64,
    body: Bytes,
}

impl Files {
    /// Makes the folder when it is missing.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join(DAMAGED))?;
        let root = root.canonicalize()?;
        let (locks, next, damaged) = (std::array::from_fn(|_| Mutex::default()), AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self(Arc::new(Inner { root, locks, next, damaged })))
    }

    fn run<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Reply<'a, T> {
        let inner = self.0.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&inner)).await;
            done.unwrap_or_else(|_| Err(Error::Silent("its thread failed".into())))
        })
    }
}

impl Driver for Files {
    fn get<'a>(&'a self, keys: &'a [RowKey]) -> Reply<'a, Vec<Option<Bytes>>> {
        let keys = keys.to_vec();
        self.run(move |files| keys.iter().map(|key| files.get(key)).collect())
    }

    fn put<'a>(&'a self, rows: &'a [Row]) -> Reply<'a, Vec<Put>> {
        let rows = rows.to_vec();
        self.run(move |files| Ok(rows.iter().map(|row| files.put(row).unwrap_or_else(Put::Refused)).collect()))
    }

    fn delete<'a>(&'a self, rows: &'a [(RowKey, Stamp)]) -> Reply<'a, Vec<bool>> {
        let rows = rows.to_vec();
        self.run(move |files| rows.iter().map(|(key, stamp)| files.delete(key, *stamp)).collect())
    }

    fn scan<'a>(&'a self, namespace: &'a str, after: Option<&'a str>, _: usize) -> Reply<'a, ScanPage> {
        let (namespace, folder) = (namespace.to_owned(), after.and_then(|after| after.parse().ok()).unwrap_or(0));
        self.run(move |files| files.page(&namespace, folder))
    }

    fn clear<'a>(&'a self, namespace: &'a str) -> Reply<'a, u64> {
        let namespace = namespace.to_owned();
        self.run(move |files| files.clear(&namespace))
    }

    fn check(&self) -> Reply<'_, ()> {
        self.run(|files| {
            let path = files.beside("check");
            let written = File::create(&path).and_then(|mut file| file.write_all(MAGIC));
            // Also when only the name could be made.
            let removed = fs::remove_file(&path);
            written.and(removed).map_err(|error| Error::Down(error.to_string()))
        })
    }

    fn damaged(&self) -> u64 {
        self.0.damaged.load(Relaxed)
    }
}

impl Inner {
    fn get(&self, key: &RowKey) -> Result<Option<Bytes>, Error> {
        let found = self.read(&self.path(key))?;
        let is_there = |found: &Found| {
            *found.namespace == *key.namespace
                && *found.key == *key.key
                && (found.expires_at_ms == 0 || found.expires_at_ms > wall_ms())
        };
        Ok(found.filter(is_there).map(|found| found.body))
    }

    fn put(&self, row: &Row) -> Result<Put, Error> {
        let path = self.path(&row.key);
        let _order = self.lock(&path).lock();
        if let Some(there) = self.read(&path)?.and_then(|found| Stamp::of(&found.body))
            && row.stamp.is_older_than(there)
        {
            return Ok(Put::Outdated);
        }
        self.write(&path, &encode(row)).map_err(refused)?;
        Ok(Put::Stored)
    }

    fn delete(&self, key: &RowKey, stamp: Stamp) -> Result<bool, Error> {
        let path = self.path(key);
        let _order = self.lock(&path).lock();
        match self.read(&path)?.and_then(|found| Stamp::of(&found.body)) {
            Some(there) if !stamp.is_older_than(there) => remove(&path),
            _ => Ok(false),
        }
    }

    /// The rows of one folder; rows whose time is over are removed on the way.
    fn page(&self, namespace: &str, folder: u32) -> Result<ScanPage, Error> {
        let mut page = ScanPage { rows: Vec::new(), next: (folder + 1 < FOLDERS).then(|| (folder + 1).to_string()) };
        for path in self.files(folder)? {
            let _order = self.lock(&path).lock();
            let Some(found) = self.read(&path)? else { continue };
            if found.expires_at_ms != 0 && found.expires_at_ms <= wall_ms() {
                remove(&path)?;
            } else if let Some(stamp) = Stamp::of(&found.body).filter(|_| *found.namespace == *namespace) {
                page.rows.push((found.key.into(), stamp));
            }
        }
        Ok(page)
    }

    fn clear(&self, namespace: &str) -> Result<u64, Error> {
        let mut removed = 0;
        for folder in 0..FOLDERS {
            for path in self.files(folder)? {
                let _order = self.lock(&path).lock();
                if self.read(&path)?.is_some_and(|found| *found.namespace == *namespace) {
                    removed += u64::from(remove(&path)?);
                }
            }
        }
        Ok(removed)
    }

    fn files(&self, folder: u32) -> Result<Vec<PathBuf>, Error> {
        match fs::read_dir(self.root.join(format!("{folder:02x}"))) {
            Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(refused)).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(refused(error)),
        }
    }

    fn path(&self, key: &RowKey) -> PathBuf {
        let digits = format!("{:032x}", xxh3_128(format!("{}\0{}", key.namespace, key.key).as_bytes()));
        self.root.join(&digits[..2]).join(&digits[2..])
    }

    fn lock(&self, path: &Path) -> &Mutex<()> {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        &self.locks[xxh3_64(name) as usize % LOCKS]
    }

    /// A place for a file that is not a row.
    fn beside(&self, what: &str) -> PathBuf {
        let number = self.next.fetch_add(1, Relaxed);
        self.root.join(DAMAGED).join(format!("{what}-{}-{number}", std::process::id()))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let temporary = self.beside("new");
        let mut file = File::create(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // The row is refused; what is left of it is only in the way.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        File::open(folder)?.sync_all()
    }

    /// The row of a file; a damaged one is set aside and counts as none.
    fn read(&self, path: &Path) -> Result<Option<Found>, Error> {
        let mut bytes = Vec::new();
        match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(error)),
        }
        if let Some(found) = decode(bytes) {
            return Ok(Some(found));
        }
        self.damaged.fetch_add(1, Relaxed);
        let aside = self.beside(&path.file_name().unwrap_or_default().to_string_lossy());
        tracing::error!(file = %path.display(), aside = %aside.display(), "a damaged row was set aside");
        match fs::rename(path, aside) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
}

fn encode(row: &Row) -> Vec<u8> {
    let RowKey { namespace, key } = &row.key;
    let expires_at_ms = row.ttl_ms.map_or(0, |ttl| wall_ms().saturating_add(ttl).max(1));
    let mut rest = Vec::with_capacity(HEAD_BYTES + namespace.len() + key.len() + row.body.len());
    rest.extend_from_slice(&expires_at_ms.to_be_bytes());
    rest.extend_from_slice(&(namespace.len() as u32).to_be_bytes());
    rest.extend_from_slice(&(key.len() as u32).to_be_bytes());
    rest.extend_from_slice(namespace.as_bytes());
    rest.extend_from_slice(key.as_bytes());
    rest.extend_from_slice(&row.body);
    [&MAGIC[..], &FORMAT.to_be_bytes(), &xxh3_64(&rest).to_be_bytes(), &rest].concat()
}

/// `None`: the bytes are not what was written.
fn decode(bytes: Vec<u8>) -> Option<Found> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&FORMAT.to_be_bytes())?;
    let (checksum, rest) = rest.split_first_chunk::<8>()?;
    if xxh3_64(rest) != u64::from_be_bytes(*checksum) {
        return None;
    }
    let (expires, rest) = rest.split_first_chunk::<8>()?;
    let (namespace_bytes, rest) = rest.split_first_chunk::<4>()?;
    let (key_bytes, rest) = rest.split_first_chunk::<4>()?;
    let (namespace, rest) = rest.split_at_checked(u32::from_be_bytes(*namespace_bytes) as usize)?;
    let (key, body) = rest.split_at_checked(u32::from_be_bytes(*key_bytes) as usize)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (expires_at_ms, namespace, key) = (u64::from_be_bytes(*expires), text(namespace)?, text(key)?);
    let from = bytes.len() - body.len();
    Some(Found { namespace, key, expires_at_ms, body: Bytes::from(bytes).slice(from..) })
}

fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: io::Error) -> Error {
    Error::Refused(error.to_string())
}

fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
