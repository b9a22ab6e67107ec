//! What goes over the wire, and what a caller may not put there.

use hookyard_egress::{Config, Outbound, Refused, SendError};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use crate::support::{OK, Receiver, Trap, loopback, post, strict};

/// Answers with the request itself.
async fn echo() -> Receiver {
    Receiver::start(|mut peer| async move {
        while let Some(request) = peer.request().await {
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{request}", request.len())).await;
        }
    })
    .await
}

async fn seen(request: Outbound) -> String {
    let response = strict(loopback()).send(request).await.outcome.expect("a response");
    String::from_utf8(response.body.to_vec()).expect("text")
}

#[tokio::test]
async fn a_request_is_what_the_caller_said_and_no_more() {
    let receiver = echo().await;
    let mut request = post(&format!("http://{}/a%2Fb/?q=1&q=%20^#top", receiver.address));
    request.headers.append("webhook-id", HeaderValue::from_static("evt_1"));
    let expected = format!(
        "POST /a%2Fb/?q=1&q=%20^ HTTP/1.1\r\nwebhook-id: evt_1\r\nhost: {}\r\nuser-agent: Hookyard/{}\r\n\
         content-length: 2\r\n\r\n{{}}",
        receiver.address,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(seen(request).await, expected);
}

#[tokio::test]
async fn the_host_is_written_as_the_receiver_knows_it() {
    let receiver = echo().await;
    let port = receiver.address.port();
    for (host, written) in [("localhost", "localhost"), ("localhost.", "localhost"), ("2130706433", "127.0.0.1")] {
        let text = seen(post(&format!("http://{host}:{port}/"))).await;
        assert!(text.contains(&format!("host: {written}:{port}\r\n")), "{text}");
    }
}

#[tokio::test]
async fn a_user_agent_may_be_given_and_an_empty_body_says_so() {
    let receiver = echo().await;
    let mut request = Outbound { body: "".into(), ..post(&receiver.url()) };
    request.headers.insert("user-agent", HeaderValue::from_static("Acme/2"));
    let text = seen(request.clone()).await;
    assert!(text.contains("user-agent: Acme/2\r\n") && !text.contains("Hookyard"), "{text}");
    assert!(text.contains("content-length: 0\r\n"), "{text}");
    request.method = Method::GET;
    let text = seen(request).await;
    assert!(!text.contains("content-length") && !text.contains("accept-encoding"), "{text}");
}

#[tokio::test]
async fn headers_that_frame_or_route_are_refused() {
    let trap = Trap::set();
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Connection",
        "Proxy-Authorization",
    ] {
        let name: HeaderName = name.parse().expect(name);
        let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
        let url = format!("http://127.0.0.1:{}/", trap.port());
        let error = strict(loopback()).send(Outbound { headers, ..post(&url) }).await.outcome.expect_err("a refusal");
        assert!(matches!(&error, SendError::Refused(Refused::Header(refused)) if *refused == name), "{error:?}");
        trap.assert_untouched(name.as_str());
    }
}

#[tokio::test]
async fn tunnels_and_echoes_are_refused() {
    let trap = Trap::set();
    for method in ["CONNECT", "TRACE", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect(method);
        let url = format!("http://127.0.0.1:{}/", trap.port());
        let error = strict(loopback()).send(Outbound { method, ..post(&url) }).await.outcome.expect_err("a refusal");
        assert!(matches!(error, SendError::Refused(Refused::Method(_))), "{error:?}");
        trap.assert_untouched(error.class());
    }
}

#[tokio::test]
async fn a_redirect_is_a_response_and_not_followed() {
    let trap = Trap::set();
    for status in [301, 302, 303, 307, 308] {
        let port = trap.port();
        let receiver = Receiver::start(move |mut peer| async move {
            peer.request().await;
            let to = format!("location: http://127.0.0.1:{port}/latest/meta-data/\r\n");
            peer.say(&format!("HTTP/1.1 {status} Moved\r\n{to}refresh: 0\r\ncontent-length: 0\r\n\r\n")).await;
        })
        .await;
        let response = strict(loopback()).send(post(&receiver.url())).await.outcome.expect("a response");
        assert_eq!(response.status, status);
        trap.assert_untouched("the target of a redirect");
    }
}

#[tokio::test]
async fn an_alternative_service_is_not_used() {
    let trap = Trap::set();
    let port = trap.port();
    let receiver = Receiver::start(move |mut peer| async move {
        while peer.request().await.is_some() {
            let alternative = format!("alt-svc: http/1.1=\"127.0.0.1:{port}\"\r\n");
            peer.say(&format!("HTTP/1.1 200 OK\r\n{alternative}content-length: 0\r\n\r\n")).await;
        }
    })
    .await;
    let egress = strict(loopback());
    for _ in 0..2 {
        assert!(egress.send(post(&receiver.url())).await.outcome.is_ok());
    }
    trap.assert_untouched("the alternative");
}

/// Runs this test again in a process whose environment names a proxy.
#[tokio::test]
async fn proxy_variables_are_ignored() {
    const INSIDE: &str = "HOOKYARD_EGRESS_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let receiver = Receiver::answering(OK).await;
        assert!(strict(loopback()).send(post(&receiver.url())).await.outcome.is_ok());
        assert_eq!(receiver.accepted(), 1);
        return;
    }
    let trap = Trap::set();
    let proxy = format!("http://127.0.0.1:{}", trap.port());
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    command.args(["--exact", "requests::proxy_variables_are_ignored"]).env(INSIDE, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &proxy);
    }
    let output = command.output().expect("this program, again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    trap.assert_untouched("the proxy");
}

#[test]
fn an_attempt_can_be_spawned_and_the_way_out_shared() {
    fn sendable<T: Send>(_: T) {}
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let egress = strict(Config::default());
    shared(&egress);
    sendable(egress.send(post("https://good.com/")));
}
