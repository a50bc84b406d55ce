//! Why a call failed, and what that says about its execution.

use ringhold_model::wire::{Fault, WireError};
use thiserror::Error;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The request never left: no connection, refused in the handshake, or the deadline passed in the queue.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The request never left: too many calls wait for this peer already.
    #[error("too many calls wait for this peer")]
    Overloaded,
    /// The connection broke after the request may have been sent.
    #[error("the connection was lost; it is unknown whether the call was executed")]
    Lost,
    /// No answer within the deadline.
    #[error("no answer within the deadline; it is unknown whether the call was executed")]
    TimedOut,
    /// The peer answered that it did not do it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The answer (or, before it is sent, the request) cannot be read or written.
    #[error(transparent)]
    Malformed(#[from] WireError),
}

impl CallError {
    /// True when the call was surely not executed, so that sending it again cannot do it twice.
    pub const fn is_surely_not_executed(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Overloaded => true,
            Self::Fault(fault) => !matches!(fault, Fault::Unknown | Fault::DeadlinePassed | Fault::NoLeader),
            Self::Lost | Self::TimedOut | Self::Malformed(_) => false,
        }
    }

    /// True when the same call may succeed on another attempt *and* was surely not executed by this one.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Overloaded => true,
            Self::Fault(fault) => fault.is_retryable(),
            Self::Lost | Self::TimedOut | Self::Malformed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_retried_was_surely_not_executed() {
        let errors = [
            CallError::Unreachable("x".into()),
            CallError::Overloaded,
            CallError::Lost,
            CallError::TimedOut,
            CallError::Fault(Fault::Busy),
            CallError::Fault(Fault::Unknown),
            CallError::Fault(Fault::DeadlinePassed),
            CallError::Fault(Fault::ShuttingDown),
        ];
        for error in errors {
            assert!(!error.is_retryable() || error.is_surely_not_executed(), "{error}");
        }
        assert!(!CallError::Lost.is_surely_not_executed());
        assert!(!CallError::Fault(Fault::DeadlinePassed).is_surely_not_executed());
    }
}
