//! The API: problems that say what to do, pages, keys, and that nobody sees another tenant's anything.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, sign};

use crate::{app, on_both_databases};

on_both_databases! {
    another_tenants_key_finds_nothing_on_any_route;
    lists_are_paged_without_gaps_or_repeats_while_rows_are_added;
    a_request_that_cannot_be_answered_says_what_to_do;
    the_same_idempotency_key_makes_one_thing;
    keys_may_do_what_their_scopes_say_until_they_are_revoked;
    the_operators_endpoints_answer;
}

async fn another_tenants_key_finds_nothing_on_any_route(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("mine").await;
    let (_, foreign) = app.tenant("theirs").await;
    let account = app.page(&key, "111").await;
    let subscription = app.subscribe(&key, "/hooks", &["*"]).await;
    app.graph.add("77", &[("email", "a@example.com")]);
    let event = app.leadgen(&[("111", "77")]).await.events()[0];
    let lead = app.ended(tenant, event).await.outcome.lead.unwrap();
    let listed = app.call(Method::GET, "/api/v1/deliveries", &key, None).await;
    let delivery = listed.text("/data/0/id");
    assert!(delivery.starts_with("dlv_"), "{}", listed.json());
    let plugin = app.upload(&key, support::guests::UNRULY).await.text("/plugin");

    let patch = json!({ "name": "stolen" });
    let activate = json!({ "version": 1 });
    for (method, path, body) in [
        (Method::GET, format!("/leads/{lead}"), None),
        (Method::GET, format!("/api/v1/leads/{lead}"), None),
        (Method::GET, format!("/api/v1/events/{event}"), None),
        (Method::POST, format!("/api/v1/events/{event}/reprocess"), None),
        (Method::GET, format!("/api/v1/deliveries/{delivery}"), None),
        (Method::POST, format!("/api/v1/deliveries/{delivery}/retry"), None),
        (Method::GET, format!("/api/v1/accounts/{account}"), None),
        (Method::PATCH, format!("/api/v1/accounts/{account}"), Some(&patch)),
        (Method::DELETE, format!("/api/v1/accounts/{account}"), None),
        (Method::GET, format!("/api/v1/webhooks/{subscription}"), None),
        (Method::DELETE, format!("/api/v1/webhooks/{subscription}"), None),
        (Method::DELETE, format!("/connect/v1/webhooks/meta_lead_ads/subscribe/{subscription}"), None),
        (Method::GET, format!("/api/v1/plugins/{plugin}"), None),
        (Method::GET, format!("/api/v1/plugins/{plugin}/versions"), None),
        (Method::POST, format!("/api/v1/plugins/{plugin}/activate"), Some(&activate)),
        (Method::POST, format!("/api/v1/plugins/{plugin}/rollback"), None),
        (Method::GET, format!("/api/v1/tenants/{tenant}"), None),
        (Method::GET, format!("/api/v1/tenants/{tenant}/keys"), None),
    ] {
        let answer = app.call(method.clone(), &path, &foreign, body).await;
        let hidden = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&answer.status);
        assert!(hidden, "{method} {path}: {} {}", answer.status, answer.json());
        if !path.contains("/tenants/") {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("a@example.com"));
    }
    for path in
        ["/leads", "/api/v1/events", "/api/v1/deliveries", "/api/v1/accounts", "/api/v1/webhooks", "/api/v1/plugins"]
    {
        let listed = app.call(Method::GET, path, &foreign, None).await;
        assert_eq!(listed.json()["data"], Value::Array(vec![]), "{path}");
    }
    let filtered = app.call(Method::GET, &format!("/leads?account_id={account}"), &foreign, None).await;
    assert!(filtered.status == StatusCode::NOT_FOUND || filtered.json()["data"] == Value::Array(vec![]));
    assert_eq!(app.call(Method::GET, &format!("/api/v1/accounts/{account}"), &key, None).await.text("/name"), "");
}

