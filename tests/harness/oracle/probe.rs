//! Reads of registers at one node itself, past all routers, judged like any other read.

use std::collections::BTreeSet;

use ringhold_model::{cluster::ClusterState, wire::Fault};
use ringhold_rpc::CallError;

use super::{book::number_in, load::Load, registers::Seen};
use crate::harness::direct::{Direct, Read};

/// What a node said to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It served the key; what it returned was judged.
    Served,
    /// It does not serve it.
    Refused(Fault),
    /// The connection broke or nothing came.
    Silent(CallError),
}

impl Load {
    /// Reads a register at a node, by the state that is given, however old. What it returns is held against what was
    /// acknowledged and read before this call.
    pub async fn probe(&self, node: &Direct, state: &ClusterState, key: u32, any_copy: bool) -> Probed {
        let name = self.shared.names.register(key);
        let ticket = self.shared.book().registers.begin_read(key);
        let seen = match node.read(state, &name, any_copy).await {
            Ok(Read::Hit(text)) => {
                let value: String = serde_json::from_str(&text).unwrap_or(text);
                number_in(&value, &name).map_or(Seen::Strange(value), Seen::Value)
            }
            Ok(Read::Miss) => Seen::Nothing,
            Ok(Read::Refused(fault)) => return Probed::Refused(fault),
            Err(error) => return Probed::Silent(error),
        };
        let mut book = self.shared.book();
        let checked = book.registers.end_read(&ticket, &seen);
        book.judge(|| format!("{name}, read at the node itself"), checked);
        Probed::Served
    }

    /// Registers that get many requests and lie in these ranges.
    pub fn hot_in(&self, ranges: &BTreeSet<usize>) -> Vec<u32> {
        let place = |key: &u32| self.shared.placement.range_of(&self.shared.names.register(*key));
        (0..self.shared.options.hot as u32).filter(|key| ranges.contains(&place(key))).collect()
    }
}
