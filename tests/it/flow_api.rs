//! The API of flows: made, tested, compared, looked at and tried again; and what stands around them: publishing,
//! transforms, destinations. Nobody sees another tenant's anything.

use std::collections::BTreeSet;

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::effect::Entry;
use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_model::run::{Input, RunStatus};
use hookyard_store::RunRow;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Answer, Databases, TestApp, guests};

use crate::{app, on_both_databases};

on_both_databases! {
    another_tenants_key_finds_nothing_on_any_route_of_flows;
    a_flow_is_made_listed_changed_and_deleted;
    a_test_says_what_a_flow_would_do_and_does_nothing;
    a_version_is_compared_with_what_the_last_runs_did;
    a_run_is_told_whole_and_can_be_had_again;
    a_failed_run_goes_on_when_it_is_asked_and_another_does_not;
    published_events_are_logged_in_their_order_and_once_for_each_id;
    a_destination_is_made_named_by_a_flow_and_shows_its_pushes;
}

/// One lead that a flow has routed.
struct Routed {
    tenant: TenantId,
    key: String,
    flow: String,
    destination: String,
    event: EventId,
    run: RunRow,
}

/// A tenant whose leads are routed to `crm`, and one lead.
async fn routed(app: &TestApp) -> Routed {
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("mine").await;
    app.page(&key, "111").await;
    let crm = json!({ "name": "crm", "plugin": "some_crm", "mapping": { "email": "mail" } });
    let made = post(app, &key, "/api/v1/destinations", &crm).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    app.flow_plugin(&key, guests::LEAD_ROUTER).await;
    let flow = app.flow(&key, "lead_router", json!({ "settings": { "default": "crm" } })).await;
    app.graph.add("77", &[("email", "a@example.com")]);
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let run = app.run_ended(tenant, event).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    Routed { tenant, key, flow: flow.text(), destination: made.text("/id"), event, run }
}

async fn get(app: &TestApp, key: &str, path: &str) -> Answer {
    app.call(Method::GET, path, key, None).await
}

async fn post(app: &TestApp, key: &str, path: &str, body: &Value) -> Answer {
    app.call(Method::POST, path, key, Some(body)).await
}

/// Sends a component to a path.
async fn send_component(app: &TestApp, key: &str, path: &str, component: &[u8]) -> Answer {
    let bearer = format!("Bearer {key}");
    app.post(path, &[("authorization", bearer.as_str()), ("content-type", "application/wasm")], component).await
}

/// The same component with other bytes in the place of these.
fn patched(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = component.to_vec();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("the text is in there");
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    bytes
}

async fn another_tenants_key_finds_nothing_on_any_route_of_flows(databases: Databases) {
    let app = app(databases).await;
    let Routed { key, flow, destination, event, run, .. } = routed(&app).await;
    let run = run.run.id;
    let (_, foreign) = app.tenant("theirs").await;
    let (patch, activate) = (json!({ "name": "stolen" }), json!({ "version": 1 }));
    let test = json!({ "event": event });
    for (method, path, body) in [
        (Method::GET, format!("/api/v1/flows/{flow}"), None),
        (Method::PATCH, format!("/api/v1/flows/{flow}"), Some(&patch)),
        (Method::DELETE, format!("/api/v1/flows/{flow}"), None),
        (Method::GET, format!("/api/v1/flows/{flow}/versions"), None),
        (Method::POST, format!("/api/v1/flows/{flow}/activate"), Some(&activate)),
        (Method::POST, format!("/api/v1/flows/{flow}/rollback"), None),
        (Method::POST, format!("/api/v1/flows/{flow}/test"), Some(&test)),
        (Method::POST, format!("/api/v1/flows/{flow}/compare"), Some(&activate)),
        (Method::GET, format!("/api/v1/flows/{flow}/runs"), None),
        (Method::GET, format!("/api/v1/runs/{run}"), None),
        (Method::GET, format!("/api/v1/runs/{run}/component"), None),
        (Method::POST, format!("/api/v1/runs/{run}/retry"), None),
        (Method::GET, format!("/api/v1/destinations/{destination}"), None),
        (Method::PATCH, format!("/api/v1/destinations/{destination}"), Some(&patch)),
        (Method::DELETE, format!("/api/v1/destinations/{destination}"), None),
        (Method::GET, format!("/api/v1/destinations/{destination}/pushes"), None),
    ] {
        let answer = app.call(method.clone(), &path, &foreign, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.json());
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("a@example.com"));
        assert_eq!(app.call(method.clone(), &path, "hy_nobody", body).await.status, StatusCode::UNAUTHORIZED);
    }
    let path = format!("/api/v1/flows/{flow}/versions");
    assert_eq!(send_component(&app, &foreign, &path, guests::LEAD_ROUTER).await.status, StatusCode::NOT_FOUND);
    for path in ["/api/v1/flows", "/api/v1/runs", "/api/v1/destinations"] {
        assert_eq!(get(&app, &foreign, path).await.json()["data"], json!([]), "{path}");
    }
    for filter in [format!("flow={flow}"), format!("event={event}")] {
        assert_eq!(get(&app, &foreign, &format!("/api/v1/runs?{filter}")).await.json()["data"], json!([]), "{filter}");
    }
    // Nor does what they make of their own reach into mine.
    app.flow_plugin(&foreign, guests::GATE).await;
    let theirs = app.flow(&foreign, "gate", json!({})).await;
    let tested = post(&app, &foreign, &format!("/api/v1/flows/{theirs}/test"), &test).await;
    assert_eq!((tested.status, tested.text("/field")), (StatusCode::NOT_FOUND, "event".to_owned()));
    let subscription = json!({ "url": "https://a.example/", "events": ["*"], "transform": flow });
    let refused = post(&app, &foreign, "/api/v1/webhooks", &subscription).await;
    assert_eq!((refused.status, refused.text("/field")), (StatusCode::UNPROCESSABLE_ENTITY, "transform".to_owned()));
    assert_eq!(get(&app, &key, &format!("/api/v1/flows/{flow}")).await.text("/name"), "Lead router");
    assert_eq!(get(&app, &key, &format!("/api/v1/destinations/{destination}")).await.text("/name"), "crm");
}

