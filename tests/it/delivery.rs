//! From an event to a receiver: signed, retried, and never to where it must not go.

use std::time::Duration;

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_store::{DeliveryFilter, DeliveryRow, PageRequest};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, TestApp, sign};

use crate::{PROGRAM, app, on_both_databases};

on_both_databases! {
    what_the_standard_style_sends_is_signed_and_laid_out_as_documented;
    what_the_connect_style_sends_is_signed_and_laid_out_as_documented;
    a_receiver_that_fails_is_tried_again_on_the_schedule_and_then_no_more;
    retry_after_puts_the_next_attempt_off;
    a_receiver_that_is_gone_disables_its_subscription;
    a_redirect_is_a_failure_and_is_not_followed;
    private_addresses_are_refused_when_saved_and_never_dialled;
}

/// Posts a GitHub event that is new each time.
async fn event(app: &TestApp, path: &str, secret: &str, number: usize) -> EventId {
    let body = json!({ "number": number, "zen": "Half measures are as bad as nothing at all." }).to_string();
    let signature = sign::hub(secret, body.as_bytes());
    let delivery = format!("delivery-{number}");
    let headers =
        [("x-hub-signature-256", signature.as_str()), ("x-github-event", "push"), ("x-github-delivery", &delivery)];
    let answer = app.post(path, &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    answer.events()[0]
}

async fn delivery(
    app: &TestApp,
    tenant: TenantId,
    event: EventId,
    enough: impl Fn(&DeliveryRow) -> bool,
) -> DeliveryRow {
    app.until("a delivery", async || {
        let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
        let rows = app.host().store().delivery_list(tenant, filter, PageRequest::first(1)).await.unwrap();
        rows.into_iter().next().filter(&enough)
    })
    .await
}

async fn what_the_standard_style_sends_is_signed_and_laid_out_as_documented(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    app.subscribe(&key, "/hooks", &["push"]).await;
    let event = event(&app, &path, "secret", 1).await;
    let arrivals = app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let arrival = &arrivals[0];
    assert!(arrival.is_authentic, "{arrival:?}");
    assert_eq!(arrival.header("webhook-id"), Some(event.text().as_str()));
    assert_eq!(arrival.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&arrival.body).unwrap();
    assert_eq!(body["type"], "push");
    assert_eq!(body["data"]["number"], 1);
    assert!(body["timestamp"].is_string());
    let row = delivery(&app, tenant, event, |row| row.status == DeliveryStatus::Delivered).await;
    let shown = app.call(Method::GET, &format!("/api/v1/deliveries/{}", row.id), &key, None).await;
    assert_eq!(shown.json()["attempts"][0]["status"], 200, "{}", shown.json());
}

async fn what_the_connect_style_sends_is_signed_and_laid_out_as_documented(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("77", &[("email", "A@Example.com")]);
    let subscription = json!({
        "callbackUrl": format!("{}/connect", app.receiver.url()), "eventType": "leadgen", "callbackSecret": "shh it is one",
    });
    let path = "/connect/v1/webhooks/meta_lead_ads/subscribe";
    let made = app.call(Method::POST, path, &key, Some(&subscription)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let arrivals = app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let arrival = &arrivals[0];
    assert_eq!(arrival.path, "/connect");
    assert_eq!(arrival.header("x-connect-event"), Some("leadgen"));
    assert_eq!(arrival.header("x-connect-provider"), Some("meta_lead_ads"));
    let expected = sign::hub("shh it is one", &arrival.body);
    assert_eq!(arrival.header("x-connect-signature"), expected.strip_prefix("sha256="));
    let body: Value = serde_json::from_slice(&arrival.body).unwrap();
    assert_eq!(body["id"], event.text());
    assert_eq!(body["event"], "leadgen");
    assert_eq!(body["provider"], "meta_lead_ads");
    assert_eq!(body["data"]["email"], "a@example.com");
    assert!(body["receivedAt"].is_string());
    delivery(&app, tenant, event, |row| row.status == DeliveryStatus::Delivered).await;

    let listed = app.call(Method::GET, "/connect/v1/webhooks/meta_lead_ads/subscriptions", &key, None).await;
    assert_eq!(listed.json()["data"].as_array().map(Vec::len), Some(1), "{}", listed.json());
    let gone = app.call(Method::DELETE, &format!("{path}/{}", made.text("/id")), &key, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
}

async fn a_receiver_that_fails_is_tried_again_on_the_schedule_and_then_no_more(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("77", &[("email", "a@example.com")]);
    let subscription = json!({ "callbackUrl": format!("{}/connect", app.receiver.url()), "eventType": "leadgen" });
    app.call(Method::POST, "/connect/v1/webhooks/meta_lead_ads/subscribe", &key, Some(&subscription)).await;
    app.receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 9]);
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    for (attempts, wait) in [(1, 1), (2, 4), (3, 15)] {
        let row = delivery(&app, tenant, event, |row| row.attempts == attempts).await;
        assert_eq!(row.status, DeliveryStatus::Pending);
        app.clock.advance(Duration::from_secs(wait) - Duration::from_millis(1));
        assert_eq!(app.host().store().backlog().await.unwrap().deliveries_due, 0, "not before its time");
        app.clock.advance(Duration::from_millis(1));
    }
    let row = delivery(&app, tenant, event, |row| row.status != DeliveryStatus::Pending).await;
    assert_eq!((row.status, row.attempts, row.last_status), (DeliveryStatus::Dead, 4, Some(500)));
    let arrivals = app.receiver.arrivals();
    assert_eq!(arrivals.len(), 4);
    assert!(arrivals.iter().all(|arrival| arrival.body == arrivals[0].body), "the same bytes each time");

    app.receiver.answer_next([StatusCode::OK; 0]);
    let again = app.call(Method::POST, &format!("/api/v1/deliveries/{}/retry", row.id), &key, None).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.json());
    let row = delivery(&app, tenant, event, |row| row.attempts == 5).await;
    assert_ne!(row.status, DeliveryStatus::Pending, "an attempt that was asked for does not start the schedule over");
}

