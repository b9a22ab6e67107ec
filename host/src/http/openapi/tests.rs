//! The description is whole and true to the routes.

use std::collections::BTreeSet;

use serde_json::Value;

fn description() -> Value {
    serde_json::to_value(crate::http::router::description()).unwrap()
}

/// Every operation with its method and path.
fn each(description: &Value, look: &mut impl FnMut(&str, &Value)) {
    for (path, item) in description.get("paths").and_then(Value::as_object).unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            look(&format!("{method} {path}"), operation);
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_description_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let description = description();
    assert_eq!(description["openapi"], "3.1.0");
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let description = description();
    let tags: BTreeSet<&str> =
        description["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    let mut count = 0;
    each(&description, &mut |route, operation| {
        count += 1;
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{route}");
        assert!(ids.insert(operation["operationId"].to_string()), "{route}: the same operation id twice");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{route}: a tag without a description");
        assert!(operation.pointer("/responses/default/content/application~1problem+json").is_some(), "{route}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(status == "204" || response.get("content").is_some(), "{route} {status} has no content");
        }
    });
    assert!(count >= 40, "{count}");
}

#[test]
fn every_post_can_be_made_safe_to_repeat_and_every_list_is_paged() {
    let description = description();
    each(&description, &mut |route, operation| {
        let has = |name: &str| operation["parameters"].as_array().into_iter().flatten().any(|p| p["name"] == name);
        let repeatable = route.starts_with("post ") && operation["tags"][0] != "inbound";
        assert_eq!(has("Idempotency-Key"), repeatable, "{route}");
        let answer = operation.pointer("/responses/200/content/application~1json/schema/$ref").and_then(Value::as_str);
        if answer.is_some_and(|answer| answer.contains("/Page_")) {
            assert!(has("limit") && has("cursor"), "{route}");
        }
        for name in route.split(['{', '}']).skip(1).step_by(2) {
            assert!(has(name), "{route} does not describe {name}");
        }
    });
}

#[test]
fn everything_but_webhooks_and_operations_asks_for_a_key() {
    let description = description();
    assert_eq!(description["security"], serde_json::json!([{ "key": [] }]));
    each(&description, &mut |route, operation| {
        let keyless = ["inbound", "operations"].contains(&operation["tags"][0].as_str().unwrap());
        assert_eq!(operation.get("security").is_some(), keyless, "{route}");
    });
}

#[test]
fn no_answer_has_a_field_for_a_value_that_goes_in_only() {
    let description = description();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for shown in ["Account", "Subscription", "ConnectSubscription", "Key", "Provider"] {
        let text = schemas[shown].to_string();
        for never in ["callbackSecret", "sha256", "\"secret\"", "\"key\""] {
            assert!(!text.contains(never), "{shown} has {never}");
        }
    }
}