async fn a_flow_is_made_listed_changed_and_deleted(databases: Databases) {
    let app = app(databases).await;
    let (_, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::ENRICH).await;
    let flow = json!({
        "plugin": "enrich", "triggers": ["leadgen", "lead.*"], "providers": ["github"], "stage": "before",
        "filter": { "deal": { "amount": { "$gte": 1000 } } }, "settings": { "rememberDays": 7 },
        "hosts": ["api.companies.example"], "onFailure": "hold",
    });
    let made = post(&app, &key, "/api/v1/flows", &flow).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let path = format!("/api/v1/flows/{}", made.text("/id"));
    let shown = get(&app, &key, &path).await.json();
    assert_eq!(shown, made.json(), "made and shown are the same");
    for (name, given) in flow.as_object().unwrap() {
        assert_eq!(&shown[name], given, "{name}");
    }
    assert_eq!((&shown["name"], &shown["status"]), (&json!("Enrich"), &json!("active")));
    assert_eq!((&shown["credentials"], &shown["missingCredentials"]), (&json!([]), &json!(["api_key"])));
    let running = &shown["running"];
    assert_eq!((&running["version"], &running["isOwn"]), (&json!(1), &json!(true)), "{running}");
    assert_eq!((&running["triggers"], &running["hosts"]), (&json!(["leadgen"]), &json!(["api.companies.example"])));
    assert_eq!(running["credentials"][0]["name"], "api_key");
    assert_eq!(get(&app, &key, "/api/v1/flows").await.json()["data"], json!([shown]));

    let change = json!({
        "name": "Companies", "triggers": null, "providers": [], "filter": null, "hosts": null, "onFailure": "skip",
        "settings": { "owner": true }, "credentials": { "api_key": "hunter2" }, "status": "paused",
    });
    let changed = app.call(Method::PATCH, &path, &key, Some(&change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
    let changed = changed.json();
    for (name, given) in change.as_object().unwrap().iter().filter(|(name, _)| *name != "credentials") {
        assert_eq!(&changed[name], given, "{name}");
    }
    assert_eq!((&changed["credentials"], &changed["missingCredentials"]), (&json!(["api_key"]), &json!([])));
    assert!(changed["statusReason"].as_str().unwrap().contains("by hand") && !changed.to_string().contains("hunter2"));
    let resumed = app.call(Method::PATCH, &path, &key, Some(&json!({ "status": "active" }))).await.json();
    assert_eq!((&resumed["status"], &resumed["statusReason"]), (&json!("active"), &Value::Null));
    assert_eq!(resumed["settings"], json!({ "owner": true }), "what is not given stays");

    assert_eq!(app.call(Method::DELETE, &path, &key, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.call(Method::DELETE, &path, &key, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, &key, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_cannot_be_is_refused_with_what_to_write_instead() {
    let app = app(Databases::Sqlite).await;
    let (_, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::ENRICH).await;
    let good = app.flow(&key, "enrich", json!({})).await;
    let transform = app.flow(&key, "enrich", json!({ "stage": "transform" })).await;
    for (more, field, says) in [
        (json!({ "plugin": "enrihc" }), "plugin", "there are `enrich`"),
        (json!({ "plugin": "github" }), "plugin", "no flow plugin of this name"),
        (json!({ "stage": "during" }), "stage", "one of `before`"),
        (json!({ "triggers": ["lead*"] }), "triggers", "`deal.*`"),
        (json!({ "triggers": [] }), "triggers", "1 to 100"),
        (json!({ "providers": ["meta"] }), "providers", "meta_lead_ads"),
        (json!({ "filter": { "a": { "$like": "hunter2" } } }), "filter", "$startsWith"),
        (json!({ "filter": [] }), "filter", "JSON object"),
        (json!({ "settings": { "rememberDays": 1000 } }), "settings.rememberDays", "at most 366"),
        (json!({ "settings": { "rememberdays": 1 } }), "settings.rememberdays", "`rememberDays`"),
        (json!({ "hosts": ["evil.example"] }), "hosts", "api.companies.example"),
        (json!({ "credentials": { "apikey": "hunter2" } }), "credentials.apikey", "there are `api_key`"),
        (json!({ "credentials": { "api_key": "" } }), "credentials.api_key", ""),
        (json!({ "onFailure": "hold" }), "onFailure", "`before`"),
        (json!({ "stage": "transform", "triggers": ["*"] }), "stage", "subscription"),
        (json!({ "trigger": ["*"] }), "trigger", "`triggers`"),
        (json!({ "name": "a\nb" }), "name", "control characters"),
    ] {
        let mut flow = json!({ "plugin": "enrich" });
        flow.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let mut answers = vec![post(&app, &key, "/api/v1/flows", &flow).await];
        if more.get("plugin").is_none() && more.get("stage").is_none() {
            answers.push(app.call(Method::PATCH, &format!("/api/v1/flows/{good}"), &key, Some(&more)).await);
        }
        for answer in answers {
            let told = answer.json();
            assert_eq!(
                (answer.status, told["field"].as_str()),
                (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
                "{told}"
            );
            let detail = told["detail"].as_str().unwrap();
            assert!(detail.contains(says) && !detail.contains("hunter2"), "{more}: {detail}");
        }
    }
    let of_transform = json!({ "filter": { "a": 1 } });
    let refused = app.call(Method::PATCH, &format!("/api/v1/flows/{transform}"), &key, Some(&of_transform)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.json());
    let fixed =
        app.call(Method::PATCH, &format!("/api/v1/flows/{good}"), &key, Some(&json!({ "stage": "before" }))).await;
    assert_eq!((fixed.status, fixed.text("/field")), (StatusCode::UNPROCESSABLE_ENTITY, "stage".to_owned()));
    let path = format!("/api/v1/flows/{good}/test");
    for (test, status, field) in [
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY, "event"),
        (json!({ "event": "evt_x" }), StatusCode::NOT_FOUND, "event"),
        (
            json!({ "sample": { "eventType": "a", "data": 1 }, "version": 9 }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "version",
        ),
        (json!({ "sample": { "eventType": "", "data": 1 } }), StatusCode::UNPROCESSABLE_ENTITY, "sample.eventType"),
        (
            json!({ "sample": { "eventType": "a", "data": 1 }, "fetches": [{ "error": "none" }] }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "fetches[0].error",
        ),
        (
            json!({ "sample": { "eventType": "a", "data": 1, "lead": { "emial": "x" } } }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "sample.lead.emial",
        ),
    ] {
        let answer = post(&app, &key, &path, &test).await;
        assert_eq!((answer.status, answer.text("/field").as_str()), (status, field), "{test}: {}", answer.json());
    }
    for body in [json!({ "version": 9 }), json!({ "version": 1, "runs": 101 }), json!({ "version": 1, "runs": 0 })] {
        let answer = post(&app, &key, &format!("/api/v1/flows/{good}/compare"), &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.json());
    }
    for query in ["status=DONE", "flow=x", "nope=1"] {
        assert_eq!(get(&app, &key, &format!("/api/v1/runs?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

async fn a_test_says_what_a_flow_would_do_and_does_nothing(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::ENRICH).await;
    let flow = app.flow(&key, "enrich", json!({ "filter": { "country": "DE" } })).await;
    let path = format!("/api/v1/flows/{flow}/test");
    let sample =
        json!({ "eventType": "leadgen", "data": { "country": "FR" }, "lead": { "email": "ada@acme.example" } });
    let tested = post(&app, &key, &path, &json!({ "sample": sample })).await;
    assert_eq!(tested.status, StatusCode::OK, "{}", tested.json());
    let tested = tested.json();
    assert_eq!(tested["matched"]["yes"], false);
    assert!(tested["matched"]["why"].as_str().unwrap().contains("country"), "{tested}");
    assert!(tested["wants"].as_str().unwrap().starts_with("http.fetch GET https://api.companies.example/"), "{tested}");
    let answered: Vec<_> =
        tested["effects"].as_array().unwrap().iter().map(|effect| effect["answered"].as_bool().unwrap()).collect();
    assert_eq!((answered.last(), &tested["actions"]), (Some(&false), &json!([])), "{tested}");

    let company = json!({ "id": 7, "name": "Acme Ltd", "size": "51-200" });
    let fetch = json!({ "status": 200, "headers": [["content-type", "application/json"]], "body": company });
    let test = json!({ "sample": sample, "fetches": [fetch], "state": { "company/acme.example": null }, "version": 1 });
    let tested = post(&app, &key, &path, &test).await.json();
    assert_eq!(
        (&tested["wants"], &tested["reason"], &tested["version"]),
        (&Value::Null, &Value::Null, &json!(1)),
        "{tested}"
    );
    let changes = tested["actions"][0]["updateLead"].as_array().unwrap();
    assert!(changes.contains(&json!({ "field": "company", "value": "Acme Ltd" })), "{tested}");
    assert_eq!(tested["writes"][0]["key"], "company/acme.example", "{tested}");
    assert!(tested["cpuMicros"].as_u64().unwrap() > 0 && tested["calls"].as_u64().unwrap() >= 2, "{tested}");
    let failed = json!({ "sample": sample, "fetches": [{ "error": "timedOut" }] });
    let failed = post(&app, &key, &path, &failed).await.json();
    assert_eq!(failed["blame"], "refused", "{failed}");
    assert!(failed["effects"].to_string().contains("timedOut"), "{failed}");

    let event = app.publish(&key, "deal.won", json!({ "country": "DE" })).await;
    app.ended(tenant, event).await;
    let tested = post(&app, &key, &path, &json!({ "event": event })).await.json();
    assert_eq!((&tested["matched"]["yes"], &tested["actions"]), (&json!(false), &json!([])), "{tested}");
    assert_eq!(get(&app, &key, "/api/v1/runs").await.json()["data"], json!([]), "a test is no run");
    assert!(app.host().store().state_get(tenant, flow, "company/acme.example").await.unwrap().is_none());
    assert_eq!(
        app.call(Method::DELETE, &format!("/api/v1/flows/{flow}"), &key, None).await.status,
        StatusCode::NO_CONTENT
    );
}

async fn a_version_is_compared_with_what_the_last_runs_did(databases: Databases) {
    let app = app(databases).await;
    let Routed { key, flow, event, run, .. } = routed(&app).await;
    let versions = format!("/api/v1/flows/{flow}/versions");
    let other = patched(guests::LEAD_ROUTER, "lead.routed", "lead.rooted");
    for component in [guests::marked(guests::LEAD_ROUTER, 2), other] {
        let kept = send_component(&app, &key, &format!("{versions}?activate=false"), &component).await;
        assert_eq!(
            (kept.status, kept.json()["active"].clone()),
            (StatusCode::CREATED, json!(false)),
            "{}",
            kept.json()
        );
    }
    let compare = async |version: u32| {
        post(&app, &key, &format!("/api/v1/flows/{flow}/compare"), &json!({ "version": version, "runs": 5 }))
            .await
            .json()
    };
    let same = compare(2).await;
    assert_eq!((&same["compared"], &same["same"], &same["different"]), (&json!(1), &json!(1), &json!([])), "{same}");
    let different = compare(3).await;
    assert_eq!((&different["compared"], &different["same"]), (&json!(1), &json!(0)), "{different}");
    let difference = &different["different"][0];
    assert_eq!((&difference["run"], &difference["event"]), (&json!(run.run.id), &json!(event)), "{difference}");
    assert_eq!(difference["result"], "decided");
    assert!(difference["before"].to_string().contains("lead.routed"), "{difference}");
    assert!(difference["now"].to_string().contains("lead.rooted"), "{difference}");
    let page = get(&app, &key, &format!("/api/v1/flows/{flow}/runs")).await.json();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "a replay is no run");
}

async fn a_run_is_told_whole_and_can_be_had_again(databases: Databases) {
    let app = app(databases).await;
    let Routed { tenant, key, flow, event, run, destination } = routed(&app).await;
    let id = run.run.id;
    let answer = get(&app, &key, &format!("/api/v1/runs/{id}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let told = answer.json();
    for (name, expected) in [
        ("id", json!(id)),
        ("flow", json!(flow)),
        ("event", json!(event)),
        ("stage", json!("after")),
        ("plugin", json!("lead_router")),
        ("version", json!(1)),
        ("digest", json!(run.run.digest.hex())),
        ("status", json!("SUCCEEDED")),
        ("waitingUntil", Value::Null),
        ("journal", json!([])),
    ] {
        assert_eq!(told[name], expected, "{name}: {told}");
    }
    assert_eq!(told["actions"][0], json!({ "pushLead": { "destination": "crm" } }), "{told}");
    assert_eq!(told["actions"][1]["emit"]["data"]["destination"], "crm", "data is JSON: {told}");
    let input: Input = serde_json::from_value(told["input"].clone()).unwrap();
    assert_eq!(input, run.run.input, "what it was given reads back");
    let component = get(&app, &key, &format!("/api/v1/runs/{id}/component")).await;
    assert_eq!(component.headers["content-type"], "application/wasm");
    assert_eq!(component.bytes, guests::LEAD_ROUTER);

    // One with a journal: it read its state.
    app.flow_plugin(&key, guests::GATE).await;
    let counting = app.flow(&key, "gate", json!({ "triggers": ["count"], "settings": { "do": "count" } })).await;
    let counted = app.publish(&key, "count", json!({})).await;
    let run = app.run_ended(tenant, counted).await.run.id;
    let told = get(&app, &key, &format!("/api/v1/runs/{run}")).await.json();
    let journal: Vec<Entry> = serde_json::from_value(told["journal"].clone()).unwrap();
    assert_eq!(journal, app.host().store().run_journal(tenant, run).await.unwrap());
    assert_eq!((told["journal"][0]["step"].as_u64(), journal.len()), (Some(1), 1), "{told}");
    assert_eq!(told["writes"], json!([{ "key": "count", "value": "1" }]), "{told}");

    for (query, expected) in [
        (format!("flow={flow}"), id),
        (format!("event={counted}"), run),
        (format!("flow={counting}&status=succeeded"), run),
    ] {
        let listed = get(&app, &key, &format!("/api/v1/runs?{query}")).await.json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{query}: {listed}");
        assert_eq!(listed["data"][0]["id"], json!(expected), "{query}");
    }
    let none = get(&app, &key, &format!("/api/v1/flows/{flow}/runs?status=FAILED")).await.json();
    assert_eq!(none["data"], json!([]));

    let story = get(&app, &key, &format!("/api/v1/events/{event}")).await.json();
    assert_eq!((&story["runs"][0]["id"], &story["runs"][0]["status"]), (&json!(id), &json!("SUCCEEDED")), "{story}");
    let note = &story["flows"][0];
    assert_eq!((&note["flow"], &note["run"]), (&json!(flow), &json!(id)), "{story}");
    assert!(note["why"].as_str().unwrap().contains("leadgen") && story["dropped"].is_null(), "{story}");
    let emitted = app.until("its event", async || app.events_of(tenant, "lead.routed").await.pop()).await;
    let story = get(&app, &key, &format!("/api/v1/events/{}", emitted.id)).await.json();
    assert_eq!((&story["causedBy"], &story["run"], &story["depth"]), (&json!(event), &json!(id), &json!(1)), "{story}");
    assert_eq!((&story["provider"], &story["accountId"]), (&Value::Null, &Value::Null), "{story}");
    assert_eq!(story["receivedBy"]["plugin"], "lead_router");
    assert!(destination.starts_with("dst_"));
}

async fn a_failed_run_goes_on_when_it_is_asked_and_another_does_not(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::GATE).await;
    for (settings, event_type, status) in [("fail", "bad", RunStatus::Failed), ("", "good", RunStatus::Succeeded)] {
        let more = json!({ "triggers": [event_type], "settings": { "do": settings } });
        app.flow(&key, "gate", more).await;
        let event = app.publish(&key, event_type, json!({})).await;
        let run = app.run_ended(tenant, event).await;
        assert_eq!(run.status, status, "{run:?}");
        let path = format!("/api/v1/runs/{}/retry", run.run.id);
        let answer = app.call(Method::POST, &path, &key, None).await;
        if status == RunStatus::Failed {
            assert_eq!((answer.status, answer.text("/status")), (StatusCode::ACCEPTED, "RUNNING".to_owned()));
            let again = app.run_until(tenant, event, |row| row.tries > run.tries && row.status == status).await;
            assert_eq!(again.outcome.blame.as_deref(), Some("refused"), "{again:?}");
        } else {
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.json());
            assert!(answer.text("/detail").contains("`SUCCEEDED`"), "{}", answer.json());
        }
    }
    let none = app.call(Method::POST, "/api/v1/runs/run_00000000000000000000000000/retry", &key, None).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

async fn published_events_are_logged_in_their_order_and_once_for_each_id(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.subscribe(&key, "/hooks", &["deal.*"]).await;
    let batch = json!([
        { "type": "deal.won", "data": { "n": 1 }, "id": "a", "occurredAt": "2026-01-01T00:00:00Z" },
        { "event": "deal.lost", "data": [2], "id": "b" },
        { "type": "deal.won", "data": { "n": 1 }, "id": "a" },
    ]);
    let published = post(&app, &key, "/api/v1/events", &batch).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.json());
    let ids = published.events();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    let mut rows = Vec::new();
    for id in &ids {
        rows.push(app.ended(tenant, *id).await);
    }
    assert_eq!((rows[0].event_type.as_str(), rows[1].event_type.as_str()), ("deal.won", "deal.lost"));
    assert_eq!(rows[0].occurred_at.map(|at| at.rfc3339()).as_deref(), Some("2026-01-01T00:00:00.000Z"));
    let duplicates = [&rows[0], &rows[2]].map(|row| row.status == EventStatus::Duplicate);
    assert_eq!(
        duplicates.iter().filter(|duplicate| **duplicate).count(),
        1,
        "one of the two with the id `a`: {rows:?}"
    );
    let twice = [json!({ "type": "deal.ping", "data": {} }), json!({ "type": "deal.ping", "data": {} })];
    for event in post(&app, &key, "/api/v1/events", &json!(twice)).await.events() {
        let row = app.ended(tenant, event).await;
        assert_eq!(row.status, EventStatus::Processed, "two events without an id are two: {row:?}");
    }
    app.receiver.wait_until(|arrivals| arrivals.len() == 4).await;
    let story = get(&app, &key, &format!("/api/v1/events/{}", ids[1])).await.json();
    assert_eq!(
        (&story["payload"], &story["receivedBy"], &story["provider"]),
        (&json!([2]), &Value::Null, &Value::Null)
    );
    assert_eq!(story["providerEventId"], "b");

    let before = get(&app, &key, "/api/v1/events?limit=250").await.json()["data"].as_array().map(Vec::len);
    let many: Vec<Value> = (0..1001).map(|_| json!({ "type": "a", "data": 1 })).collect();
    for (body, field, says) in [
        (json!({ "data": 1 }), "type", "missing"),
        (json!({ "type": "a" }), "data", "missing"),
        (json!({ "type": "", "data": 1 }), "type", "1 to 128"),
        (json!({ "type": "a\u{0}", "data": 1 }), "type", "control"),
        (json!({ "type": "a".repeat(129), "data": 1 }), "type", "128"),
        (json!([{ "type": "a", "data": 1 }, { "type": "a", "data": 1, "id": "" }]), "[1].id", "1 to 256"),
        (json!([{ "type": "a", "data": 1, "occurredAt": "now" }]), "[0].occurredAt", "RFC 3339"),
        (json!({ "type": "a", "data": 1, "tenant": "x" }), "tenant", "no `tenant`"),
        (json!([]), "", "1 to 1000"),
        (json!(many), "", "1 to 1000"),
        (json!("a"), "", "a list of them"),
    ] {
        let answer = post(&app, &key, "/api/v1/events", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", answer.json());
        assert_eq!(answer.text("/field"), field, "{}", answer.json());
        assert!(answer.text("/detail").contains(says), "{}", answer.json());
    }
    let after = get(&app, &key, "/api/v1/events?limit=250").await.json()["data"].as_array().map(Vec::len);
    assert_eq!(before, after, "what is refused is not logged, not even in part");
    let keys = format!("/api/v1/tenants/{tenant}/keys");
    for (scope, status) in [("publish", StatusCode::ACCEPTED), ("read", StatusCode::FORBIDDEN)] {
        let made = post(&app, &key, &keys, &json!({ "name": scope, "scopes": [scope] })).await;
        let answer = post(&app, &made.text("/key"), "/api/v1/events", &json!({ "type": "a", "data": 1 })).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.json());
    }
}

async fn a_destination_is_made_named_by_a_flow_and_shows_its_pushes(databases: Databases) {
    let app = app(databases).await;
    let Routed { key, destination, event, run, .. } = routed(&app).await;
    let path = format!("/api/v1/destinations/{destination}");
    let shown = get(&app, &key, &path).await.json();
    assert_eq!(
        (&shown["name"], &shown["plugin"], &shown["status"]),
        (&json!("crm"), &json!("some_crm"), &json!("active"))
    );
    assert_eq!((&shown["mapping"], &shown["settings"]), (&json!({ "email": "mail" }), &json!({})));
    assert_eq!(shown["pluginVersion"], Value::Null, "its plugin may come later");
    let pushes = get(&app, &key, &format!("{path}/pushes")).await.json();
    let push = &pushes["data"][0];
    assert_eq!(
        (&push["destination"], &push["event"], &push["run"]),
        (&json!(destination), &json!(event), &json!(run.run.id))
    );
    assert!(push["lead"].as_str().unwrap().starts_with("lead_"), "{push}");

    let again = post(&app, &key, "/api/v1/destinations", &json!({ "name": "crm", "plugin": "other" })).await;
    assert_eq!((again.status, again.text("/field")), (StatusCode::CONFLICT, "name".to_owned()));
    for (body, field) in [
        (json!({ "name": "b", "plugin": "a b" }), "plugin"),
        (json!({ "name": "", "plugin": "other" }), "name"),
        (json!({ "name": "b", "plugin": "other", "mapping": { "email": 1 } }), "mapping"),
        (json!({ "name": "b", "plugin": "other", "settings": [] }), "settings"),
        (json!({ "name": "b", "plugin": "other", "credentials": { "token": "hunter2" } }), "credentials"),
    ] {
        let answer = post(&app, &key, "/api/v1/destinations", &body).await;
        assert_eq!((answer.status, answer.text("/field").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, field));
        assert!(!answer.text("/detail").contains("hunter2"));
    }
    let change = json!({ "name": "sales", "settings": { "a": 1 }, "mapping": {}, "status": "paused" });
    let changed = app.call(Method::PATCH, &path, &key, Some(&change)).await.json();
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["mapping"]),
        (&json!("sales"), &json!("paused"), &json!({}))
    );
    let listed = get(&app, &key, "/api/v1/destinations").await.json();
    assert_eq!(listed["data"], json!([changed]));
    assert_eq!(app.call(Method::DELETE, &path, &key, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&app, &key, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_uploaded_switched_and_rolled_back_for_the_tenants_own_plugin_alone() {
    let app = app(Databases::Sqlite).await;
    let (_, key) = app.tenant("acme").await;
    let operators = app.upload(app.operator_key(), guests::GATE).await;
    assert_eq!(operators.status, StatusCode::CREATED, "{}", operators.json());
    let flow = app.flow(&key, "gate", json!({})).await;
    let path = format!("/api/v1/flows/{flow}");
    let running = async || get(&app, &key, &path).await.json()["running"].clone();
    assert_eq!(running().await["isOwn"], false);
    let versions = get(&app, &key, &format!("{path}/versions")).await.json();
    assert_eq!(versions["data"][0]["plugin"], json!(operators.text("/plugin")), "the operator's can be looked at");
    for (what, answer) in [
        ("activate", post(&app, &key, &format!("{path}/activate"), &json!({ "version": 1 })).await),
        ("rollback", app.call(Method::POST, &format!("{path}/rollback"), &key, None).await),
        ("versions", send_component(&app, &key, &format!("{path}/versions"), guests::GATE).await),
    ] {
        assert_eq!(answer.status, StatusCode::CONFLICT, "{what}: {}", answer.json());
        assert!(answer.text("/detail").contains("/api/v1/plugins"), "{what}: {}", answer.json());
    }

    let own = app.upload(&key, &guests::marked(guests::GATE, 1)).await;
    assert_eq!(own.status, StatusCode::CREATED, "{}", own.json());
    let now = running().await;
    assert_eq!((&now["isOwn"], &now["version"]), (&json!(true), &json!(1)), "{now}");
    let none = app.call(Method::POST, &format!("{path}/rollback"), &key, None).await;
    assert_eq!(none.status, StatusCode::CONFLICT, "no version ran before: {}", none.json());
    for (component, says) in [(guests::ENRICH, "`enrich`"), (guests::GITHUB, "provider plugin `github`")] {
        let answer = send_component(&app, &key, &format!("{path}/versions"), component).await;
        assert_eq!(answer.text("/type"), "urn:hookyard:problem:invalid-component", "{}", answer.json());
        assert!(answer.text("/detail").contains(says), "{}", answer.json());
    }
    let plugins = get(&app, &key, "/api/v1/plugins").await.json();
    assert_eq!(plugins["data"].as_array().map(Vec::len), Some(1), "what is refused is not kept: {plugins}");
    let second = send_component(&app, &key, &format!("{path}/versions"), &guests::marked(guests::GATE, 2)).await;
    assert_eq!((second.status, second.json()["active"].clone()), (StatusCode::CREATED, json!(true)));
    assert_eq!(running().await["version"], 2);
    let back = app.call(Method::POST, &format!("{path}/rollback"), &key, None).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.json());
    assert_eq!(running().await["version"], 1);
    let forward = post(&app, &key, &format!("{path}/activate"), &json!({ "version": 2 })).await;
    assert_eq!(forward.status, StatusCode::OK, "{}", forward.json());
    let listed = get(&app, &key, &format!("{path}/versions")).await.json();
    let versions: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| one["version"].clone()).collect();
    assert_eq!(versions, [json!(2), json!(1)]);
    assert_eq!(listed["data"][0]["active"], true);
    let missing = post(&app, &key, &format!("{path}/activate"), &json!({ "version": 9 })).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_names_a_transform_and_the_story_says_why_nothing_was_sent() {
    let app = app(Databases::Sqlite).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::GATE).await;
    let after = app.flow(&key, "gate", json!({ "triggers": ["never"] })).await.text();
    let nothing = app.flow(&key, "gate", json!({ "stage": "transform" })).await.text();
    let url = format!("{}/hooks", app.receiver.url());
    for (transform, says) in [
        (json!(after), "stage `after`"),
        (json!("flow_x"), "no such one"),
        (json!("flow_00000000000000000000000000"), "no such one"),
    ] {
        let body = json!({ "url": url, "events": ["deal.*"], "transform": transform });
        let refused = post(&app, &key, "/api/v1/webhooks", &body).await;
        assert_eq!(
            (refused.status, refused.text("/field")),
            (StatusCode::UNPROCESSABLE_ENTITY, "transform".to_owned())
        );
        assert!(refused.text("/detail").contains(says), "{}", refused.json());
    }
    let body = json!({ "url": url, "events": ["deal.*"], "transform": nothing });
    let made = post(&app, &key, "/api/v1/webhooks", &body).await;
    assert_eq!((made.status, made.text("/transform")), (StatusCode::CREATED, nothing.clone()), "{}", made.json());
    let plain = post(&app, &key, "/api/v1/webhooks", &json!({ "url": url, "events": ["x"], "transform": null })).await;
    assert_eq!((plain.status, plain.json()["transform"].clone()), (StatusCode::CREATED, Value::Null));
    let path = format!("/api/v1/webhooks/{}", made.text("/id"));
    assert_eq!(get(&app, &key, &path).await.text("/transform"), nothing);

    let event = app.publish(&key, "deal.won", json!({})).await;
    app.ended(tenant, event).await;
    let story = app
        .until("the delivery's end", async || {
            let story = get(&app, &key, &format!("/api/v1/events/{event}")).await.json();
            (story["deliveries"][0]["status"] == DeliveryStatus::Skipped.as_str()).then_some(story)
        })
        .await;
    let why = story["deliveries"][0]["lastError"].as_str().unwrap();
    assert!(why.contains("emitted nothing"), "{story}");
    let run = &story["runs"][0];
    assert_eq!((&run["flow"], &run["status"]), (&json!(nothing), &json!("SUCCEEDED")), "{story}");
    let retried =
        app.call(Method::POST, &format!("/api/v1/runs/{}/retry", run["id"].as_str().unwrap()), &key, None).await;
    assert_eq!(retried.status, StatusCode::CONFLICT, "{}", retried.json());
    assert!(retried.text("/detail").contains("delivery"));
    assert!(app.receiver.arrivals().is_empty());
}
