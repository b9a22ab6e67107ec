//! A flow that misbehaves as it is told to: one way for each limit of the sandbox.
//!
//! The triggering event's `do` says how; `nothing` is to behave.

use std::hint::black_box;

use hookyard_sdk::{Action, Change, Failure, Flow, FlowManifest, Json, Trigger, clock, http, log, state};
use serde_json::{Value, json};

/// The guest.
pub struct UnrulyFlow;

hookyard_sdk::export!(UnrulyFlow as flow);

impl Flow for UnrulyFlow {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "unruly_flow".into(),
            name: "Unruly flow".into(),
            version: "1.0.0".into(),
            summary: "Misbehaves as it is told to.".into(),
            triggers: vec!["*".into()],
            hosts: vec!["peer.example.com".into()],
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, _: Json) -> Result<Vec<Action>, Failure> {
        let data: Value = trigger.event.data()?;
        let what = data.get("do").and_then(Value::as_str).unwrap_or("nothing");
        misbehave(what);
        match what {
            "refuse" => Err(Failure::permanent("it was told to refuse")),
            "unauthorized" => Err(Failure::unauthorized("it was told to say so")),
            "speak-nonsense" => Ok(vec![emit_raw("nonsense", "{not json")]),
            "speak-no-text" => Ok(vec![emit_raw("nonsense", no_text())]),
            "no-event-type" => Ok(vec![emit_raw("", "{}")]),
            "flood-output" => Ok(vec![emit_raw("big", &format!("\"{}\"", "x".repeat(3 * 1024 * 1024)))]),
            "flood-hostcall" => Ok(vec![emit_raw("big", &format!("\"{}\"", "x".repeat(9 * 1024 * 1024)))]),
            "flood-actions" => Ok((0..200).map(|_| emit_raw("many", "{}")).collect()),
            "drop-too-late" => Ok(vec![Action::drop("too late")]),
            "push-nowhere" => Ok(vec![Action::push_lead("nowhere")]),
            "change-nobody" => Ok(vec![Action::update_lead([Change::set("email", "a@example.com")])]),
            "emit-loop" => Ok(vec![Action::emit(trigger.event.event_type, &json!({ "do": "emit-loop" }))]),
            "fetch-elsewhere" => Ok(vec![Action::emit("fetched", &fetch("https://example.com/"))]),
            "fetch-metadata" => Ok(vec![Action::emit("fetched", &fetch("https://169.254.169.254/latest/meta-data/"))]),
            _ => Ok(vec![]),
        }
    }
}

fn emit_raw(event_type: &str, data: &str) -> Action {
    Action::Emit(hookyard_sdk::NewEvent { event_type: event_type.to_owned(), data: data.to_owned() })
}

/// Bytes that are no UTF-8, where the contract says text: the canonical ABI of the host has to find out.
#[expect(unsafe_code, reason = "a guest in C could do this at any time")]
fn no_text() -> &'static str {
    static BYTES: [u8; 4] = [b'"', 0xff, 0xfe, b'"'];
    // SAFETY: it is never looked at as text in here, only handed over.
    unsafe { std::str::from_utf8_unchecked(black_box(&BYTES)) }
}

fn fetch(url: &str) -> Value {
    match http::get(url).send() {
        Ok(response) => json!({ "status": response.status }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    }
}

#[expect(clippy::panic, reason = "it is told to")]
fn misbehave(what: &str) {
    match what {
        "loop" => loop {
            black_box(0);
        },
        // Just within its budget, again and again: nothing to blame it for, and a core's worth of work.
        "spin" => (0..30_000_000_u64).for_each(|count| {
            black_box(count);
        }),
        "leak-handles" => (0..10_000).for_each(|_| std::mem::forget(wasip2::cli::stdout::get_stdout())),
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
        "flood-journal" => (0..1_000_u64).for_each(|count| drop(black_box(state::get(&format!("key {count}"))))),
        "flood-state" => (0..1_000).for_each(|count| state::set(&format!("key {count}"), "x")),
        "big-state" => state::set("big", vec![b'x'; 100 * 1024]),
        "bad-key" => state::set("a\nb", "x"),
        "sleep-for-ever" => clock::sleep(std::time::Duration::from_millis(u64::MAX / 2)),
        "exit" => std::process::exit(1),
        _ => {}
    }
}

#[expect(unconditional_recursion, reason = "it is told to")]
fn recurse(depth: u64) -> u64 {
    black_box(depth) + black_box(recurse(depth + 1))
}
