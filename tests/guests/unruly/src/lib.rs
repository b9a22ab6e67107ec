//! A provider that misbehaves as it is told to: one way for each limit of the sandbox.
//!
//! In `receive` the header `x-do` says how; in `normalize` the payload's field `do`. `nothing` is to behave. A request
//! is proved by the account's secret `token` in `x-token`.

use std::hint::black_box;

use hookyard_sdk::{
    Failure, HttpRequest, Inbound, Json, Malformed, Manifest, Normalized, Proof, Provider, Reception, SecretSpec, http,
    log, secrets,
};
use serde_json::Value;

/// The guest.
pub struct Unruly;

hookyard_sdk::export!(Unruly as provider);

impl Provider for Unruly {
    fn describe() -> Manifest {
        Manifest {
            id: "unruly".into(),
            name: "Unruly".into(),
            version: "1.0.0".into(),
            summary: "Misbehaves as it is told to.".into(),
            secrets: vec![SecretSpec::account("token", "Whatever the test says.")],
            hosts: vec!["graph.facebook.com".into()],
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        let header = |name: &str| request.header(name).ok().flatten().unwrap_or_default().to_owned();
        misbehave(&header("x-do"));
        let proof = Proof::token("token", header("x-token"));
        let payload = request.text().ok_or("the body is not UTF-8")?.to_owned();
        Ok(Reception::new(proof, vec![Inbound { event_type: "unruly".into(), payload, ..Inbound::default() }]))
    }

    fn normalize(event: Inbound, _: Json) -> Result<Vec<Normalized>, Failure> {
        let payload: Value = serde_json::from_str(&event.payload)?;
        let what = payload.get("do").and_then(Value::as_str).unwrap_or("nothing");
        misbehave(what);
        let data = match what {
            "speak-nonsense" => "{not json".to_owned(),
            "flood-output" => format!("\"{}\"", "x".repeat(3 * 1024 * 1024)),
            "flood-hostcall" => "x".repeat(9 * 1024 * 1024),
            "fetch-elsewhere" => fetch("https://example.com/"),
            "fetch-metadata" => fetch("https://169.254.169.254/latest/meta-data/"),
            "fetch-for-ever" => fetch_for_ever(),
            "read-secret" => format!("{:?}", secrets::hmac("other", hookyard_sdk::Digest::Sha256, b"x").is_err()),
            _ => event.payload.clone(),
        };
        if what == "refuse" {
            return Err(Failure::permanent("it was told to refuse"));
        }
        Ok(vec![Normalized { event_type: event.event_type, lead: None, data }])
    }
}

fn fetch(url: &str) -> String {
    match http::get(url).send() {
        Ok(response) => serde_json::json!({ "status": response.status }).to_string(),
        Err(error) => serde_json::json!({ "error": format!("{error:?}") }).to_string(),
    }
}

fn fetch_for_ever() -> String {
    let mut count = 0u64;
    loop {
        count += 1;
        black_box(fetch(&format!("https://graph.facebook.com/{count}")));
    }
}

#[expect(clippy::panic, reason = "it is told to")]
fn misbehave(what: &str) {
    match what {
        "loop" => loop {
            black_box(0);
        },
        "trap" => panic!("told to panic"),
        "recurse" => {
            black_box(recurse(1));
        }
        "grow" => {
            let mut held = Vec::new();
            loop {
                held.push(Vec::<u8>::with_capacity(1024 * 1024));
                black_box(&held);
            }
        }
        "flood-log" => (0..10_000).for_each(|count| log::info(format!("line {count} of many, many lines"))),
        "flood-host" => loop {
            log::debug("again");
        },
        "flood-stdout" => {
            use std::io::Write;
            let line = [b'x'; 4096];
            (0..1_000).for_each(|_| std::io::stdout().write_all(&line).unwrap_or(()));
        }
        "exit" => std::process::exit(1),
        _ => {}
    }
}

#[expect(unconditional_recursion, reason = "it is told to")]
fn recurse(depth: u64) -> u64 {
    black_box(depth) + black_box(recurse(depth + 1))
}
