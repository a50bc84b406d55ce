//! Looking at the cluster again and again.

use std::time::Duration;

use reqwest::Method;

use super::status;
use crate::{
    client::{Answer, Client},
    failure::Failure,
};

/// Failures in a row that are borne: the router may be restarting, or the cluster electing a leader.
const FAILURES_MAX: u32 = 5;

/// Asks for the state of the cluster again and again.
pub(super) struct Poll<'c> {
    client: &'c Client,
    every: Duration,
    is_first: bool,
}

impl<'c> Poll<'c> {
    /// Looks at once, and then after each `every`.
    pub(super) fn new(client: &'c Client, every: Duration) -> Self {
        Self { client, every, is_first: true }
    }

    /// The next look. Fails when several in a row do.
    pub(super) async fn next(&mut self) -> Result<Answer, Failure> {
        let mut failures = 0;
        loop {
            if !std::mem::take(&mut self.is_first) {
                tokio::time::sleep(self.every).await;
            }
            match self.client.call(Method::GET, &status::path()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failures + 1 >= FAILURES_MAX => return Err(failure),
                Err(_) => failures += 1,
            }
        }
    }
}
