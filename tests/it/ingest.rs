//! From the wire to the log: what is believed, what is refused, and that nothing is logged of the latter.

use hookyard_model::event::EventStatus;
use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;
use hookyard_store::{EventFilter, PageRequest};
use hyper::{Method, StatusCode};
use serde_json::json;
use support::{Databases, TestApp, sign};

use crate::{app, on_both_databases};

on_both_databases! {
    the_published_github_vectors_pass_and_every_change_to_them_is_refused;
    the_published_standard_webhooks_vectors_pass_within_their_time_and_every_change_is_refused;
    metas_handshake_echoes_the_challenge_only_for_the_right_token;
    a_request_that_is_not_whole_small_and_plain_is_refused_with_what_to_do;
    leads_of_several_pages_in_one_post_go_to_their_tenants;
    a_signed_body_is_verified_as_it_came_and_not_as_it_would_be_written_again;
    an_account_takes_no_request_that_another_accounts_secret_signed;
}

/// Published samples: secret, body, signature. Sources: docs.github.com "Validating webhook deliveries";
/// octokit/webhooks-methods.js; google/go-github; adnanh/webhook.
const GITHUB: [(&str, &[u8], &str); 6] = [
    (
        "It's a Secret to Everybody",
        b"Hello, World!",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    ("mysecret", br#"{"foo":"bar"}"#, "4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3"),
    (
        "development",
        "{\"foo\":\"Foo\\n\\u001B[34mbar: ♥♥♥♥♥♥♥♥\\nthis-is-lost\\u001B[0m\\u001B[2K\"}".as_bytes(),
        "afecc3caa27548bb90d51a50384cb2868b9a3327b4ad6a01c9bd4ed0f8b0b12c",
    ),
    ("0123456789abcdef", br#"{"yo":true}"#, "b1f8020f5b4cd42042f807dd939015c4a418bc1ff7f604dd55b0a19b5d953d9b"),
    ("secret", br#"{"a": "z"}"#, "f417af3a21bd70379b5796d5f013915e7029f62c580fb0f500f59a35a6f04c89"),
    ("secret", b"", "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"),
];

async fn logged(app: &TestApp, tenant: TenantId) -> usize {
    let page = PageRequest::first(250);
    app.host().store().event_list(tenant, EventFilter::default(), page).await.unwrap().len()
}

async fn the_published_github_vectors_pass_and_every_change_to_them_is_refused(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    for (index, (secret, body, mac)) in GITHUB.into_iter().enumerate() {
        let path = app.repository(&key, &format!("acme/repository-{index}"), secret).await;
        let before = logged(&app, tenant).await;
        let good = format!("sha256={mac}");
        let delivery = format!("72d3162e-cc78-11e3-81ab-4c9367dc095{index}");
        let answer = app.post(&path, &[("x-hub-signature-256", &good), ("x-github-delivery", &delivery)], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        assert_eq!(app.ended(tenant, answer.events()[0]).await.status, EventStatus::Processed);
        assert_eq!(logged(&app, tenant).await, before + 1);

        let flip = |text: &str, place: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            String::from_utf8(bytes).unwrap()
        };
        let mut changed = body.to_vec();
        match changed.first_mut() {
            Some(first) => *first ^= 1,
            None => changed.push(b' '),
        }
        let last = good.len() - 1;
        for (what, headers, body) in [
            ("a changed body", vec![good.clone()], changed),
            ("a changed signature", vec![flip(&good, 7)], body.to_vec()),
            ("its last digit changed", vec![flip(&good, last)], body.to_vec()),
            ("a truncated signature", vec![good[..40].to_owned()], body.to_vec()),
            ("an odd number of digits", vec![good[..good.len() - 1].to_owned()], body.to_vec()),
            ("uppercase digits", vec![good.to_uppercase()], body.to_vec()),
            ("uppercase hex behind the prefix", vec![format!("sha256={}", mac.to_uppercase())], body.to_vec()),
            ("no prefix", vec![mac.to_owned()], body.to_vec()),
            ("another algorithm's prefix", vec![format!("sha1={mac}")], body.to_vec()),
            ("not hexadecimal", vec!["sha256=zz".to_owned()], body.to_vec()),
            ("nothing", vec![String::new()], body.to_vec()),
            ("no header", vec![], body.to_vec()),
            ("two different headers", vec![good.clone(), flip(&good, 8)], body.to_vec()),
        ] {
            let headers: Vec<_> = headers.iter().map(|value| ("x-hub-signature-256", value.as_str())).collect();
            let answer = app.post(&path, &headers, body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {}", answer.json());
            assert_eq!(logged(&app, tenant).await, before + 1, "{what} was logged");
        }
    }
}

/// Published samples: secret, id, time, body, signature. Sources: the specification's Python library; svix-webhooks;
/// openai-python.
const STANDARD: [(&str, &str, i64, &str, &str); 3] = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        r#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    (
        "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=",
        "wh_685c059ae39c8190af8c71ed1022a24d",
        1_750_861_210,
        r#"{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}}"#,
        "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=",
    ),
];

async fn the_published_standard_webhooks_vectors_pass_within_their_time_and_every_change_is_refused(
    databases: Databases,
) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    for (index, (secret, id, timestamp, body, signature)) in STANDARD.into_iter().enumerate() {
        let account = json!({
            "provider": "standard_webhooks", "accountKey": format!("sender-{index}"), "secrets": { "secret": secret },
        });
        let made = app.call(Method::POST, "/api/v1/accounts", &key, Some(&account)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
        let path = format!("/webhook/standard_webhooks/{}", made.text("/id"));
        let at = timestamp.to_string();
        let post = async |off: i64, headers: &[(&str, &str)], body: &str| {
            app.clock.set(Instant::from_millis((timestamp + off) * 1_000));
            app.post(&path, headers, body).await
        };
        let good = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature)];
        let svix = [("svix-id", id), ("svix-timestamp", at.as_str()), ("svix-signature", signature)];
        let first = post(299, &good, body).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.json());
        assert_eq!(app.ended(tenant, first.events()[0]).await.status, EventStatus::Processed);
        let again = post(-299, &svix, body).await;
        assert_eq!(again.status, StatusCode::OK, "the older names mean the same");
        assert_eq!(app.ended(tenant, again.events()[0]).await.status, EventStatus::Duplicate);
        let before = logged(&app, tenant).await;

        let changed = body.replacen('t', "T", 1);
        let shifted = (timestamp + 1).to_string();
        let unknown = signature.replace("v1,", "v9,");
        let flipped = signature.replacen("v1,", "v1,A", 1);
        let only =
            |name: &'static str, value: &'static str| good.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
        for (what, off, headers, body) in [
            ("301 s late", 301, good.to_vec(), body),
            ("301 s early", -301, good.to_vec(), body),
            ("a changed body", 0, good.to_vec(), changed.as_str()),
            ("a changed id", 0, only("webhook-id", "msg_other").to_vec(), body),
            ("an id with a dot", 0, only("webhook-id", "a.b").to_vec(), body),
            ("a changed time", 0, vec![good[0], ("webhook-timestamp", &shifted), good[2]], body),
            ("a time that is no integer", 0, only("webhook-timestamp", "1e9").to_vec(), body),
            ("an unknown version only", 0, vec![good[0], good[1], ("webhook-signature", &unknown)], body),
            ("a changed signature", 0, vec![good[0], good[1], ("webhook-signature", &flipped)], body),
            ("an empty signature", 0, only("webhook-signature", "").to_vec(), body),
            ("no signature", 0, good[..2].to_vec(), body),
            ("two different signatures", 0, [&good[..], &[("webhook-signature", "v1,AAAA")]].concat(), body),
        ] {
            let answer = post(off, &headers, body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {}", answer.json());
            assert_eq!(logged(&app, tenant).await, before, "{what} was logged");
        }
    }
}

async fn metas_handshake_echoes_the_challenge_only_for_the_right_token(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let ask = async |token: &str, challenge: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}");
        app.send(Method::GET, &format!("/webhook/meta_lead_ads?{query}"), &[], "").await
    };
    let echo = ask("verify-me", "1158201444").await;
    assert_eq!((echo.status, echo.bytes.as_slice()), (StatusCode::OK, &b"1158201444"[..]));
    assert_eq!(echo.headers["x-content-type-options"], "nosniff");
    assert!(echo.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    for token in ["verify-m", "", "VERIFY-ME"] {
        let refused = ask(token, "1158201444").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{token:?}");
        assert!(!String::from_utf8_lossy(&refused.bytes).contains("1158201444"));
    }
    let scripted = ask("verify-me", "%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!String::from_utf8_lossy(&scripted.bytes).contains("script>"), "no markup is echoed");
}

async fn a_request_that_is_not_whole_small_and_plain_is_refused_with_what_to_do(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let path = app.repository(&key, "acme/repository", "secret").await;
    let unknown = app.post("/webhook/nobody", &[], "{}").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.text("/type"), "urn:hookyard:problem:unknown-provider");
    let nobody = app.post("/webhook/github/acc_00000000000000000000000000", &[], "{}").await;
    let nonsense = app.post("/webhook/github/..%2f..%2fetc", &[], "{}").await;
    for answer in [nobody, nonsense] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.text("/type"), "urn:hookyard:problem:unknown-account");
        assert!(answer.text("/detail").contains("webhookUrl"), "it says what to do");
    }
    let account_of_another_provider = path.replace("github", "meta_lead_ads");
    assert_eq!(app.post(&account_of_another_provider, &[], "{}").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.post("/webhook/github", &[], "{}").await.status, StatusCode::NOT_FOUND, "no shared route");

    let large = vec![b' '; hookyard_model::limits::WEBHOOK_BODY_BYTES_MAX + 1];
    let signature = sign::hub("secret", &large);
    let answer = app.post(&path, &[("x-hub-signature-256", &signature)], large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = app.post(&path, &[("content-encoding", "gzip")], "{}").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(app.send(Method::DELETE, &path, &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(logged(&app, tenant).await, 0);
}

async fn leads_of_several_pages_in_one_post_go_to_their_tenants(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (first, first_key) = app.tenant("first").await;
    let (second, second_key) = app.tenant("second").await;
    app.page(&first_key, "111").await;
    app.page(&second_key, "900719925474099312345").await;
    for lead in ["1", "2", "3"] {
        app.graph.add(lead, &[("email", "a@example.com")]);
    }
    let answer = app.leadgen(&[("111", "1"), ("900719925474099312345", "2"), ("333", "3")]).await;
    assert_eq!(answer.status, StatusCode::OK, "a page that nobody connected is no failure");
    assert_eq!(answer.events().len(), 2);
    assert_eq!((logged(&app, first).await, logged(&app, second).await), (1, 1));
    app.until("a sample of what belonged to nobody, for the operator", async || {
        let refusals = app.operate(Method::GET, "/api/v1/refusals", None).await.json();
        refusals["data"].as_array()?.iter().any(|row| row["reason"] == "unclaimed").then_some(())
    })
    .await;
}

async fn a_signed_body_is_verified_as_it_came_and_not_as_it_would_be_written_again(databases: Databases) {
    let app = app(databases).await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    app.graph.add("12345678901234567890123", &[("full_name", "Jörg Müller")]);
    // Escaped, spaced, and with an id as a number far beyond 2^53: Meta signs what it writes.
    let body = br#"{ "object":"page", "entry":[{"id":111,"time":1,"changes":[{"field":"leadgen","value":{"leadgen_id":12345678901234567890123,"page_id":111,"form_id":1,"created_time":1440120384,"name":"J\u00f6rg"}}]}]}"#;
    let signature = sign::hub(support::APP_SECRET, body);
    let answer = app.post("/webhook/meta_lead_ads", &[("x-hub-signature-256", &signature)], body.to_vec()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let row = app.ended(tenant, answer.events()[0]).await;
    assert_eq!(row.status, EventStatus::Processed, "{:?}", row.outcome);
    let lead = app.host().store().lead_get(tenant, row.outcome.lead.unwrap()).await.unwrap().unwrap();
    assert_eq!(lead.lead.provider_lead_id, "12345678901234567890123");
    assert_eq!(lead.lead.full_name.as_deref(), Some("Jörg Müller"));
    let again = serde_json::from_slice::<serde_json::Value>(body).unwrap().to_string();
    let answer = app.post("/webhook/meta_lead_ads", &[("x-hub-signature-256", &signature)], again).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "the same JSON written again is another body");
}

async fn an_account_takes_no_request_that_another_accounts_secret_signed(databases: Databases) {
    let app = app(databases).await;
    let (_, mine) = app.tenant("mine").await;
    let (_, theirs) = app.tenant("theirs").await;
    let path = app.repository(&mine, "mine/repository", "my secret").await;
    app.repository(&theirs, "theirs/repository", "their secret").await;
    let signature = sign::hub("their secret", b"{}");
    let answer = app.post(&path, &[("x-hub-signature-256", &signature)], "{}").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
