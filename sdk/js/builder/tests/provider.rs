//! A provider and a destination in TypeScript, built and run: proofs, leads, receipts, and how their errors read.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use hookyard_js::World;
use serde_json::{Value, json};
use support::{Guest, plugin};

fn request(url: &str, headers: &[(&str, &str)], body: &str) -> Value {
    let headers: Vec<Value> = headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"method": "POST", "url": url, "headers": headers, "body": body})
}

fn receive(guest: &mut Guest, url: &str, headers: &[(&str, &str)], body: &str) -> Value {
    guest.call("receive", &[request(url, headers, body)]).unwrap()
}

#[test]
fn a_provider_says_what_would_prove_a_request() {
    let mut guest = plugin("provider", World::Provider);
    let manifest = guest.call("describe", &[]).unwrap();
    assert_eq!(manifest["oauth"]["token-request"], "form");
    assert_eq!(manifest["credentials"][0]["attach"], "bearer");
    assert_eq!(manifest["settings-schema"], "{\"type\":\"object\",\"additionalProperties\":false}");

    let body = r#"{"events":[{"id":"e1","form":7,"at":"2023-11-14T22:13:20Z"},{"id":"e2","form":7,"at":0,"raw":"{\"n\":12345678901234567890}"}]}"#;
    let signature = format!("sha256={}", "41".repeat(32));
    let stamp = format!("t=1614265330,v1={},v1=zz", "42".repeat(32));
    let headers = [("x-sig", signature.as_str()), ("X-Old", "no base64!"), ("X-Stamp", stamp.as_str())];
    let reception = receive(&mut guest, "https://h/p", &headers, body);
    let proof = &reception["ok"]["proof"]["hmac"];
    assert_eq!(proof["signatures"], json!(["A".repeat(32), "B".repeat(32)]), "{reception:#}");
    assert_eq!(proof["signed"], json!(["body", {"text": "."}]));
    assert_eq!(proof["signed-at"], 1_614_265_330_000_u64);
    let events = &reception["ok"]["events"];
    assert_eq!(events[0]["occurred-at"], 1_700_000_000_000_u64);
    assert_eq!(events[0]["account-key"], "7");
    assert_eq!(events[1]["payload"], "{\"n\":12345678901234567890}", "digits are kept");

    let challenged = receive(&mut guest, "https://h/p?challenge=abc", &[], "");
    assert_eq!(challenged["ok"]["reply"]["body"], "{\"answer\":\"7368613235363a616263\"}");
    assert_eq!(challenged["ok"]["proof"], "handshake");
    let token = receive(&mut guest, "https://h/p", &[("x-token", "t")], "");
    assert_eq!(token["ok"]["proof"], json!({"token": {"secret": "app", "candidate": "t"}}));
}

#[test]
fn what_a_provider_gets_wrong_is_a_sentence() {
    let mut guest = plugin("provider", World::Provider);
    let mut said = |url: &str, headers: &[(&str, &str)], body: &str| {
        receive(&mut guest, url, headers, body)["err"].as_str().unwrap_or_default().to_owned()
    };
    assert!(said("https://h/p", &[], "nonsense").starts_with("the body is not JSON: "));
    assert!(said("https://h/p?challenge=123", &[], "").starts_with("no challenge of ours at index.ts:89:"));
    let conflict = said("https://h/p", &[("x-token", "a"), ("X-Token", "b")], "");
    assert!(conflict.starts_with("`X-Token` came twice, with different values at index.ts:"), "{conflict}");
    let list = said("https://h/p", &[("x-none", "1")], "");
    assert_eq!(list, "what receive returned.events must be a list, and is \"x\"");
}

