//! Connections that are used again, and those that must not be.

use std::time::Duration;

use hookyard_egress::{Outbound, Overflow, Purpose, SendError};
use hyper::Method;

use crate::support::{OK, Receiver, loopback, post, strict};

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Receiver::answering(OK).await;
    let egress = strict(loopback());
    for round in 0..20 {
        let attempted = egress.send(post(&receiver.url())).await;
        assert_eq!(attempted.outcome.expect("a response").body, "ok");
        assert_eq!(attempted.timings.connect_micros.is_some(), round == 0, "round {round}");
        assert_eq!(attempted.timings.dns_micros, None, "an address needs no lookup");
        assert!(attempted.timings.first_byte_micros.is_some());
        assert_eq!(attempted.address, Some(receiver.address));
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let receiver = Receiver::answering(OK).await;
    let egress = strict(loopback());
    let sends: Vec<_> = (0..16)
        .map(|_| {
            let (egress, request) = (egress.clone(), post(&receiver.url()));
            tokio::spawn(async move { egress.send(request).await })
        })
        .collect();
    for send in sends {
        assert!(send.await.expect("no panic").outcome.is_ok());
    }
    assert!(receiver.accepted() <= 16);
}

#[tokio::test]
async fn hosts_that_share_an_address_do_not_share_a_connection() {
    let receiver = Receiver::answering(OK).await;
    let egress = strict(loopback());
    let localhost = format!("http://localhost:{}/", receiver.address.port());
    for url in [receiver.url(), localhost.clone(), receiver.url(), localhost] {
        assert!(egress.send(post(&url)).await.outcome.is_ok());
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_replaced() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        peer.say(OK).await;
    })
    .await;
    let egress = strict(loopback());
    for _ in 0..5 {
        let attempted = egress.send(post(&receiver.url())).await;
        assert!(attempted.outcome.is_ok(), "{attempted:?}");
    }
    assert_eq!(receiver.accepted(), 5);
}

/// Answers one request; then swallows the next one on the same connection and says `last` before it closes.
async fn stale(last: &'static str) -> Receiver {
    Receiver::start(move |mut peer| async move {
        peer.request().await;
        peer.say(OK).await;
        peer.request().await;
        peer.say(last).await;
    })
    .await
}

fn fetch(method: Method, receiver: &Receiver) -> Outbound {
    Outbound { purpose: Purpose::Provider, method, ..post(&receiver.url()) }
}

#[tokio::test]
async fn a_delivery_on_a_stale_connection_is_sent_once_more() {
    let receiver = stale("").await;
    let egress = strict(loopback());
    for _ in 0..3 {
        let attempted = egress.send(post(&receiver.url())).await;
        assert!(attempted.outcome.is_ok(), "{attempted:?}");
    }
    assert_eq!(receiver.accepted(), 3);
}

#[tokio::test]
async fn a_delivery_is_sent_once_more_and_no_more() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
        if peer.number == 1 {
            peer.say(OK).await;
            peer.request().await;
        }
    })
    .await;
    let egress = strict(loopback());
    assert!(egress.send(post(&receiver.url())).await.outcome.is_ok());
    let second = egress.send(post(&receiver.url())).await;
    assert!(matches!(second.outcome, Err(SendError::Closed(_))), "{second:?}");
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_new_connection_that_closes_is_a_failure() {
    let receiver = Receiver::start(|mut peer| async move {
        peer.request().await;
    })
    .await;
    let attempted = strict(loopback()).send(post(&receiver.url())).await;
    assert!(matches!(attempted.outcome, Err(SendError::Closed(_))), "{attempted:?}");
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_request_that_was_half_answered_is_not_repeated() {
    let receiver = stale("HTTP/1.1 200 OK\r\ncontent-").await;
    let egress = strict(loopback());
    assert!(egress.send(post(&receiver.url())).await.outcome.is_ok());
    let second = egress.send(post(&receiver.url())).await;
    assert!(matches!(second.outcome, Err(SendError::Closed(_))), "{second:?}");
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_fetch_is_repeated_only_where_that_is_harmless() {
    for (method, accepted) in [(Method::GET, 2), (Method::PUT, 2), (Method::POST, 1), (Method::PATCH, 1)] {
        let receiver = stale("").await;
        let egress = strict(loopback());
        assert!(egress.send(fetch(method.clone(), &receiver)).await.outcome.is_ok());
        let second = egress.send(fetch(method.clone(), &receiver)).await;
        assert_eq!(second.outcome.is_ok(), accepted == 2, "{method}");
        assert_eq!(receiver.accepted(), accepted, "{method}");
    }
}

#[tokio::test]
async fn a_connection_with_an_unread_body_is_closed() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789").await;
    let egress = strict(loopback());
    for _ in 0..2 {
        let response = egress.send(Outbound { response_bytes_max: 4, ..post(&receiver.url()) }).await.outcome;
        let response = response.expect("a response");
        assert_eq!((&response.body[..], response.truncated), (&b"0123"[..], true));
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_receiver_that_says_close_is_taken_at_its_word() {
    for response in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let receiver = Receiver::answering(response).await;
        let egress = strict(loopback());
        for _ in 0..2 {
            assert!(egress.send(post(&receiver.url())).await.outcome.is_ok());
        }
        assert_eq!(receiver.accepted(), 2, "{response:?}");
    }
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_end_a_connection() {
    let receiver = Receiver::start(|mut peer| async move {
        while peer.request().await.is_some() {
            peer.say(&format!("{OK}HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled")).await;
        }
    })
    .await;
    let egress = strict(loopback());
    for _ in 0..4 {
        let response = egress.send(post(&receiver.url())).await.outcome.expect("a response");
        assert_eq!(response.body, "ok");
    }
    assert_eq!(receiver.accepted(), 4);
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_not_used() {
    let receiver = Receiver::answering(OK).await;
    let egress = strict(loopback());
    for (wait, accepted) in [(0, 1), (29, 1), (31, 2), (29, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(wait)).await;
        tokio::time::resume();
        assert!(egress.send(post(&receiver.url())).await.outcome.is_ok());
        assert_eq!(receiver.accepted(), accepted, "after {wait} s");
    }
}

#[tokio::test]
async fn a_dropped_attempt_closes_its_connection() {
    let (closed, seen) = tokio::sync::oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let receiver = Receiver::start(move |mut peer| {
        let closed = closed.lock().expect("no panic").take();
        async move {
            peer.request().await;
            peer.closed().await;
            closed.map(|closed| closed.send(()));
        }
    })
    .await;
    let egress = strict(loopback());
    let request = Outbound { timeout: Duration::from_millis(50), overflow: Overflow::Refuse, ..post(&receiver.url()) };
    let attempted = egress.send(request).await;
    assert_eq!(attempted.outcome.expect_err("silence").class(), "timed_out_response");
    tokio::time::timeout(Duration::from_secs(5), seen).await.expect("closed at once").expect("no panic");
}
