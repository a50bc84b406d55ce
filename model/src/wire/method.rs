//! The calls, and the two kinds of connection that carry them.

/// Version of everything in [`crate::wire`]; peers with another one are refused in the handshake.
pub const PROTOCOL_VERSION: u16 = 4;

/// What a connection is for. Control runs on its own thread and connections, so that load never looks like death.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Channel {
    /// Raft, bootstrap, watching the state, proposals, barriers.
    Control = 1,
    /// Cache traffic.
    Data = 2,
}

impl Channel {
    /// The channel with this number.
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Control),
            2 => Some(Self::Data),
            _ => None,
        }
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $number:literal),+ $(,)?) => {
        /// One call of the internal protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Method { $($(#[$doc])* $name = $number),+ }

        impl Method {
            /// The method with this number.
            pub const fn from_u8(value: u8) -> Option<Self> {
                match value { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

methods! {
    /// openraft's append entries (control).
    RaftAppend = 1,
    /// openraft's vote (control).
    RaftVote = 2,
    /// openraft's snapshot chunk (control).
    RaftSnapshot = 3,
    /// Ask a seed to take part in forming a cluster (control).
    Consent = 4,
    /// A node tells who and where it is, and learns the same (control).
    Announce = 5,
    /// Propose a command, forwarded to the leader (control).
    Propose = 6,
    /// Wait for a newer state (control).
    Watch = 7,
    /// Wait until the node has applied an index (control).
    Barrier = 8,
    /// A node asks the leader for a lease (control).
    Renew = 9,
    /// A new leader asks how long ago an earlier one was last followed (control).
    LeaderSilence = 10,
    /// Who holds a lease, as the leader knows (control).
    Leases = 11,
    /// Reads and writes of single keys, one frame a node (data).
    Point = 32,
    /// A page of records in hash order (data).
    Scan = 33,
    /// The first keys in key order (data).
    FirstKeys = 34,
    /// How many records match (data).
    Count = 35,
    /// Remove the records that match (data).
    Remove = 36,
    /// Free the records of older generations and say how many there were (data).
    Purge = 37,
    /// Statistics (data).
    Stats = 38,
    /// From node to node: everything that a primary has to say to one member (data).
    Replicate = 39,
    /// What a node holds, and the copies it is filling (data).
    Progress = 40,
    /// How keys are used: what a node has counted (data).
    Analytics = 41,
    /// What records there are: types, prefixes, times to live (data).
    Survey = 42,
}
