//! The wire to one node: JSON-RPC over HTTP, bounded in time and in memory whatever the other side does.

use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{Id, RequestPacket, Response, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};

/// How long one question may take, to the last byte of its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read. The receipt of our largest group is below 1 MiB.
const LARGEST_ANSWER: usize = 8 << 20;
/// What is read of an answer with an HTTP status of failure.
const LARGEST_COMPLAINT: usize = 64 << 10;

/// A node's address and the client that speaks to it. It has no `Debug`: the address may hold a key.
#[derive(Clone)]
pub(super) struct Wire {
    client: reqwest::Client,
    url: url::Url,
}

impl Wire {
    pub(super) fn new(url: url::Url) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 4)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, url })
    }

    async fn exchange(self, question: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let asked = question.as_single().map(|request| request.id().clone());
        let body = serde_json::to_vec(&question).map_err(TransportError::ser_err)?;
        let request = self.client.post(self.url).header("content-type", "application/json").body(body);
        let reply = request.send().await.map_err(unreachable_node)?;
        let status = reply.status();
        if !status.is_success() {
            // Some nodes give their JSON-RPC errors a status of failure; what else stands there is a page.
            let body = read(reply, LARGEST_COMPLAINT).await.unwrap_or_default();
            return match serde_json::from_slice(&body) {
                Ok(ResponsePacket::Single(answer)) if answer.is_error() => fitting(answer, asked),
                _ => Err(TransportErrorKind::http_error(status.as_u16(), String::new())),
            };
        }
        let body = read(reply, LARGEST_ANSWER).await?;
        match serde_json::from_slice(&body) {
            Ok(ResponsePacket::Single(answer)) => fitting(answer, asked),
            Ok(ResponsePacket::Batch(_)) => Err(odd("many answers to one question")),
            Err(error) => Err(TransportError::deser_err(error, String::new())),
        }
    }
}

/// The answer, if it is one to this question. A proxy that refuses may not have read the question's id.
fn fitting(answer: Response, asked: Option<Id>) -> Result<ResponsePacket, TransportError> {
    let fits = asked.is_none_or(|asked| answer.id == asked) || (answer.is_error() && answer.id == Id::None);
    if fits { Ok(ResponsePacket::Single(answer)) } else { Err(odd("the answer to another question")) }
}

async fn read(mut reply: reqwest::Response, largest: usize) -> Result<Vec<u8>, TransportError> {
    let too_large = || odd("an answer larger than any that we ask for");
    let announced = reply.content_length().map(usize::try_from);
    if announced.is_some_and(|length| length.is_ok_and(|length| length > largest)) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(piece) = reply.chunk().await.map_err(unreachable_node)? {
        if body.len() + piece.len() > largest {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn odd(problem: &str) -> TransportError {
    TransportErrorKind::custom_str(problem)
}

/// Why there is no answer, without the node's address.
fn unreachable_node(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let mut reason = if error.is_timeout() { "no answer in time".to_owned() } else { error.to_string() };
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    odd(&reason)
}

impl tower::Service<RequestPacket> for Wire {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, question: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(question))
    }
}
