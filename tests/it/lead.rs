//! From the log to a clean lead: fetched, cleaned, stored once, and what happens where that cannot be.

use std::time::Duration;

use hookyard_model::account::AccountStatus;
use hookyard_model::event::EventStatus;
use hookyard_store::PageRequest;
use hyper::{Method, StatusCode};
use serde_json::json;
use support::{Databases, PAGE_TOKEN};

use crate::{app, on_both_databases};

on_both_databases! {
    a_lead_is_fetched_cleaned_stored_and_shown;
    the_same_lead_twice_is_stored_once_and_forwarded_once;
    a_hundred_of_the_same_lead_at_once_are_stored_once;
    a_fetch_that_fails_is_tried_again_later;
    a_lead_that_graph_does_not_know_has_failed_and_can_be_processed_again;
    an_account_whose_token_is_refused_is_marked_and_its_events_wait;
    no_secret_comes_back_out_or_stands_in_clear_on_the_disk;
}

async fn a_lead_is_fetched_cleaned_stored_and_shown(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    let account = json!({
        "provider": "meta_lead_ads", "accountKey": "111", "defaultCountry": "DE",
        "credentials": { "access_token": PAGE_TOKEN },
    });
    let account = app.call(Method::POST, "/api/v1/accounts", &key, Some(&account)).await.text("/id");
    app.graph.add(
        "77",
        &[
            ("full_name", " Ludwig  van Beethoven"),
            ("email", "Ludwig@Bonn.EXAMPLE"),
            ("phone_number", "030 901820"),
            ("colour", "red"),
        ],
    );
    let answer = app.leadgen(&[("111", "77")]).await;
    let row = app.ended(tenant, answer.events()[0]).await;
    assert_eq!(row.status, EventStatus::Processed, "{:?}", row.outcome);
    assert_eq!(row.outcome.effects, 1);
    assert_eq!(row.outcome.normalized_by.as_ref().map(|run| run.plugin.as_str()), Some("meta_lead_ads"));

    let listed = app.call(Method::GET, &format!("/leads?account_id={account}&limit=10"), &key, None).await;
    let lead = &listed.json()["data"][0];
    assert_eq!(lead["providerType"], "meta_lead_ads");
    assert_eq!(lead["providerLeadId"], "77");
    assert_eq!(lead["email"], "ludwig@bonn.example");
    assert_eq!(lead["firstName"], "Ludwig");
    assert_eq!(lead["lastName"], "van Beethoven");
    assert_eq!(lead["fullName"], "Ludwig van Beethoven");
    assert_eq!(lead["phoneNumber"], "+4930901820");
    assert_eq!(lead["customFields"][0], json!({ "name": "colour", "value": "red" }));
    assert_eq!(lead["rawFieldData"][0]["value"], " Ludwig  van Beethoven", "the person's own words are kept");
    assert!(lead["receivedAt"].is_string());
    let id = lead["id"].as_str().unwrap();
    let one = app.call(Method::GET, &format!("/leads/{id}"), &key, None).await;
    assert_eq!((one.status, one.text("/email")), (StatusCode::OK, "ludwig@bonn.example".to_owned()));
    assert_eq!(app.graph.calls(), ["/v25.0/77"]);
}

async fn the_same_lead_twice_is_stored_once_and_forwarded_once(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.subscribe(&key, "/hooks", &["leadgen"]).await;
    app.graph.add("77", &[("email", "a@example.com")]);
    let first = app.leadgen(&[("111", "77")]).await.events()[0];
    assert_eq!(app.ended(tenant, first).await.status, EventStatus::Processed);
    let second = app.leadgen(&[("111", "77")]).await.events()[0];
    let row = app.ended(tenant, second).await;
    assert_eq!(row.status, EventStatus::Duplicate);
    assert_eq!(row.outcome.duplicate_of, Some(first));
    app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    assert_eq!(app.host().store().lead_list(tenant, None, PageRequest::first(10)).await.unwrap().len(), 1);
    let story = app.call(Method::GET, &format!("/api/v1/events/{second}"), &key, None).await;
    assert_eq!(story.json()["deliveries"].as_array().map(Vec::len), Some(0), "{}", story.json());
    assert_eq!(app.receiver.arrivals().len(), 1);
}

