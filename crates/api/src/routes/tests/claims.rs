use std::io::Write;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::fmt::MakeWriter;

use crate::test_api::TestApi;
use crate::{routes, server};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything runs on this thread, and so logs here.
#[tokio::test]
async fn a_code_in_the_query_string_stands_in_no_log() -> anyhow::Result<()> {
    const CODE: &str = "7ZQ4M-0XKJ2-9VTBC-E5H8N-W3RGAD";
    let log = Log::default();
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(log.clone());
    let logging = tracing::subscriber::set_default(lines.finish());
    let api = TestApi::start().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = routes::router(Arc::clone(&api.state));
    let serving = tokio::spawn(server::serve(listener, router, 8, std::future::pending()));
    let body = format!("{{\"code\":\"{CODE}\"}}");
    let requests = ["/v1/claims/lookup", "/v1/claims/redeem", "/claim", "/nowhere"]
        .map(|path| format!("{path}?code={CODE}"))
        .into_iter()
        .chain(["/v1/claims/lookup".to_owned(), format!("/claim/{CODE}")]);
    let mut answers = Vec::new();
    for target in requests {
        let mut stream = TcpStream::connect(address).await?;
        let length = body.len();
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert!(!answer.contains(CODE), "{answer}");
        answers.push(answer.split(' ').nth(1).unwrap_or_default().to_owned());
    }
    serving.abort();
    drop(logging);
    assert_eq!(answers[..2], ["400", "400"]);
    let log = String::from_utf8(log.0.lock().unwrap().clone())?;
    assert!(log.contains("/v1/claims/lookup"), "{log}");
    assert!(!log.contains(CODE), "{log}");
    Ok(())
}