async fn retry_after_puts_the_next_attempt_off(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    app.subscribe(&key, "/hooks", &["push"]).await;
    app.receiver.answer_next([StatusCode::SERVICE_UNAVAILABLE]);
    let event = event(&app, &path, "secret", 1).await;
    let row = delivery(&app, tenant, event, |row| row.attempts == 1).await;
    let wait = row.due_at.unwrap().since(hookyard_model::instant::Clock::now(&*app.clock));
    assert!(wait >= Duration::from_secs(5) && wait <= Duration::from_secs(6), "5 s and jitter, not {wait:?}");
    app.clock.advance(wait);
    delivery(&app, tenant, event, |row| row.status == DeliveryStatus::Delivered).await;
}

async fn a_receiver_that_is_gone_disables_its_subscription(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    app.subscribe(&key, "/hooks", &["push"]).await;
    app.receiver.answer_next([StatusCode::GONE]);
    let first = event(&app, &path, "secret", 1).await;
    delivery(&app, tenant, first, |row| row.status == DeliveryStatus::Dead).await;
    let second = event(&app, &path, "secret", 2).await;
    let row = app.ended(tenant, second).await;
    assert!(!row.outcome.fanout[0].matched && row.outcome.fanout[0].why.contains("410"), "{:?}", row.outcome.fanout);
    assert_eq!(app.receiver.arrivals().len(), 1);
}

async fn a_redirect_is_a_failure_and_is_not_followed(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    app.subscribe(&key, "/hooks", &["push"]).await;
    app.receiver.answer_next([StatusCode::TEMPORARY_REDIRECT]);
    let event = event(&app, &path, "secret", 1).await;
    let row = delivery(&app, tenant, event, |row| row.attempts == 1).await;
    assert_eq!((row.status, row.last_status), (DeliveryStatus::Pending, Some(307)));
    assert_eq!(app.receiver.arrivals().len(), 1);
}

async fn private_addresses_are_refused_when_saved_and_never_dialled(databases: Databases) {
    // Without the network that the other tests allow.
    let app = TestApp::start_with(databases, PROGRAM, |config| config.allow_private_network.clear()).await;
    let (_, key) = app.tenant("acme").await;
    let port = app.receiver.url().rsplit(':').next().unwrap().to_owned();
    let subscribe = async |url: &str| {
        let body = json!({ "callbackUrl": url, "eventType": "leadgen" });
        app.call(Method::POST, "/connect/v1/webhooks/meta_lead_ads/subscribe", &key, Some(&body)).await
    };
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::ffff:10.0.0.1]/".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "http://2130706433/".to_owned(),
        "https://2130706433/".to_owned(),
        "https://0x7f000001/".to_owned(),
        "https://0177.0.0.1/".to_owned(),
        "https://127.1/".to_owned(),
        "https://localhost/".to_owned(),
        "https://168.63.129.16/".to_owned(),
        "https://good.example@127.0.0.1/".to_owned(),
        "https://①②⑦.⓪.⓪.①/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://example.com/".to_owned(),
        "javascript:alert(1)".to_owned(),
    ] {
        let answer = subscribe(&url).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {}", answer.json());
        assert_eq!(answer.text("/field"), "callbackUrl", "{url}");
    }
    assert_eq!(subscribe("https://example.com/hook").await.status, StatusCode::CREATED);
    assert!(app.receiver.arrivals().is_empty());
}
