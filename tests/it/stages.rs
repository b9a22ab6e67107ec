//! Where flows run: before an event goes on, and as a subscription's transform.

use hookyard_model::event::EventStatus;
use hookyard_model::run::RunStatus;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, TestApp, guests};

use crate::{app, on_both_databases};

on_both_databases! {
    a_flow_before_changes_the_lead_that_is_stored_and_forwarded;
    a_flow_before_drops_an_event_and_nobody_gets_it;
    a_flow_before_that_fails_is_skipped_or_holds_the_event_as_it_is_told;
    flows_before_share_their_state_one_after_the_other;
    a_transform_makes_the_body_or_nothing_of_an_event;
}

/// A tenant with a page, a subscription and a flow of stage `before`; its key.
async fn gated(app: &TestApp, settings: Value, more: Value) -> (hookyard_model::id::TenantId, String) {
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.subscribe(&key, "/hooks", &["leadgen"]).await;
    app.graph.add("77", &[("email", "a@example.com"), ("full_name", "Ada Lovelace")]);
    app.flow_plugin(&key, guests::GATE).await;
    let mut flow = json!({ "stage": "before", "triggers": ["leadgen"], "settings": settings });
    flow.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    app.flow(&key, "gate", flow).await;
    (tenant, key)
}

async fn a_flow_before_changes_the_lead_that_is_stored_and_forwarded(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = gated(&app, json!({ "do": "change" }), json!({})).await;
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let row = app.ended(tenant, event).await;
    assert_eq!(row.status, EventStatus::Processed, "{row:?}");
    let lead = app.call(Method::GET, "/leads", &key, None).await.json()["data"][0].clone();
    assert_eq!((&lead["company"], &lead["email"]), (&json!("Acme Ltd"), &json!("a@example.com")), "cleaned: {lead}");
    assert!(
        lead["customFields"].as_array().unwrap().contains(&json!({ "name": "segment", "value": "small" })),
        "{lead}"
    );
    let arrivals = app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let body: Value = serde_json::from_slice(&arrivals[0].body).unwrap();
    assert_eq!(body["data"]["company"], "Acme Ltd", "{body}");
    let run = app.run_ended(tenant, event).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    let emitted = app.until("its event", async || app.events_of(tenant, "lead.changed").await.pop()).await;
    assert_eq!((emitted.caused_by, emitted.inherited_lead), (Some(event), row.outcome.lead));
}

async fn a_flow_before_drops_an_event_and_nobody_gets_it(databases: Databases) {
    let app = app(databases).await;
    let (tenant, _) = gated(&app, json!({ "do": "drop" }), json!({})).await;
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let row = app.ended(tenant, event).await;
    assert_eq!(row.status, EventStatus::Processed, "{row:?}");
    assert_eq!(row.outcome.dropped.as_deref(), Some("nobody wants it"));
    assert!(row.outcome.lead.is_some(), "the lead is kept all the same");
    assert!(row.outcome.fanout.is_empty());
    assert!(app.receiver.arrivals().is_empty());
}

async fn a_flow_before_that_fails_is_skipped_or_holds_the_event_as_it_is_told(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = gated(&app, json!({ "do": "trap" }), json!({ "onFailure": "skip" })).await;
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let row = app.ended(tenant, event).await;
    assert_eq!(row.status, EventStatus::Processed, "{row:?}");
    assert!(row.outcome.flows[0].why.contains("went on without it"), "{row:?}");
    assert_eq!(app.run_ended(tenant, event).await.outcome.blame.as_deref(), Some("trapped"));
    app.receiver.wait_until(|arrivals| arrivals.len() == 1).await;

    let flows = app.call(Method::GET, "/api/v1/flows", &key, None).await.json();
    let flow = flows["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/flows/{flow}");
    let hold = json!({ "onFailure": "hold", "settings": { "do": "sleep-too-long" } });
    let patched = app.call(Method::PATCH, &path, &key, Some(&hold)).await;
    assert_eq!(patched.status, StatusCode::OK, "{}", patched.json());
    app.graph.add("78", &[("email", "b@example.com")]);
    let event = app.leadgen(&[("111", "78")]).await.events()[0];
    let held = app.event_until(tenant, event, |row| row.outcome.reason.is_some()).await;
    let reason = held.outcome.reason.clone().unwrap();
    assert!(held.status == EventStatus::Received && reason.contains("holds it") && reason.contains("10 s"), "{held:?}");
    assert_eq!(app.receiver.arrivals().len(), 1, "nobody gets what is held");
    let patched = app.call(Method::PATCH, &path, &key, Some(&json!({ "settings": { "do": "nothing" } }))).await;
    assert_eq!(patched.status, StatusCode::OK, "{}", patched.json());
    app.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(app.ended(tenant, event).await.status, EventStatus::Processed);
    app.receiver.wait_until(|arrivals| arrivals.len() == 2).await;
}

