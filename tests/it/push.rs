//! Pushes: a flow sends a lead to a destination, and what the destination answers decides what follows.

use std::time::Duration;

use hookyard::demo::receiver::Receiver;
use hookyard_model::run::RunStatus;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, TestApp, guests};

use crate::{PROGRAM, on_both_databases};

on_both_databases! {
    a_flow_pushes_a_lead_which_is_tried_again_and_never_doubled;
}

async fn a_flow_pushes_a_lead_which_is_tried_again_and_never_doubled(databases: Databases) {
    let peer = Receiver::start().await.unwrap();
    let url = peer.url();
    let app = TestApp::start_with(databases, PROGRAM, |config| {
        config.provider_host.push(format!("peer.example.com={url}").parse().unwrap());
    })
    .await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("77", &[("email", "ada@analytical.example"), ("phone_number", "+4930901820")]);
    for component in [guests::SINK, guests::LEAD_ROUTER] {
        let uploaded = app.upload(&key, component).await;
        assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.json());
    }
    let destination = json!({ "name": "crm", "plugin": "sink", "credentials": { "api_key": "canary-of-the-crm" } });
    let made = app.call(Method::POST, "/api/v1/destinations", &key, Some(&destination)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let destination = made.text("/id");
    app.flow(&key, "lead_router", json!({ "settings": { "rules": [], "default": "crm" } })).await;

    peer.answer_next([StatusCode::SERVICE_UNAVAILABLE]);
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let run = app.run_ended(tenant, event).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    let path = format!("/api/v1/destinations/{destination}/pushes");
    let push = async |enough: &dyn Fn(&Value) -> bool| {
        let look = async || {
            let pushes = app.call(Method::GET, &path, &key, None).await.json();
            pushes["data"][0].as_object().map(|push| Value::Object(push.clone())).filter(|push| enough(push))
        };
        app.until("a push", look).await
    };
    let waits = push(&|push| push["attemptCount"] == 1 || push["attempts"] == 1).await;
    assert_eq!(waits["status"], "PENDING", "{waits}");
    app.clock.advance(Duration::from_secs(70));
    let done = push(&|push| push["status"] == "DONE").await;
    assert!(done.to_string().contains("crm-lead_"), "the receipt is kept: {done}");
    let arrivals = peer.arrivals();
    assert_eq!(arrivals.len(), 2);
    assert!(arrivals.iter().all(|arrival| arrival.header("authorization") == Some("Bearer canary-of-the-crm")));
    assert_eq!(arrivals[0].header("idempotency-key"), arrivals[1].header("idempotency-key"));
    assert!(!run.run.input.settings.contains("canary"), "no secret enters a guest");
}
