//! Resident memory stays near what is reported.

use crate::{
    churn::{Churn, mib},
    harness::oracle::report::LONG,
};

const MIB: u64 = 1 << 20;
/// What a process needs besides what it reports: code, threads, buffers, and pages that are half empty.
const FIXED: u64 = 64 * MIB;

#[tokio::test]
async fn after_churn_at_the_limit_a_node_takes_little_more_than_it_reports() {
    let is_long = std::env::var_os(LONG).is_some();
    let (max_memory, times, runs) = if is_long { (1024 * MIB, 10, 5) } else { (128 * MIB, 3, 1) };
    let mut ratios = Vec::new();
    for run in 1..=runs {
        let mut churn = Churn::start(max_memory, "lru", |_| {}).await;
        churn.run(times).await;
        let (reported, resident) = (churn.reported().await, churn.resident());
        assert!(reported <= max_memory && reported > max_memory * 9 / 10, "at the limit: {reported} of {max_memory}");
        // What is beyond the fixed part, as hundredths of what is reported.
        let ratio = resident.saturating_sub(FIXED) * 100 / reported;
        println!(
            "run {run}: {} MiB reported, {} MiB resident: {}.{:02} without the fixed part",
            mib(reported),
            mib(resident),
            ratio / 100,
            ratio % 100
        );
        ratios.push(ratio);
    }
    ratios.sort_unstable();
    assert!(ratios[ratios.len() / 2] <= 115, "the median of {ratios:?} hundredths");
    assert!(ratios[ratios.len() - 1] <= 125, "the worst of {ratios:?} hundredths");
}