async fn flows_before_share_their_state_one_after_the_other(databases: Databases) {
    const EVENTS: usize = 12;
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::GATE).await;
    let more = json!({ "stage": "before", "triggers": ["tick"], "settings": { "do": "count" }, "onFailure": "hold" });
    let flow = app.flow(&key, "gate", more).await;
    let events: Vec<Value> = (0..EVENTS).map(|_| json!({ "type": "tick", "data": {} })).collect();
    let published = app.call(Method::POST, "/api/v1/events", &key, Some(&Value::Array(events))).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.json());
    for event in published.events() {
        app.until("an event", async || {
            // One whose read was stale is worked on again after its backoff.
            app.clock.advance(std::time::Duration::from_millis(200));
            let found = app.host().store().event_get(tenant, event).await.unwrap();
            found.filter(|(row, _)| row.status == EventStatus::Processed)
        })
        .await;
    }
    let kept = app.host().store().state_get(tenant, flow, "count").await.unwrap().unwrap();
    assert_eq!(kept.value, EVENTS.to_string().as_bytes());
    let counted = app.until("all counted", async || {
        let counted = app.events_of(tenant, "counted").await;
        (counted.len() == EVENTS).then_some(counted)
    });
    counted.await;
}

async fn a_transform_makes_the_body_or_nothing_of_an_event(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::GATE).await;
    let mut subscriptions = Vec::new();
    for what in ["shout", "nothing", "twice"] {
        let flow = app.flow(&key, "gate", json!({ "stage": "transform", "settings": { "do": what } })).await;
        let subscription = json!({
            "url": format!("{}/{what}", app.receiver.url()), "events": ["tick"], "transform": flow,
        });
        let made = app.call(Method::POST, "/api/v1/webhooks", &key, Some(&subscription)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        subscriptions.push(made.text("/id"));
    }
    // The first attempt fails: the second sends the same bytes.
    app.receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR]);
    let event = app.publish(&key, "tick", json!({ "a": 1 })).await;
    app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let deliveries = async || app.call(Method::GET, "/api/v1/deliveries", &key, None).await.json()["data"].clone();
    let of = async |index: usize| {
        let deliveries = deliveries().await;
        let found =
            deliveries.as_array().unwrap().iter().find(|one| one["subscriptionId"] == json!(subscriptions[index]));
        found.cloned().unwrap_or_default()
    };
    app.until("the failed attempt", async || (of(0).await["attemptCount"] == 1).then_some(())).await;
    app.clock.advance(std::time::Duration::from_secs(7));
    let arrivals = app.receiver.wait_until(|arrivals| arrivals.len() == 2).await;
    assert!(arrivals.iter().all(|arrival| arrival.path == "/shout"));
    assert_eq!(arrivals[0].body, arrivals[1].body);
    let body: Value = serde_json::from_slice(&arrivals[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]), (&json!("shouted"), &json!({ "loud": "{\"A\":1}" })), "{body}");
    let skipped =
        app.until("the skipped one", async || Some(of(1).await).filter(|one| one["status"] == "SKIPPED")).await;
    assert!(skipped.to_string().contains("emitted nothing"), "{skipped}");
    let failed = app
        .until("the failed one", async || Some(of(2).await).filter(|one| one["attemptCount"].as_u64() > Some(0)))
        .await;
    let path = format!("/api/v1/deliveries/{}", failed["id"].as_str().unwrap());
    let failed = app.call(Method::GET, &path, &key, None).await.json();
    assert!(failed.to_string().contains("more than one"), "{failed}");
    assert_eq!(app.runs(tenant, event).await.len(), 3, "each transform's run is on record");
}
