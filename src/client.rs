//! The REST API as the commands call it.

mod answer;
mod explain;
mod tls;

use std::{pin::pin, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use ringhold_router::Secret;

pub(crate) use self::answer::{Answer, gap};
use crate::{cli::Global, failure::Failure};

/// A router's API.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    namespace: Option<String>,
    /// Marked as sensitive, so that it is shown nowhere.
    api_key: Option<HeaderValue>,
    timeout: Duration,
}

/// Letters of a path segment or query value that need no escape.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// A client as the global options say. Opens no connection yet.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let timeout = Duration::from_secs(global.timeout);
        let http = tls::http_client(global)?;
        // An empty variable is as good as none.
        let api_key = global.api_key.as_ref().filter(|key| !key.0.is_empty()).map(header).transpose()?;
        Ok(Self { http, base: global.url.clone(), namespace: global.namespace.clone(), api_key, timeout })
    }

    /// Calls the API and reads the whole answer; an answer that is no success is a failure.
    pub(crate) async fn call(&self, method: Method, path: &Path) -> Result<Answer, Failure> {
        self.answer(self.request(method, path).timeout(self.timeout)).await
    }

    /// The same with a JSON body.
    pub(crate) async fn call_with(&self, method: Method, path: &Path, body: String) -> Result<Answer, Failure> {
        let request = self.request(method, path).header(CONTENT_TYPE, "application/json").body(body);
        self.answer(request.timeout(self.timeout)).await
    }

    /// Sends a request and gives the answer's body as it streams in; an answer that is no success is a failure.
    pub(crate) async fn open(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| explain::transport(&error, &self.base))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Err(explain::refusal(status, &body))
    }

    /// Waits for a long `call` as long as `progress` changes within each timeout. (reqwest's own read timeout would also
    /// count the time of sending, and so end a long upload.)
    pub(crate) async fn patiently<T>(
        &self,
        progress: impl Fn() -> u64,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut call = pin!(call);
        loop {
            let before = progress();
            match tokio::time::timeout(self.timeout, &mut call).await {
                Ok(ended) => return ended,
                Err(_) if progress() != before => {}
                Err(_) => return Err(explain::silence(&self.base)),
            }
        }
    }

    /// The next piece of a streaming answer; `None` at its end.
    pub(crate) async fn next_piece(
        &self,
        response: &mut Response,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        self.patiently(|| 0, async { response.chunk().await.map_err(|error| self.explain(&error)) }).await
    }

    /// A request to be filled and opened.
    pub(crate) fn request(&self, method: Method, path: &Path) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{}", self.base, path.0));
        if let Some(key) = &self.api_key {
            request = request.header("X-API-Key", key);
        }
        match &self.namespace {
            Some(namespace) => request.header("X-Cache-Namespace", namespace),
            None => request,
        }
    }

    /// What became of the connection, for people.
    pub(crate) fn explain(&self, error: &reqwest::Error) -> Failure {
        explain::transport(error, &self.base)
    }

    /// Sends a request and reads the whole answer, however long it takes.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let response = self.open(request).await?;
        let text = response.text().await.map_err(|error| self.explain(&error))?;
        Answer::new(text)
    }
}

fn header(key: &Secret) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(&key.0)
        .map_err(|_| Failure::usage("the API key (--api-key, CACHE_API_KEY) holds characters that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Path and query of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// A fixed path.
    pub(crate) fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// With a segment that may hold anything.
    pub(crate) fn segment(mut self, segment: &str) -> Self {
        self.0.push('/');
        self.0.extend(utf8_percent_encode(segment, PLAIN));
        self
    }

    /// With a query value, if there is one.
    pub(crate) fn query<V: ToString>(mut self, name: &str, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(&value.to_string(), PLAIN));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_query_values_are_escaped() {
        let path = Path::new("/get")
            .segment("a/b %ü?#")
            .query("backend", Some("m&m"))
            .query("x", None::<&str>)
            .query("y", Some(1));
        assert_eq!(path.0, "/get/a%2Fb%20%25%C3%BC%3F%23?backend=m%26m&y=1");
    }
}
