//! A node in a memory cgroup.

use crate::{
    cgroup::Cgroup,
    churn::{Churn, mib},
    harness::oracle::report::LONG,
};

const MIB: u64 = 1 << 20;

#[tokio::test]
#[ignore = "makes a memory cgroup, which only root may"]
async fn a_node_whose_limit_is_seven_tenths_of_its_cgroup_is_never_killed() {
    // Three tenths have to hold what does not grow with the limit, about 80 MiB: in 256 MiB they do not.
    let (limit, times) = if std::env::var_os(LONG).is_some() { (1024 * MIB, 5) } else { (512 * MIB, 1) };
    let cgroup = Cgroup::make("ringhold-memory", limit).expect("a memory cgroup can be made");
    let mut churn = Churn::start(limit * 7 / 10, "lru", |node| cgroup.take_in(node)).await;
    churn.run(times).await;
    println!("limit {} MiB, peak {} MiB, {} MiB reported", mib(limit), mib(cgroup.peak()), mib(churn.reported().await));
    assert_eq!(cgroup.kills(), 0, "killed for want of memory");
    assert!(churn.resident() > 0, "the node runs still");
    drop(churn);
}
