//! A flow in TypeScript, built and run: what it is given, what it may ask, and how its errors read.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use hookyard_js::World;
use serde_json::{Value, json};
use support::{Guest, NOW, build, plugin};

fn trigger(lead: bool) -> Value {
    let event = json!({
        "id": "evt_1", "event-type": "leadgen", "provider": "demo", "occurred-at": 1_699_999_999_999_u64,
        "data": "{\"a\":1}",
    });
    let lead = lead.then(|| {
        json!({
            "provider-lead-id": "l1", "full-name": "Grace", "raw-field-data": [], "consents": [], "is-test": false,
            "custom-fields": [{"name": "budget", "value": "10 €"}],
        })
    });
    json!({ "event": event, "lead": lead })
}

fn run(guest: &mut Guest, settings: Value) -> Value {
    guest.call("run", &[trigger(true), json!(settings.to_string())]).unwrap()
}

#[test]
fn a_flow_in_typescript_does_what_it_says() {
    let mut guest = plugin("flow", World::Flow);
    guest.answer =
        json!({"ok": {"status": 201, "headers": [{"name": "x-kind", "value": "k"}], "body": "{\"ok\":\"ü\"}"}});
    let manifest = guest.call("describe", &[]).unwrap();
    assert_eq!(manifest["id"], "speed_to_lead");
    assert_eq!(manifest["credentials"][0]["attach"], json!({"header": {"name": "X-Api-Key", "prefix": ""}}));

    let actions = run(&mut guest, json!({"minutes": 5}));
    let data = json!({"budget": "10 €", "at": NOW, "count": 1}).to_string();
    let emitted: Value = serde_json::from_str(actions["ok"][0]["emit"]["data"].as_str().unwrap()).unwrap();
    assert_eq!(emitted.to_string(), data, "{actions:#}");
    assert_eq!(
        actions["ok"][1]["update-lead"],
        json!([{"field": "first-name", "value": "Ada"}, {"field": "budget", "value": null}])
    );
    assert_eq!(actions["ok"][2], json!({"push-lead": {"destination": "crm"}}));

    let kept = &guest.kept;
    assert_eq!(kept.asked[1..3], ["sleep 300000", "PUT https://api.example.com/leads"]);
    assert_eq!(kept.asked[3], "info: answered 201 k {\"ok\":\"ü\"}");
    assert!(kept.asked[0].starts_with("info: run {\"id\":\"evt_1\",\"at\":\"2023-11-14T22:13:20.123Z\",\"random\":0."));
    assert_eq!(kept.request[0]["body"], "{\"grüße\":\"Hallo Grace\",\"place\":\"Zürich\"}");
    assert_eq!(kept.request[1], json!(["api_key"]));
    assert_eq!(kept.state["seen"], b"{\"count\":1}");
    let once = kept.asked[0].clone();
    run(&mut guest, json!({"minutes": 5}));
    assert_eq!(guest.kept.asked[0], once, "chance is the same at every replay");
}

#[test]
fn what_a_flow_throws_is_an_error_with_its_place() {
    let mut guest = plugin("flow", World::Flow);
    let mut failing = |how: &str| run(&mut guest, json!({"minutes": 0, "fail": how}))["err"].clone();
    let said = |failure: &Value| failure["permanent"].as_str().unwrap_or_default().to_owned();
    let place = said(&failing("type"));
    assert!(place.starts_with("TypeError: cannot read property 'foo' of undefined at index.ts:44:"), "{place}");
    assert_eq!(failing("retry"), json!({"retry": {"reason": "busy", "after-ms": 5000}}));
    let shape = said(&failing("shape"));
    assert_eq!(shape, "[0] of what run returned is no action; use emit(), updateLead(), pushLead() or drop()");
    let empty = said(&failing("emit"));
    assert!(
        empty.starts_with("the event type of emit() must be text, and not empty, and is \"\" at index.ts:50:"),
        "{empty}"
    );
    let node = said(&failing("process"));
    assert!(node.contains("there is no Node here"), "{node}");
    assert!(said(&failing("string")).starts_with("no error was thrown"));
    let memory = said(&failing("memory"));
    assert!(memory.starts_with("InternalError: out of memory at index.ts:58:"), "{memory}");
    let deep = guest.call("run", &[trigger(true), json!("{\"minutes\":0,\"fail\":\"deep\"}")]).unwrap_err();
    assert!(format!("{deep:?}").contains("call stack exhausted"), "{deep:?}");
}

#[test]
fn a_component_imports_its_world_and_no_wasi() {
    let guest = plugin("flow", World::Flow);
    let exports = guest.exports();
    assert_eq!(exports, ["init", "hookyard:plugin/flow@0.1.0"]);
    assert!(guest.imports().iter().all(|name| name.starts_with("hookyard:plugin/")), "{:?}", guest.imports());
    let made = String::from_utf8_lossy(&guest.bytes);
    assert!(made.contains("producers") && made.contains("hookyard-js") && made.contains("JavaScript"));
    let source = "import { flow, state, emit } from 'hookyard';
        export default flow({ id: 'f', name: 'F', version: '1', triggers: ['*'], run: () => [null, false && emit('x')] });";
    let mut guest = build(&[("index.js", source)], World::Flow).unwrap();
    assert_eq!(run(&mut guest, json!({})), json!({"ok": []}));
}
