//! The harness plays the host to flows and destinations, and refuses what differs.
#![expect(clippy::unwrap_used, reason = "the functions that prepare a case are tests, too, if by another name")]

use std::fs;
use std::panic;
use std::time::Duration;

use hookyard_sdk::{
    Action, Change, CredentialSpec, Destination, DestinationManifest, Failure, Flow, FlowManifest, Json, PushOrder,
    Receipt, Trigger, clock, fixtures, http, state,
};

/// Does everything that a flow can do, once.
struct Everything;

impl Flow for Everything {
    fn describe() -> FlowManifest {
        FlowManifest { id: "everything".into(), hosts: vec!["api.example.com".into()], ..FlowManifest::empty() }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        if settings != "{}" {
            return Err(Failure::permanent(settings));
        }
        let known = state::get("list").unwrap_or_default();
        state::set("began", clock::now().to_string());
        let began: Option<u64> = state::get_json("began")?;
        clock::sleep(Duration::from_millis(1500));
        state::set("list", [b"x ", known.as_slice()].concat());
        state::set("bytes", [0xff]);
        state::set("null", "null");
        state::delete("old");
        let answer = http::get("https://api.example.com/").send()?;
        let data = serde_json::json!({
            "answer": answer.status,
            "old": state::get("old").is_none(),
            "waited": clock::now() - began.unwrap_or_default(),
            "id": trigger.event.id,
        });
        Ok(vec![
            Action::emit("done", &data),
            Action::update_lead([Change::set("company", "ACME"), Change::clear("role")]),
            Action::push_lead(
                trigger.lead.and_then(|lead| lead.custom_field("crm").map(str::to_owned)).unwrap_or_default(),
            ),
            Action::drop("enough"),
        ])
    }
}

/// Writes where it was told to, and says so.
struct Ledger;

impl Destination for Ledger {
    fn describe() -> DestinationManifest {
        DestinationManifest {
            id: "ledger".into(),
            hosts: vec!["api.example.com".into()],
            credentials: vec![CredentialSpec::bearer("token", "The token.")],
            ..DestinationManifest::empty()
        }
    }

    fn push(order: PushOrder) -> Result<Receipt, Failure> {
        let id = order.previous.map_or("new".to_owned(), |receipt| receipt.external_id);
        let body = order.mapping + &order.settings;
        let request = http::put(format!("https://api.example.com/{id}")).credential("token").body(body);
        let answer = request.send()?.or_failure("the ledger")?;
        Ok(Receipt { external_id: order.lead_id, url: answer.text().map(str::to_owned) })
    }
}

const FETCH: &str = "GET https://api.example.com/ HTTP/1.1\n\n";
const FLOW: [(&str, &str); 6] = [
    (
        "trigger.json",
        r#"{"event": {"eventType": "a", "data": 1},
            "lead": {"customFields": [{"name": "crm", "value": "hub"}], "isTest": true}}"#,
    ),
    ("state.json", r#"{"list": [1, "a b"], "old": "text"}"#),
    ("settings.json", "{}"),
    ("fetch-1.request.http", FETCH),
    ("fetch-1.response.http", "HTTP/1.1 200 OK\n\n"),
    (
        "expected.json",
        r#"{
            "actions": [
                {"emit": {"eventType": "done", "data":
                    {"answer": 200, "id": "evt_00000000000000000000000000", "old": true, "waited": 1500}}},
                {"updateLead": [{"field": "company", "value": "ACME"}, {"field": "role"}]},
                {"pushLead": {"destination": "hub"}},
                {"drop": "enough"}
            ],
            "state": {
                "began": 1767225600000, "list": "x [1,\"a b\"]", "bytes": {"base64": "/w=="}, "null": "null", "old": null
            },
            "slept": [1500]
        }"#,
    ),
];

