//! Responses without an end, without a measure, or without haste.

use std::time::{Duration, Instant};

use hookyard_egress::limits::{RESPONSE_HEAD_BYTES_MAX, RESPONSE_HEADERS_MAX};
use hookyard_egress::{Outbound, Overflow, SendError, Stage};

use crate::support::{OK, Peer, Receiver, loopback, post, strict};

const SHORT: Duration = Duration::from_millis(80);

async fn endless(head: &'static str) -> Receiver {
    Receiver::start(move |mut peer| async move {
        peer.request().await;
        peer.say(head).await;
        let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        while peer.say(&piece).await {}
    })
    .await
}

#[tokio::test]
async fn an_endless_body_is_cut_where_it_is_enough() {
    for head in ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let receiver = endless(head).await;
        let response = strict(loopback()).send(post(&receiver.url())).await.outcome.expect("a response");
        assert_eq!((response.status, response.body.len(), response.truncated), (200, 16 * 1024, true));
    }
}

#[tokio::test]
async fn an_endless_body_is_an_error_where_half_of_it_is_worth_nothing() {
    for head in ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let receiver = endless(head).await;
        let request = Outbound { overflow: Overflow::Refuse, ..post(&receiver.url()) };
        let error = strict(loopback()).send(request).await.outcome.expect_err("too large");
        assert!(matches!(error, SendError::TooLarge { limit_bytes: 16_384 }), "{error:?}");
        assert_eq!(error.class(), "response_too_large");
    }
}

#[tokio::test]
async fn an_announced_length_is_enough_to_refuse() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nx").await;
    let request = Outbound { overflow: Overflow::Refuse, ..post(&receiver.url()) };
    let error = strict(loopback()).send(request).await.outcome.expect_err("too large");
    assert!(matches!(error, SendError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_fits_exactly_is_whole() {
    for overflow in [Overflow::Truncate, Overflow::Refuse] {
        for response in [
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n1\r\nf\r\n0\r\n\r\n",
        ] {
            let receiver = Receiver::answering(response).await;
            let request = Outbound { overflow, response_bytes_max: 6, ..post(&receiver.url()) };
            let response = strict(loopback()).send(request).await.outcome.expect("a response");
            assert_eq!((&response.body[..], response.truncated), (&b"abcdef"[..], false));
        }
    }
}

#[tokio::test]
async fn a_dripping_body_ends_at_the_deadline() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        drip(peer, "x").await;
    })
    .await;
    timed_out(&receiver, Stage::Body).await;
}

#[tokio::test]
async fn a_dripping_head_ends_at_the_deadline() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\nx-slow: ").await;
        drip(peer, "x").await;
    })
    .await;
    timed_out(&receiver, Stage::Response).await;
}

#[tokio::test]
async fn endless_interim_responses_end_at_the_deadline() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        drip(peer, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
    })
    .await;
    timed_out(&receiver, Stage::Response).await;
}

#[tokio::test]
async fn a_receiver_that_never_reads_or_speaks_ends_at_the_deadline() {
    let receiver = Receiver::start(|peer| async move {
        let _held = peer;
        std::future::pending::<()>().await;
    })
    .await;
    let body = vec![b'x'; 32 * 1024 * 1024];
    let request = Outbound { timeout: SHORT, body: body.into(), ..post(&receiver.url()) };
    let error = strict(loopback()).send(request).await.outcome.expect_err("no answer");
    assert!(matches!(error, SendError::TimedOut { stage: Stage::Response }), "{error:?}");
}

async fn drip(mut peer: Peer, text: &'static str) {
    let mut drops = tokio::time::interval(Duration::from_millis(5));
    while peer.say(text).await {
        drops.tick().await;
    }
}

async fn timed_out(receiver: &Receiver, expected: Stage) {
    let started = Instant::now();
    let attempted = strict(loopback()).send(Outbound { timeout: SHORT, ..post(&receiver.url()) }).await;
    let error = attempted.outcome.expect_err("too slow");
    assert!(matches!(error, SendError::TimedOut { stage } if stage == expected), "{error:?}");
    assert!(started.elapsed() < SHORT * 20, "{:?}", started.elapsed());
    assert!(attempted.timings.total_micros >= 80_000);
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\n").await;
        let line = format!("x-huge: {}\r\n", "x".repeat(8 * 1024));
        while peer.say(&line).await {}
    })
    .await;
    let error = strict(loopback()).send(post(&receiver.url())).await.outcome.expect_err("too large a head");
    assert!(matches!(error, SendError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_head_within_its_bounds_is_read_and_a_larger_one_is_not() {
    for (fields, size, readable) in [
        (RESPONSE_HEADERS_MAX, 10, true),
        (RESPONSE_HEADERS_MAX + 1, 10, false),
        (2, RESPONSE_HEAD_BYTES_MAX * 3 / 4, true),
        (2, RESPONSE_HEAD_BYTES_MAX * 5 / 4, false),
    ] {
        let receiver = Receiver::start(move |mut peer| async move {
            peer.request().await;
            let field = |number| format!("x-{number}: {}\r\n", "v".repeat(size));
            let fields: String = (1..fields).map(field).collect();
            peer.say(&format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n")).await;
            peer.closed().await;
        })
        .await;
        let outcome = strict(loopback()).send(post(&receiver.url())).await.outcome;
        assert_eq!(outcome.is_ok(), readable, "{fields} fields of {size} bytes: {outcome:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    for (said, class) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
        ("220 mail.example ESMTP\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef", "protocol"),
        ("HTTP/2.0 200 OK\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "closed"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab", "closed"),
        ("", "closed"),
    ] {
        let receiver = Receiver::start(move |mut peer| async move {
            peer.request().await;
            peer.say(said).await;
        })
        .await;
        let error = strict(loopback()).send(post(&receiver.url())).await.outcome.expect_err(said);
        assert_eq!(error.class(), class, "{said:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_an_error_that_names_no_address() {
    let receiver = Receiver::answering(OK).await;
    let url = receiver.url();
    let gone = receiver.address;
    drop(receiver);
    tokio::task::yield_now().await;
    let attempted = strict(loopback()).send(post(&url)).await;
    let error = attempted.outcome.expect_err("nobody listens");
    assert!(matches!(error, SendError::Connect(_)), "{error:?}");
    assert_eq!(attempted.address, Some(gone));
    assert!(!error.to_string().contains("127"), "{error}");
}

#[tokio::test]
async fn a_compressed_body_is_handed_on_as_it_is() {
    let receiver =
        Receiver::answering("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x0bab").await;
    let response = strict(loopback()).send(post(&receiver.url())).await.outcome.expect("a response");
    assert_eq!(&response.body[..], b"\x1f\x0bab");
}
