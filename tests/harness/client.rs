//! A REST client with readable verbs.

use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

/// Talks to one router.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    http: Client,
    namespace: Option<String>,
    key: Option<String>,
}

/// Without authorities: it speaks plain HTTP.
fn http_client() -> Client {
    // The second call of a process finds it done.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([]).build().expect("a client")
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The body of a call that must have succeeded.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The text of a member of the body, as it was sent: `["cache_item", "value"]`.
    #[track_caller]
    pub fn raw(&self, path: &[&str]) -> String {
        let mut text = self.text.as_str();
        for name in path {
            let members: std::collections::BTreeMap<String, &serde_json::value::RawValue> =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("no object ({error}): {text}"));
            text = members.get(*name).unwrap_or_else(|| panic!("no `{name}` in {text}")).get();
        }
        text.to_owned()
    }

    /// The body of a call that must have been refused with `status`; its `code` must be `code`.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{}", self.text);
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{}", self.text);
        body
    }

    /// The faults of a call that was answered 422, each as `type loc.loc`.
    #[track_caller]
    pub fn faults(&self) -> Vec<String> {
        let body = self.refused(422, "validation_error");
        faults_in(&body["detail"])
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The faults of a `detail`, each as `type loc.loc`.
#[track_caller]
pub fn faults_in(detail: &Value) -> Vec<String> {
    let fault = |fault: &Value| {
        assert!(fault["msg"].is_string() && fault.get("input").is_some(), "{fault}");
        let loc: Vec<String> = fault["loc"].as_array().expect("a path").iter().map(step).collect();
        format!("{} {}", fault["type"].as_str().expect("a type"), loc.join("."))
    };
    detail.as_array().unwrap_or_else(|| panic!("no list of faults: {detail}")).iter().map(fault).collect()
}

fn step(step: &Value) -> String {
    step.as_str().map_or_else(|| step.to_string(), str::to_owned)
}

impl Api {
    /// The router at `base`, such as `http://127.0.0.1:8000`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), http: http_client(), namespace: None, key: None }
    }

    /// The same through a client of the test's own.
    pub fn through(base: impl Into<String>, http: Client) -> Self {
        Self { base: base.into(), http, namespace: None, key: None }
    }

    /// The same router, in another namespace.
    pub fn in_namespace(&self, name: &str) -> Self {
        Self { namespace: Some(name.into()), ..self.clone() }
    }

    /// The same router, with an API key.
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self.clone() }
    }

    /// A request to be refined.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("X-API-Key", key);
        }
        match &self.namespace {
            Some(name) => request.header("X-Cache-Namespace", name),
            None => request,
        }
    }

    /// Sends a refined request; fails the test when the router cannot be reached.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("the router answers")
    }

    /// Sends a refined request.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Posts a body as it is, declared as JSON.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path).header("Content-Type", "application/json");
        self.send(request.body(body)).await
    }

    /// Stores a value; must succeed.
    pub async fn set(&self, key: &str, value: Value) -> Value {
        self.post("/api/cache/set", &json!({"key": key, "value": value})).await.ok()
    }

    /// The value of a key, `None` on a miss; must be answered.
    pub async fn value(&self, key: &str) -> Option<Value> {
        let answer = self.get(&format!("/api/cache/get/{key}")).await.ok();
        (answer["found"] == true).then(|| answer["cache_item"]["value"].clone())
    }
}
