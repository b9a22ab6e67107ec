//! The command line's client.

use hookyard_egress::api_client::{ApiClient, ApiError};
use serde_json::{Value, json};

use crate::support::{Receiver, Trap};

async fn answering(status: u16, head: &'static str, body: &'static str) -> Receiver {
    Receiver::start(move |mut peer| async move {
        while peer.request().await.is_some() {
            let length = body.len();
            peer.say(&format!("HTTP/1.1 {status} Some\r\n{head}content-length: {length}\r\n\r\n{body}")).await;
        }
    })
    .await
}

fn client(receiver: &Receiver) -> ApiClient {
    ApiClient::new(&format!("http://{}", receiver.address), "hy_key", &[]).expect("a client")
}

/// Answers with the request, as JSON.
async fn echo() -> Receiver {
    Receiver::start(|mut peer| async move {
        while let Some(request) = peer.request().await {
            let body = json!({ "request": request }).to_string();
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        }
    })
    .await
}

fn request(answer: &Value) -> &str {
    answer["request"].as_str().expect("the request")
}

#[tokio::test]
async fn a_call_carries_the_key_and_the_tenant() {
    let receiver = echo().await;
    let base = format!("http://{}/below/", receiver.address);
    let client = ApiClient::for_tenant(&base, "hy_key", "ten_1", &[]).expect("a client");
    let answer = client.get("/api/v1/events", &[("type", "deal.*"), ("text", "a b&c")]).await.expect("an answer");
    let text = request(&answer);
    assert!(text.starts_with("GET /below/api/v1/events?type=deal.*&text=a+b%26c HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("authorization: Bearer hy_key\r\n"), "{text}");
    assert!(text.contains("x-hookyard-tenant: ten_1\r\n"), "{text}");
}

#[tokio::test]
async fn bodies_are_json_or_bytes() {
    let receiver = echo().await;
    let client = client(&receiver);
    for (method, answer) in [
        ("POST", client.post("/x", &json!({"a": 1})).await),
        ("PUT", client.put("/x", &json!({"a": 1})).await),
        ("PATCH", client.patch("/x", &json!({"a": 1})).await),
    ] {
        let answer = answer.expect("an answer");
        assert!(request(&answer).starts_with(&format!("{method} /x HTTP/1.1\r\n")), "{answer}");
        assert!(request(&answer).contains("content-type: application/json\r\n"), "{answer}");
        assert!(request(&answer).ends_with("{\"a\":1}"), "{answer}");
    }
    let answer = client.post_bytes("/x", &[("n", "1")], "application/wasm", "bytes".into()).await.expect("an answer");
    assert!(request(&answer).contains("content-type: application/wasm\r\n"), "{answer}");
    assert!(request(&answer).ends_with("\r\n\r\nbytes"), "{answer}");
    assert!(request(&client.delete("/x").await.expect("an answer")).starts_with("DELETE /x"));
}

#[tokio::test]
async fn an_empty_answer_is_null() {
    let receiver = answering(204, "", "").await;
    assert_eq!(client(&receiver).delete("/x").await.expect("an answer"), Value::Null);
}

#[tokio::test]
async fn a_problem_document_is_handed_on() {
    let receiver = answering(422, "", r#"{"type":"x","title":"t","detail":"write it so"}"#).await;
    let error = client(&receiver).get("/x", &[]).await.expect_err("a problem");
    assert_eq!(error.to_string(), "Hookyard answered 422: write it so");
    assert!(matches!(error, ApiError::Problem { status: 422, problem } if problem["type"] == "x"));
}

#[tokio::test]
async fn what_is_not_json_is_told_apart() {
    for status in [200, 502] {
        let receiver = answering(status, "", "<html>").await;
        let error = client(&receiver).get("/x", &[]).await.expect_err("no JSON");
        assert!(matches!(error, ApiError::NotJson { status: seen, .. } if seen == status), "{error:?}");
    }
}

#[tokio::test]
async fn the_key_follows_no_redirect() {
    let trap = Trap::set();
    let port = trap.port();
    let receiver = Receiver::start(move |mut peer| async move {
        peer.request().await;
        let location = format!("location: http://127.0.0.1:{port}/\r\n");
        peer.say(&format!("HTTP/1.1 307 Moved\r\n{location}content-length: 0\r\n\r\n")).await;
    })
    .await;
    let error = client(&receiver).get("/x", &[]).await.expect_err("a redirect is no answer");
    assert!(matches!(error, ApiError::NotJson { status: 307, .. }), "{error:?}");
    trap.assert_untouched("the target of the redirect");
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_the_error_keeps_the_query_to_itself() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let client = ApiClient::new(&format!("http://{closed}"), "hy_key", &[]).expect("a client");
    let error = client.get("/leads", &[("text", "ada@example.org")]).await.expect_err("nobody");
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
    assert!(!format!("{error:?}").contains("ada"), "{error:?}");
}

#[tokio::test]
async fn a_stream_is_read_as_it_comes() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n").await;
        peer.say("data: 2\n\n").await;
    })
    .await;
    let mut follow = client(&receiver).follow("/api/v1/events/stream", &[]).await.expect("a stream");
    let mut seen = Vec::new();
    while let Some(piece) = follow.next().await.expect("a piece") {
        seen.extend_from_slice(&piece);
    }
    assert_eq!(seen, b"data: 1\n\ndata: 2\n\n");
    let receiver = answering(401, "", r#"{"title":"no key"}"#).await;
    let error = client(&receiver).follow("/x", &[]).await.err().expect("a problem");
    assert!(matches!(error, ApiError::Problem { status: 401, .. }), "{error:?}");
}

#[test]
fn what_was_typed_wrongly_is_said_before_anything_is_sent() {
    for base in ["127.0.0.1:8080", "ftp://a.example", "", "http://user:pass@a.example", "unix:/run/x"] {
        assert!(matches!(ApiClient::new(base, "hy_key", &[]), Err(ApiError::BaseUrl(_))), "{base}");
    }
    assert!(matches!(ApiClient::new("http://a.example", "hy\nkey", &[]), Err(ApiError::Credential("key"))));
}
