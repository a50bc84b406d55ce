//! How much of the cluster contributed to an answer.

/// Nodes and ranges that contributed, of those that should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Nodes that answered.
    pub nodes: u32,
    /// Nodes that hold what was asked for.
    pub nodes_total: u32,
    /// Ranges whose answer is in.
    pub ranges: u32,
    /// Ranges that were asked for.
    pub ranges_total: u32,
}

impl Coverage {
    /// True when nothing is missing.
    pub const fn is_complete(&self) -> bool {
        self.nodes >= self.nodes_total && self.ranges >= self.ranges_total
    }

    /// The value of the header `X-Cache-Coverage`: `2/3`, in nodes.
    pub fn header(&self) -> String {
        format!("{}/{}", self.nodes, self.nodes_total)
    }

    /// Appends `,"coverage":{...},"complete":bool`: members for an object that has some already.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        let mut number = itoa::Buffer::new();
        for (label, value) in [
            (",\"coverage\":{\"nodes\":", self.nodes),
            (",\"nodes_total\":", self.nodes_total),
            (",\"ranges\":", self.ranges),
            (",\"ranges_total\":", self.ranges_total),
        ] {
            out.extend_from_slice(label.as_bytes());
            out.extend_from_slice(number.format(value).as_bytes());
        }
        out.extend_from_slice(if self.is_complete() { b"},\"complete\":true" } else { b"},\"complete\":false" });
    }
}
