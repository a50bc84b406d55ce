//! A load in a thread of its own: requests at a fixed rate, whatever becomes of them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    book::{Book, Names},
    options::{Options, Placement},
    report::Report,
    worker::{Op, Pool, perform},
};
use crate::harness::wait;

/// Pause between two looks at what is due.
const TICK: Duration = Duration::from_millis(2);
/// A pause that is longer by so much shows that the machine has other things to do.
const LATE: Duration = Duration::from_millis(50);
/// Attempts on the key of one claim.
const CONTENDERS: u32 = 3;
/// Reads of claims look at so many of the last ones.
const RECENT_CLAIMS: u32 = 100;

/// Clients that drive a cluster through its routers, and what they saw.
#[derive(Debug)]
pub struct Load {
    pub(super) shared: Arc<Shared>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

/// What the clients share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) routers: Vec<SocketAddr>,
    pub(super) options: Options,
    pub(super) placement: Placement,
    pub(super) names: Names,
    book: Mutex<Book>,
    /// How many requests were due so far, those that were held back included. Written by the load's thread; others wait
    /// for it to grow.
    due: AtomicU64,
}

impl Shared {
    /// Never held across a wait.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Load {
    /// A load that does not run yet. Every router gets its share of the requests.
    pub fn new(routers: &[SocketAddr], placement: Placement, options: Options) -> Self {
        let (book, names) = (Mutex::new(Book::new(&options, placement)), Names(options.prefix));
        let (routers, due) = (routers.to_vec(), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { routers, options, placement, names, book, due }), running: None }
    }

    /// Begins, or goes on after [`Load::stop`].
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let (shared, stop) = (Arc::clone(&self.shared), CancellationToken::new());
        shared.book().figures.start();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(shared, &stopped));
        });
        self.running = Some(Running { stop, thread });
    }

    /// Waits until so many more requests were due.
    pub async fn requests(&self, count: u64) {
        let target = self.shared.due.load(Ordering::Relaxed) + count;
        wait::until("the load to go on", async || (self.shared.due.load(Ordering::Relaxed) >= target).then_some(()))
            .await;
    }

    /// Waits for as many requests as are due in `time`.
    pub async fn requests_of(&self, time: Duration) {
        self.requests((f64::from(self.shared.options.rate) * time.as_secs_f64()) as u64).await;
    }

    /// Sends nothing more and waits for what is under way.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        running.stop.cancel();
        wait::until("the last requests to end", async || running.thread.is_finished().then_some(())).await;
        running.thread.join().expect("the load does not panic");
        self.shared.book().figures.stop();
    }

    /// What was seen so far.
    pub fn report(&self) -> Report {
        Report::of(&self.shared.book())
    }

    /// Begins to measure gaps anew.
    pub fn restart_gaps(&self) {
        self.shared.book().figures.restart_gaps();
    }

    /// Notes that all copies of everything were lost. The load must not run.
    pub fn reset(&self) {
        assert!(self.running.is_none(), "the load runs");
        let mut book = self.shared.book();
        book.registers.reset();
        book.counters.reset();
        book.claims.reset();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            // A panic was shown already.
            let _ = running.thread.join();
        }
    }
}

async fn run(shared: Arc<Shared>, stop: &CancellationToken) {
    let options = &shared.options;
    let pools: Vec<_> = shared.routers.iter().map(|address| Arc::new(Pool::new(*address, options.patience))).collect();
    let mut chooser = Chooser::new(options, shared.due.load(Ordering::Relaxed));
    let (mut tasks, mut issued, begin) = (JoinSet::new(), 0_u64, Instant::now());
    while !stop.is_cancelled() {
        let due = (begin.elapsed().as_secs_f64() * f64::from(options.rate)) as u64;
        while issued < due {
            issued += 1;
            shared.due.fetch_add(1, Ordering::Relaxed);
            if tasks.len() >= options.outstanding_max {
                shared.book().figures.held_back += 1;
                continue;
            }
            let op = chooser.next(&mut shared.book());
            let (shared, pool) = (Arc::clone(&shared), Arc::clone(&pools[chooser.below(pools.len() as u32) as usize]));
            tasks.spawn(async move {
                perform(&shared, &pool, op).await;
            });
        }
        while let Some(ended) = tasks.try_join_next() {
            ended.expect("a client does not panic");
        }
        let slept = Instant::now();
        tokio::time::sleep(TICK).await;
        let late = slept.elapsed().saturating_sub(TICK);
        if late > LATE {
            shared.book().figures.starved += late;
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a client does not panic");
    }
}

/// Chooses what is asked for next.
struct Chooser<'o> {
    options: &'o Options,
    random: StdRng,
    /// Attempts on claims so far.
    attempts: u32,
}

impl<'o> Chooser<'o> {
    /// `before`: how many requests there were already. Claims among them are not tried again.
    fn new(options: &'o Options, before: u64) -> Self {
        let attempts = (before as u32).next_multiple_of(CONTENDERS);
        Self { options, random: StdRng::seed_from_u64(options.seed ^ before), attempts }
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.random.random_range(0..bound)
    }

    fn next(&mut self, book: &mut Book) -> Op {
        let (mix, counters) = (self.options.mix, self.options.counters as u32);
        let chosen = self.below(100);
        if chosen < mix.reads {
            return self.read();
        }
        if chosen < mix.reads + mix.counts && counters > 0 {
            let counter = self.below(counters) as usize;
            return if self.random.random() { Op::Count(counter) } else { Op::ReadCount(counter) };
        }
        if chosen < mix.reads + mix.counts + mix.claims {
            return self.claim();
        }
        let key = self.register();
        // A key whose write is still under way is read instead.
        book.registers.begin_write(key).map_or(Op::Read { key, is_strict: false }, Op::Write)
    }

    fn read(&mut self) -> Op {
        Op::Read { key: self.register(), is_strict: self.below(3) == 0 }
    }

    fn register(&mut self) -> u32 {
        let (all, hot) = (self.options.registers as u32, self.options.hot as u32);
        if self.random.random() { self.below(hot.clamp(1, all)) } else { self.below(all) }
    }

    fn claim(&mut self) -> Op {
        let current = self.attempts / CONTENDERS;
        if self.random.random() {
            self.attempts += 1;
            return Op::Claim(current);
        }
        Op::ReadClaim(current - self.below(RECENT_CLAIMS.min(current + 1)))
    }
}
