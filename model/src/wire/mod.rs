//! What Ringhold's processes say to each other: one method and one request and reply type per call.
//!
//! Bodies are postcard. Types that carry keys or values borrow from the frame they were read from, so that a value is
//! copied only into the socket buffer. A frame's outer shape (length, call id, method) belongs to `ringhold-rpc`.

mod analytics;
mod codec;
mod control;
mod fault;
mod lease;
mod method;
mod point;
mod progress;
pub mod raw;
mod scan;
mod stats;

pub use analytics::{
    Amount, AnalyticsReply, AnalyticsRequest, EvictionCauses, HotKey, HotKeys, KeyUse, Minute, Operation,
    OperationTimes, Prefixes, Recent, Survey, SurveyReply, SurveyRequest, TTL_BOUNDS_S, TTL_BUCKETS, Usage,
};
pub use codec::{WireError, decode, encode, encode_into};
pub use control::{
    AddressBook, AnnounceReply, AnnounceRequest, BarrierReply, BarrierRequest, ConsentReply, ConsentRequest, KnownNode,
    NodeStatus, ProposeReply, ProposeRequest, WatchReply, WatchRequest,
};
pub use fault::Fault;
pub use lease::{
    LeaderSilenceReply, LeaderSilenceRequest, LeaseRefusal, LeasesReply, NodeLease, RenewReply, RenewRequest,
};
pub use method::{Channel, Method, PROTOCOL_VERSION};
pub use point::{
    Action, CONDITIONS_MAX, Condition, Conflict, History, ItemRef, NewRecord, PointOp, PointReply, PointRequest,
    PointResult, Ttl,
};
pub use progress::{Fill, Filled, ProgressReply};
pub use scan::{
    CountReply, FirstKeysReply, FirstKeysRequest, PurgeReply, RangeRef, RemoveReply, RemoveRequest, ScanContent,
    ScanEntry, ScanReply, ScanRequest, Selection,
};
pub use stats::{BackendState, HistogramParts, NodeStats, SpaceStats, StatsReply, StatsRequest};