async fn a_hundred_of_the_same_lead_at_once_are_stored_once(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("77", &[("email", "a@example.com")]);
    let leads = vec![("111", "77"); 100];
    let events = app.leadgen(&leads).await.events();
    assert_eq!(events.len(), 100);
    let mut processed = 0;
    for event in events {
        match app.ended(tenant, event).await.status {
            EventStatus::Processed => processed += 1,
            EventStatus::Duplicate => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(processed, 1);
    assert_eq!(app.host().store().lead_list(tenant, None, PageRequest::first(10)).await.unwrap().len(), 1);
}

async fn a_fetch_that_fails_is_tried_again_later(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("77", &[("email", "a@example.com")]);
    app.graph.fail("77", 2);
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    for (tries, wait) in [(1, 2), (2, 4)] {
        // Settled, not only claimed: a claim is due when its lease ends, which is later.
        let due = hookyard_model::instant::Clock::now(&*app.clock).plus(Duration::from_secs(wait));
        let waits = app.event_until(tenant, event, |row| (row.tries, row.due_at) == (tries, Some(due))).await;
        assert!(waits.status == EventStatus::Received && waits.outcome.reason.is_some(), "{waits:?}");
        app.clock.advance(Duration::from_secs(wait));
    }
    let row = app.ended(tenant, event).await;
    assert_eq!((row.status, row.tries), (EventStatus::Processed, 3), "{:?}", row.outcome);
}

async fn a_lead_that_graph_does_not_know_has_failed_and_can_be_processed_again(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let row = app.ended(tenant, event).await;
    assert_eq!(row.status, EventStatus::Failed);
    assert!(row.outcome.reason.is_some(), "it says why");
    app.graph.add("77", &[("email", "a@example.com")]);
    let again = app.call(Method::POST, &format!("/api/v1/events/{event}/reprocess"), &key, None).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.json());
    assert_eq!(app.ended(tenant, event).await.status, EventStatus::Processed);
    let not_again = app.call(Method::POST, &format!("/api/v1/events/{event}/reprocess"), &key, None).await;
    assert_eq!(not_again.status, StatusCode::CONFLICT);
}

async fn an_account_whose_token_is_refused_is_marked_and_its_events_wait(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    let account = app.page(&key, "111").await;
    app.graph.add("77", &[("email", "a@example.com")]);
    app.graph.add("78", &[("email", "b@example.com")]);
    app.graph.set_token_dead(true);
    let first = app.leadgen(&[("111", "77")]).await.events()[0];
    app.event_until(tenant, first, |row| row.outcome.reason.is_some()).await;
    let shown = app.call(Method::GET, &format!("/api/v1/accounts/{account}"), &key, None).await;
    assert_eq!(shown.text("/status"), AccountStatus::Unauthorized.as_str(), "{}", shown.json());
    let second = app.leadgen(&[("111", "78")]).await.events()[0];
    let waits = app.event_until(tenant, second, |row| row.outcome.reason.is_some()).await;
    assert_eq!(waits.status, EventStatus::Received);
    assert_eq!(app.graph.calls().len(), 1, "nobody asks with a token that is known to be refused");

    app.graph.set_token_dead(false);
    let connect = json!({ "credentials": { "access_token": PAGE_TOKEN } });
    let path = format!("/api/v1/accounts/{account}");
    let connected = app.call(Method::PATCH, &path, &key, Some(&connect)).await;
    assert_eq!(connected.status, StatusCode::OK, "{}", connected.json());
    for event in [first, second] {
        assert_eq!(app.ended(tenant, event).await.status, EventStatus::Processed);
    }
}

async fn no_secret_comes_back_out_or_stands_in_clear_on_the_disk(databases: Databases) {
    let mut app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.repository(&key, "acme/repository", "canary-of-a-repository").await;
    app.subscribe(&key, "/hooks", &["*"]).await;
    // An answer that quotes the token, as Graph's paging links do.
    app.graph.add(
        "77",
        &[("email", "a@example.com"), ("link", &format!("https://graph.facebook.com/?access_token={PAGE_TOKEN}"))],
    );
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    assert_eq!(app.ended(tenant, event).await.status, EventStatus::Processed);
    app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let secrets = [support::APP_SECRET, PAGE_TOKEN, "canary-of-a-repository", key.as_str()];
    for path in ["/api/v1/accounts", "/api/v1/providers", "/api/v1/webhooks", "/leads", "/api/v1/deliveries"] {
        let answer = app.call(Method::GET, path, &key, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json());
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        for secret in secrets {
            assert!(!text.contains(secret), "{path} shows a secret");
        }
    }
    let arrivals = app.receiver.arrivals();
    assert!(arrivals.iter().all(|arrival| !String::from_utf8_lossy(&arrival.body).contains(PAGE_TOKEN)));
    app.stop().await;
    if databases == Databases::Sqlite {
        for file in std::fs::read_dir(app.folder()).unwrap().flatten().filter(|file| file.path().is_file()) {
            let bytes = std::fs::read(file.path()).unwrap();
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds a secret in clear", file.path().display());
            }
        }
    }
}
