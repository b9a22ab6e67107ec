//! The server under requests that no client of ours would send.

use support::{Databases, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app;

/// What comes back for these bytes, until the host closes the connection.
async fn answer(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.host().local_addr()).await.unwrap();
    // A host that has read enough may close before all of it is written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_exactly_one_host_is_refused() {
    let app = app(Databases::Sqlite).await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = answer(&app, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_large_or_has_too_many_fields_is_refused() {
    let app = app(Databases::Sqlite).await;
    let large = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(200_000));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-One: 1\r\n".repeat(120));
    for request in [large, many] {
        let answer = answer(&app, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_two_lengths_smuggles_no_second_one() {
    let app = app(Databases::Sqlite).await;
    let second = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for head in ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5"] {
        let request = format!("POST /webhook/github HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n0\r\n\r\n{second}");
        let answer = answer(&app, request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
    }
}