async fn lists_are_paged_without_gaps_or_repeats_while_rows_are_added(databases: Databases) {
    let app = app(databases).await;
    let (_, key) = app.tenant("acme").await;
    let (_, foreign) = app.tenant("other").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    let post = async |number: usize| {
        app.clock.advance(std::time::Duration::from_millis(1));
        let body = json!({ "number": number }).to_string();
        let signature = sign::hub("secret", body.as_bytes());
        app.post(&path, &[("x-hub-signature-256", &signature)], body).await.events()[0].text()
    };
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(post(number).await);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let answer = app.call(Method::GET, &format!("/api/v1/events?limit=3{cursor}"), &key, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        let body = answer.json();
        seen.extend(body["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        post(100 + page).await;
        match body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    made.reverse();
    assert_eq!(seen, made);
    for bad in ["&cursor=nonsense", "&cursor=", "&cursor=AAAA", &cursor] {
        let key = if bad == cursor { &foreign } else { &key };
        let answer = app.call(Method::GET, &format!("/api/v1/events?limit=3{bad}"), key, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(answer.text("/field"), "cursor");
    }
    let elsewhere = app.call(Method::GET, &format!("/api/v1/deliveries?limit=3{cursor}"), &key, None).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST, "a cursor is its list's own");
    for limit in ["0", "251", "-1", "many"] {
        let answer = app.call(Method::GET, &format!("/api/v1/events?limit={limit}"), &key, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{limit}");
    }
}

async fn a_request_that_cannot_be_answered_says_what_to_do(databases: Databases) {
    let app = app(databases).await;
    let (_, key) = app.tenant("acme").await;
    let bearer = format!("Bearer {key}");
    let json_type = ("content-type", "application/json");
    let authorized = [("authorization", bearer.as_str()), json_type];
    let subscribe = "/connect/v1/webhooks/github/subscribe";
    let http = json!({ "callbackUrl": "http://example.com/", "eventType": "push" }).to_string();
    let unknown_field =
        json!({ "callbackUrl": "https://example.com/", "eventType": "push", "secrte": "x" }).to_string();
    let unknown_provider = json!({ "provider": "metta_lead_ads", "accountKey": "1" }).to_string();
    let large = format!("\"{}\"", "x".repeat(hookyard_model::limits::API_BODY_BYTES_MAX));
    for (what, path, headers, body, status, says) in [
        ("no key", subscribe, &[json_type][..], http.clone(), StatusCode::UNAUTHORIZED, "Authorization: Bearer"),
        ("not JSON", subscribe, &authorized[..], "{\"callbackUrl\": }".to_owned(), StatusCode::BAD_REQUEST, "line 1"),
        (
            "no JSON content",
            subscribe,
            &authorized[..1],
            http.clone(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "application/json",
        ),
        ("plain http", subscribe, &authorized[..], http.clone(), StatusCode::UNPROCESSABLE_ENTITY, "https"),
        ("an unknown field", subscribe, &authorized[..], unknown_field, StatusCode::UNPROCESSABLE_ENTITY, "secrte"),
        (
            "a missing field",
            subscribe,
            &authorized[..],
            "{}".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "callbackUrl",
        ),
        (
            "an unknown provider",
            "/connect/v1/webhooks/githib/subscribe",
            &authorized[..],
            http.clone(),
            StatusCode::NOT_FOUND,
            "provider",
        ),
        (
            "an account's unknown provider",
            "/api/v1/accounts",
            &authorized[..],
            unknown_provider,
            StatusCode::UNPROCESSABLE_ENTITY,
            "meta_lead_ads",
        ),
        ("too large", subscribe, &authorized[..], large, StatusCode::PAYLOAD_TOO_LARGE, "bytes"),
        ("an unknown route", "/api/v1/nothing", &authorized[..], "{}".to_owned(), StatusCode::NOT_FOUND, ""),
    ] {
        let answer = app.post(path, headers, body).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.json());
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert!(answer.text("/type").starts_with("urn:hookyard:problem:"), "{what}");
        let told = format!("{} {}", answer.text("/detail"), answer.text("/field"));
        assert!(told.contains(says), "{what}: {}", answer.json());
    }
    let unknown = app.call(Method::GET, "/api/v1/events/evt_00000000000000000000000000", &key, None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(app.call(Method::GET, "/api/v1/events/not-an-id", &key, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.call(Method::PUT, "/api/v1/events", &key, None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let forged = app.call(Method::GET, "/api/v1/events", "hy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", None).await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
}

async fn the_same_idempotency_key_makes_one_thing(databases: Databases) {
    let app = app(databases).await;
    let (_, key) = app.tenant("acme").await;
    let bearer = format!("Bearer {key}");
    let body = |url: &str| json!({ "callbackUrl": url, "eventType": "push" }).to_string();
    let post = async |body: String, idempotency: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", idempotency),
        ];
        app.post("/connect/v1/webhooks/github/subscribe", &headers, body).await
    };
    let (first, second) =
        tokio::join!(post(body("https://a.example/"), "one"), post(body("https://a.example/"), "one"));
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", second.json());
    assert_eq!(first.text("/id"), second.text("/id"));
    let other = post(body("https://b.example/"), "one").await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.json());
    assert_eq!(post(body("https://b.example/"), "two").await.status, StatusCode::CREATED);
    let listed = app.call(Method::GET, "/api/v1/webhooks", &key, None).await;
    assert_eq!(listed.json()["data"].as_array().map(Vec::len), Some(2));
}

async fn keys_may_do_what_their_scopes_say_until_they_are_revoked(databases: Databases) {
    let app = app(databases).await;
    let (tenant, admin) = app.tenant("acme").await;
    let keys = format!("/api/v1/tenants/{tenant}/keys");
    let mint = async |scopes: Value| {
        let made = app.call(Method::POST, &keys, &admin, Some(&json!({ "name": "k", "scopes": scopes }))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        (made.text("/id"), made.text("/key"))
    };
    let (id, reader) = mint(json!(["read"])).await;
    let (_, manager) = mint(json!(["manage"])).await;
    let account = json!({ "provider": "github", "accountKey": "a/b", "secrets": { "secret": "s3cret" } });
    assert_eq!(app.call(Method::GET, "/api/v1/events", &reader, None).await.status, StatusCode::OK);
    let refused = app.call(Method::POST, "/api/v1/accounts", &reader, Some(&account)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text("/detail").contains("manage"));
    assert_eq!(app.call(Method::POST, "/api/v1/accounts", &manager, Some(&account)).await.status, StatusCode::CREATED);
    assert_eq!(app.call(Method::GET, &keys, &manager, None).await.status, StatusCode::FORBIDDEN);
    let gone = app.call(Method::DELETE, &format!("{keys}/{id}"), &admin, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.json());
    assert_eq!(app.call(Method::GET, "/api/v1/events", &reader, None).await.status, StatusCode::UNAUTHORIZED);
    for scopes in [json!([]), json!(["root"])] {
        let body = json!({ "name": "k", "scopes": scopes });
        let refused = app.call(Method::POST, &keys, &admin, Some(&body)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.json());
    }
}

async fn the_operators_endpoints_answer(databases: Databases) {
    let app = app(databases).await;
    let get = async |path: &str| app.send(Method::GET, path, &[], "").await;
    assert_eq!(get("/healthz").await.status, StatusCode::OK);
    assert_eq!(get("/readyz").await.status, StatusCode::OK);
    let metrics = get("/metrics").await;
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("hookyard_ingest_seconds"));
    let openapi = get("/openapi.json").await.json();
    assert!(openapi["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{openapi}");
    for path in ["/webhook/{provider}", "/leads/{lead}", "/api/v1/events", "/connect/v1/webhooks/{provider}/subscribe"]
    {
        assert!(openapi["paths"].get(path).is_some(), "{path} is not in the OpenAPI document");
    }
    let tenants = app.operate(Method::GET, "/api/v1/tenants", None).await;
    assert_eq!(tenants.status, StatusCode::OK);
    let (_, key) = app.tenant("acme").await;
    assert_eq!(app.call(Method::GET, "/api/v1/tenants", &key, None).await.status, StatusCode::FORBIDDEN);
}