const DESTINATION: [(&str, &str); 5] = [
    (
        "order.json",
        r#"{"leadId": "lead_00000000000000000000000001", "lead": {}, "mapping": {"a": 1},
            "previous": {"externalId": "7"}}"#,
    ),
    ("settings.json", r#"{"b":2}"#),
    (
        "fetch-1.request.http",
        "PUT https://api.example.com/7 HTTP/1.1\nx-hookyard-credentials: token\n\n{\"a\": 1}{\"b\":2}",
    ),
    ("fetch-1.response.http", "HTTP/1.1 200 OK\n\nhttps://ledger/7"),
    ("expected.json", r#"{"receipt": {"externalId": "lead_00000000000000000000000001", "url": "https://ledger/7"}}"#),
];

/// The case that holds, with some files written otherwise; an empty text is no file.
fn run(check: fn(&str), files: &[(&str, &str)], changes: &[(&str, &str)]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("fixtures/case");
    fs::create_dir_all(&case).unwrap();
    for (name, text) in files.iter().chain(changes) {
        fs::write(case.join(name), text).unwrap();
        if text.is_empty() {
            fs::remove_file(case.join(name)).unwrap();
        }
    }
    let path = folder.path().to_str().unwrap().to_owned();
    let result = panic::catch_unwind(|| check(&path));
    result.map_err(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn a_flow_sees_its_own_writes_and_time_pass_while_it_sleeps() {
    assert_eq!(run(fixtures::check_flow::<Everything>, &FLOW, &[]), Ok(()));
}

#[test]
fn a_destination_gets_mapping_settings_and_what_came_of_the_last_push() {
    assert_eq!(run(fixtures::check_destination::<Ledger>, &DESTINATION, &[]), Ok(()));
}

#[test]
fn failures_of_both_are_errors() {
    let changes = [("settings.json", r#"{"a":1}"#), ("expected.json", ""), ("error.txt", "permanent: {\"a\":1}\n")];
    let unfetched = [("fetch-1.request.http", ""), ("fetch-1.response.http", "")];
    let changes = [&changes[..], &unfetched].concat();
    assert_eq!(run(fixtures::check_flow::<Everything>, &FLOW, &changes), Ok(()));
    let changes = [
        ("fetch-1.response.http", "HTTP/1.1 401 Unauthorized\n\n"),
        ("expected.json", ""),
        ("error.txt", "unauthorized: the ledger answered 401"),
    ];
    assert_eq!(run(fixtures::check_destination::<Ledger>, &DESTINATION, &changes), Ok(()));
}

#[test]
fn every_departure_of_a_flow_is_told() {
    let expected = FLOW[5].1;
    for (name, text, told) in [
        ("trigger.json", "", "trigger.json is missing"),
        ("trigger.json", r#"{"event": {"eventType": "a"}}"#, "missing field `data`"),
        ("trigger.json", r#"{"event": {"eventType": "a", "data": 1, "id": "evt_1"}}"#, "`evt_1` is no id"),
        (
            "trigger.json",
            r#"{"event": {"eventType": "a", "data": 1, "leadId": "lead_8000000000000000000000000l"}}"#,
            "is no id",
        ),
        ("trigger.json", r#"{"event": {"eventType": "a", "data": 1}}"#, ".actions[2].pushLead.destination is not"),
        ("request.http", FETCH, "`request.http` is no file of a fixture"),
        ("secrets.json", "{}", "`secrets.json` is no file of a fixture"),
        ("state.json", "{}", ".state.list is not"),
        ("expected.json", &expected.replace("[1500]", "[1501]"), ".slept[0] is not"),
        ("expected.json", &expected.replace("hub", "bub"), ".actions[2].pushLead.destination is not"),
        ("expected.json", &expected.replace(r#", "old": null"#, ""), ".state.old was not expected"),
        ("fetch-1.request.http", "GET https://api.example.com/a HTTP/1.1\n\n", "fetch-1: the URL differs"),
    ] {
        let problems = run(fixtures::check_flow::<Everything>, &FLOW, &[(name, text)]).unwrap_err();
        assert!(problems.contains(told), "{name}: {problems}");
    }
}

#[test]
fn every_departure_of_a_destination_is_told() {
    for (name, text, told) in [
        ("order.json", "", "order.json is missing"),
        ("order.json", r#"{"leadId": "lead_1", "lead": {}}"#, "`lead_1` is no id"),
        ("state.json", "{}", "`state.json` is no file of a fixture"),
        ("settings.json", "", "fetch-1: the body differs"),
        ("expected.json", r#"{"receipt": {"externalId": "x"}}"#, ".receipt.externalId is not"),
    ] {
        let problems = run(fixtures::check_destination::<Ledger>, &DESTINATION, &[(name, text)]).unwrap_err();
        assert!(problems.contains(told), "{name}: {problems}");
    }
}