#[test]
fn a_provider_fetches_and_says_who_the_person_is() {
    let mut guest = plugin("provider", World::Provider);
    let mut normalize = |payload: Value, answer: Value| {
        guest.answer = json!({"ok": {"status": 200, "headers": [], "body": answer.to_string()}});
        let event =
            json!({"event-type": "form.filled", "event-id": "e1", "occurred-at": 5, "payload": payload.to_string()});
        let result = guest.call("normalize", &[event, json!("{\"region\":\"eu\"}")]).unwrap();
        (result, guest.kept.asked.clone())
    };
    let (result, asked) = normalize(json!({"id": 1}), json!({"name": "Ada", "size": "L", "tags": ["a", "b"]}));
    assert_eq!(asked, ["GET https://forms.example.com/eu/1?fields=a+b&n=1"]);
    let lead = &result["ok"][0]["lead"];
    assert_eq!(lead["full-name"], "Ada");
    assert_eq!(lead["created-at"], 5);
    let custom =
        json!([{"name": "size", "value": "L"}, {"name": "tags", "value": "a"}, {"name": "tags", "value": "b"}]);
    assert_eq!(lead["custom-fields"], custom);
    assert_eq!(result["ok"][0]["data"], "{\"id\":1}");
    assert_eq!(result["ok"][1], json!({"event-type": "more", "lead": null, "data": "[1,2]"}));

    let (result, _) = normalize(json!({"id": 1}), json!({"misspelt": true}));
    let said = result["err"]["permanent"].as_str().unwrap();
    assert!(
        said.starts_with("what normalize returned[0].lead.emial is not known; there are providerLeadId, "),
        "{said}"
    );
    for (field, named) in [("time", "Date"), ("chance", "Math.random()")] {
        let (result, _) = normalize(json!({ field: true }), json!({}));
        let said = result["err"]["permanent"].as_str().unwrap();
        assert!(said.contains(named) && said.contains("in flows only"), "{said}");
    }
    let query = json!({"account-key": "a", "cursor": "c", "limit": 4_000_000_000_u32});
    let page = guest.call("list-page", &[query, json!("{}")]).unwrap();
    assert_eq!(page["ok"]["total"], 4_000_000_000_u64);
    assert_eq!(page["ok"]["items"][0]["payload"], "{\"limit\":4000000000}");
}

#[test]
fn a_destination_writes_once_and_says_what_went_wrong() {
    let mut guest = plugin("destination", World::Destination);
    let lead = json!({
        "provider-lead-id": "l", "email": "a@b.c", "raw-field-data": [], "custom-fields": [], "consents": [], "is-test": false,
    });
    let mut push = |answer: Value, previous: Value| {
        guest.answer = answer;
        let order = json!({
            "lead-id": "l1", "lead": lead, "mapping": "{\"email\":\"Email\"}", "settings": "{}", "previous": previous,
        });
        let result = guest.call("push", &[order]).unwrap();
        (result, guest.kept.asked.clone(), guest.kept.request.clone())
    };
    let answered = |status: u16, body: &str| json!({"ok": {"status": status, "headers": [{"name": "Retry-After", "value": "3"}], "body": body}});
    let (result, asked, request) = push(answered(200, "{\"externalId\":\"c1\"}"), Value::Null);
    assert_eq!(result, json!({"ok": {"external-id": "c1", "url": null}}));
    assert_eq!(asked, ["POST https://crm.example.com/contacts"]);
    assert_eq!(request[0]["body"], "data=%7B%22Email%22%3A%22a%40b.c%22%7D");
    let (_, asked, _) = push(answered(200, "{\"externalId\":\"c1\"}"), json!({"external-id": "a/b"}));
    assert_eq!(asked, ["PATCH https://crm.example.com/contacts/a%2Fb"]);

    let mut failed = |answer: Value| push(answer, Value::Null).0["err"].clone();
    assert_eq!(failed(answered(401, "")), json!({"unauthorized": "the CRM answered 401"}));
    assert_eq!(failed(answered(429, "")), json!({"retry": {"reason": "the CRM answered 429", "after-ms": 3000}}));
    assert!(failed(answered(404, ""))["permanent"].as_str().unwrap().starts_with("the CRM answered 404 at index.ts:"));
    assert_eq!(failed(json!({"err": "timed-out"}))["retry"]["reason"], "the peer did not answer in time");
    assert!(
        failed(json!({"err": {"refused": "no"}}))["permanent"]
            .as_str()
            .unwrap()
            .contains("the host refused the request")
    );
    assert!(
        failed(json!({"err": {"too-large": 9}}))["permanent"]
            .as_str()
            .unwrap()
            .starts_with("much too large at index.ts:25:")
    );
    let said = failed(answered(200, "{\"id\":1}"))["permanent"].clone();
    assert_eq!(said, "what push returned.id is not known; there are externalId, url");
}
