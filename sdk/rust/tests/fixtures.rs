//! The harness refuses what it must: a check that cannot fail checks nothing.
#![expect(clippy::unwrap_used, reason = "the functions that prepare a case are tests, too, if by another name")]

use std::fs;
use std::panic;
use std::path::Path;

use hookyard_sdk::{
    CredentialSpec, Digest, Failure, HttpRequest, Inbound, Json, Malformed, Manifest, Normalized, Proof, Provider,
    Reception, SecretSpec, fixtures, http, proof, secrets,
};

/// Receives what can be proved, fetches once, and hands the answer on.
struct Echo;

impl Provider for Echo {
    fn describe() -> Manifest {
        Manifest {
            id: "echo".into(),
            secrets: vec![SecretSpec::account("key", "The key.")],
            credentials: vec![CredentialSpec::bearer("token", "The token.")],
            hosts: vec!["api.example.com".into()],
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        let proof = Proof::hmac_sha256("key").signed_body().signatures(proof::hex_header(&request, "X-Sig", ""));
        let challenge = secrets::hmac("key", Digest::Sha256, b"challenge")?;
        let event_id = format!("{:02x}", challenge.first().copied().unwrap_or_default());
        let payload = request.text().ok_or("the body is not UTF-8")?.to_owned();
        let event = Inbound { event_id: Some(event_id), payload, ..Inbound::default() };
        Ok(Reception::new(proof, vec![event]))
    }

    fn normalize(event: Inbound, _settings: Json) -> Result<Vec<Normalized>, Failure> {
        let request = http::post("https://api.example.com/echo").header("X-A", "b").credential("token");
        let answer = request.body(event.payload).send()?;
        if answer.status == 429 {
            return Err(Failure::retry("too fast").after_ms(1500));
        }
        let data = answer.text().unwrap_or_default().to_owned();
        Ok(vec![Normalized { event_type: "echo".into(), lead: None, data }])
    }
}

const REQUEST: &str = "POST https://hooks.example.com/webhook/echo HTTP/1.1\nX-Sig: ab\n\n1";
const FETCH: &str = "POST https://api.example.com/echo HTTP/1.1\nx-a: b\nx-hookyard-credentials: token\n\n1";
const ANSWER: &str = "HTTP/1.1 200 OK\n\n12345678901234567890";
const EXPECTED: &str = r#"{
    "proof": {"kind": "hmac", "secret": "key", "digest": "sha256", "signed": ["body"]},
    "events": [{"eventType": "", "eventId": "d2", "payload": 1}],
    "normalized": [[{"eventType": "echo", "data": 12345678901234567890}]]
}"#;

/// The case that holds, with some files written otherwise; an empty text is no file.
fn run(changes: &[(&str, &str)]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("fixtures/case");
    fs::create_dir_all(&case).unwrap();
    let files = [
        ("request.http", REQUEST),
        ("secrets.json", r#"{"key": "s"}"#),
        ("fetch-1.request.http", FETCH),
        ("fetch-1.response.http", ANSWER),
        ("expected.json", EXPECTED),
    ];
    for (name, text) in files.iter().chain(changes) {
        write(&case, name, text);
    }
    let path = folder.path().to_str().unwrap().to_owned();
    let result = panic::catch_unwind(|| fixtures::check::<Echo>(&path));
    result.map_err(|panic| *panic.downcast::<String>().unwrap())
}

fn write(case: &Path, name: &str, text: &str) {
    let path = case.join(name);
    if text.is_empty() {
        fs::remove_file(path).unwrap();
    } else {
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_case_that_holds_passes() {
    assert_eq!(run(&[]), Ok(()));
}

#[test]
fn an_expected_failure_passes() {
    let changes = [
        ("fetch-1.response.http", "HTTP/1.1 429 Too Many Requests\n\n"),
        ("expected.json", ""),
        ("error.txt", "retry after 1500 ms: too fast\n"),
    ];
    assert_eq!(run(&changes), Ok(()));
}

#[test]
fn every_departure_is_told_with_its_place() {
    for (name, text, told) in [
        ("expected.json", &EXPECTED.replace("67890}", "67891}")[..], "case: .normalized[0][0].data is not"),
        ("expected.json", &EXPECTED.replace("\"d2\"", "\"d3\""), ".events[0].eventId is not"),
        ("expected.json", "", "exactly one of expected.json and error.txt"),
        ("error.txt", "permanent: x", "exactly one of expected.json and error.txt"),
        ("expected.jsn", "{}", "`expected.jsn` is no file of a fixture"),
        ("inbound.json", r#"{"eventType":"a","payload":1}"#, "exactly one of request.http, inbound.json"),
        ("request.http", "", "exactly one of request.http, inbound.json"),
        ("fetch-1.request.http", &FETCH.replace("echo", "other"), "fetch-1: the URL differs"),
        ("fetch-1.request.http", &FETCH.replace("x-a: b", "x-a: c"), "fetch-1: the header `x-a: c` is missing"),
        ("fetch-1.request.http", &FETCH.replace("token", "other"), "fetch-1: the list of credentials differs"),
        ("fetch-1.request.http", &format!("{FETCH}\n"), "fetch-1: the body differs"),
        ("fetch-1.request.http", "", "fetch-1.request.http is missing"),
        ("fetch-1.response.http", "", "fetch-1.response.http is missing"),
        ("fetch-3.request.http", FETCH, "`fetch-3.request.http` is no file of a fixture, or a number before it"),
        ("secrets.json", r#"{"other": "s"}"#, "the manifest has no secret `other`"),
    ] {
        let problems = run(&[(name, text)]).unwrap_err();
        assert!(problems.contains(told), "{name}: {problems}");
    }
}

#[test]
fn a_fetch_too_few_and_a_fetch_too_many_are_told() {
    let too_few = run(&[("fetch-1.request.http", ""), ("fetch-1.response.http", "")]).unwrap_err();
    assert!(too_few.contains("there is no fetch-1.request.http"), "{too_few}");
    let too_many = run(&[("fetch-2.request.http", FETCH), ("fetch-2.response.http", ANSWER)]).unwrap_err();
    assert!(too_many.contains("fetch-2 was never asked for"), "{too_many}");
}

#[test]
fn a_plugin_without_fixtures_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    assert!(panic::catch_unwind(|| fixtures::check::<Echo>(&path)).is_err());
}
