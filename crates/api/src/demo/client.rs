//! The demo's hand on the HTTP API: nothing that any other client could not do.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{RequestBuilder, header};
use serde_json::Value;

use super::DemoError;

pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { http: reqwest::Client::new(), base: format!("http://{address}"), key: None }
    }

    pub(super) fn with_key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Buyers' calls and public ones go without the key, as they would.
    fn keyed(&self, path: &str, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) if !path.starts_with("/v1/claims") && !path.starts_with("/metadata") => {
                request.bearer_auth(key)
            }
            _ => request,
        }
    }

    async fn send(&self, call: String, request: RequestBuilder) -> Result<String, DemoError> {
        let failed = |problem: String| DemoError::Call { call: call.clone(), problem };
        let response = request.send().await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| failed(error.to_string()))?;
        if status.is_success() { Ok(body) } else { Err(failed(format!("{status}: {body}"))) }
    }

    async fn send_for_json(&self, call: String, request: RequestBuilder) -> Result<Value, DemoError> {
        let body = self.send(call.clone(), request).await?;
        serde_json::from_str(&body).map_err(|error| DemoError::Call { call, problem: error.to_string() })
    }

    /// POST; `Null` sends no body.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        once: Option<&str>,
    ) -> Result<Value, DemoError> {
        let mut request = self.keyed(path, self.http.post(format!("{}{path}", self.base)));
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = once {
            request = request.header("Idempotency-Key", key);
        }
        self.send_for_json(format!("POST {path}"), request).await
    }

    pub(super) async fn put_image(&self, path: &str, bytes: &[u8]) -> Result<Value, DemoError> {
        let request = self.keyed(path, self.http.put(format!("{}{path}", self.base)));
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(bytes.to_vec());
        self.send_for_json(format!("PUT {path}"), request).await
    }

    pub(super) async fn get_text(&self, path: &str) -> Result<String, DemoError> {
        let request = self.keyed(path, self.http.get(format!("{}{path}", self.base)));
        self.send(format!("GET {path}"), request).await
    }

    /// Asks again and again until the answer is as wanted.
    pub(super) async fn wait_for(
        &self,
        path: &str,
        patience: Duration,
        pause: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, DemoError> {
        let call = format!("GET {path}");
        for _ in 0..patience.as_millis() / pause.as_millis() {
            let request = self.keyed(path, self.http.get(format!("{}{path}", self.base)));
            let answer = self.send_for_json(call.clone(), request).await?;
            if wanted(&answer) {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
        }
        Err(DemoError::Call { call, problem: format!("not so within {} s", patience.as_secs()) })
    }

    pub(super) async fn wait_until_ready(
        &self,
        patience: Duration,
        pause: Duration,
    ) -> Result<(), DemoError> {
        let mut last = "no answer".to_owned();
        for _ in 0..patience.as_millis() / pause.as_millis() {
            match self.get_text("/readyz").await {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(pause).await;
        }
        Err(DemoError::Service(format!("not ready in time: {last}")))
    }
}
