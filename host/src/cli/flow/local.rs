//! A test of a flow's component without any host: the same sandbox, and nothing is performed.
//!
//! Fetches are answered by what the event's file brings, in its order; a fetch beyond these ends the test. A key of state
//! that the file does not name is not there. A sleep is over at once, and time has passed.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookyard_model::effect::{Effect, Entry, FetchError, Remembered, Reply};
use hookyard_model::http::{Field, Response};
use hookyard_model::id::RunId;
use hookyard_model::instant::{Clock as _, Instant};
use hookyard_model::plugin::World;
use hookyard_model::run::Decision;
use hookyard_model::subscription::pattern_matches;
use hookyard_sandbox::{Call, NoSecrets, Step};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::recorded;
use super::sample::Sample;
use crate::cli::failure::Failure;
use crate::cli::plugin::build::Component;
use crate::cli::plugin::inspect::{self, Inspected, Running};
use crate::clock::SystemClock;
use crate::flows::inline::said;

/// The same for every test, so that its random numbers are as well.
const SEED: u64 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<Header>,
    body: Option<Box<RawValue>>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Header {
    Pair(String, String),
    Field(Field),
}

/// What came of a test so far.
#[derive(Default)]
struct Tested {
    decision: Option<Decision>,
    journal: Vec<Entry>,
    wants: Option<String>,
    reason: Option<String>,
    blame: Option<String>,
    log: Vec<String>,
    cpu: Duration,
    memory_bytes: usize,
    calls: u32,
}

/// Loads a component that has to be a flow.
pub(super) async fn load(path: &Path) -> Result<(Inspected, Running), Failure> {
    let component = Component { path: path.to_owned(), declared: None };
    flow(inspect::inspect(&component).await?, path)
}

/// Holds a component to being a flow.
pub(super) fn flow(loaded: (Inspected, Running), path: &Path) -> Result<(Inspected, Running), Failure> {
    match loaded.0.world {
        World::Flow => Ok(loaded),
        world @ (World::Provider | World::Destination) => {
            let why = format!("it is a {}", world.as_str());
            Err(Failure::user("the component is no flow").at(path.display().to_string()).why(why))
        }
    }
}

/// Runs the flow on the sample; what came of it, as the API shows a test.
pub(super) async fn test(path: &Path, sample: &Sample, settings: &str) -> Result<Value, Failure> {
    let (inspected, running) = load(path).await?;
    let now = SystemClock.now();
    let wrong = |why: String| Failure::usage("the event cannot be").why(why);
    let trigger = Arc::new(sample.trigger(now).map_err(wrong)?);
    let fetches = sample.fetches.iter().map(|answer| reply(answer));
    let mut fetches: VecDeque<Reply> = fetches.collect::<Result<_, _>>().map_err(wrong)?;
    let (settings, mut now, mut tested) = (Arc::new(settings.to_owned()), now, Tested::default());
    let started_at = now;
    loop {
        let call = Call { secrets: Arc::new(NoSecrets), now: started_at, seed: SEED };
        let (trigger, settings) = (Arc::clone(&trigger), Arc::clone(&settings));
        let journal = Arc::new(tested.journal.clone());
        let called = running.sandbox.run_flow(&running.guest, call, trigger, settings, journal).await;
        tested.calls = tested.calls.saturating_add(1);
        let finished = match called {
            Ok(finished) => finished,
            Err(failure) if failure.blame.is_ours() => {
                return Err(Failure::host("the sandbox could not run the flow").why(failure.blame));
            }
            Err(failure) => {
                tested.ended(failure.blame.kind(), failure.blame.to_string());
                tested.log = failure.log.lines;
                tested.cpu += failure.cpu;
                break;
            }
        };
        tested.cpu += finished.cpu;
        tested.memory_bytes = tested.memory_bytes.max(finished.memory_bytes);
        tested.log = finished.log.lines;
        let effect = match finished.value {
            Step::Wants(effect) => effect,
            Step::Done(Err(failure)) => {
                tested.ended("refused", said(&failure));
                break;
            }
            Step::Done(Ok(decision)) => {
                if let Err(error) = decision.check() {
                    tested.ended("nonsense", error.to_string());
                }
                tested.decision = Some(decision);
                break;
            }
        };
        let Some(reply) = answer(&effect, &mut fetches, sample, &mut now) else {
            tested.wants = Some(effect.to_string());
            break;
        };
        tested.journal.push(Entry::new(&effect, reply, now));
    }
    Ok(tested.shown(&inspected, &sample.event.event_type))
}

fn answer(effect: &Effect, fetches: &mut VecDeque<Reply>, sample: &Sample, now: &mut Instant) -> Option<Reply> {
    match effect {
        Effect::Fetch { .. } => fetches.pop_front(),
        Effect::Sleep { milliseconds } => {
            *now = now.plus(Duration::from_millis(*milliseconds));
            Some(Reply::Slept)
        }
        Effect::StateGet { key } => {
            let value = sample.state.as_ref().and_then(|state| state.get(key)).and_then(Option::as_ref);
            let written_by = RunId::at(Instant::EPOCH, [0; 10]);
            Some(Reply::State(value.map(|value| Remembered { value: bytes(value), written_by })))
        }
    }
}

/// A text as its own bytes; anything else as JSON.
fn bytes(value: &RawValue) -> Vec<u8> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text.into_bytes(),
        Err(_) => value.get().as_bytes().to_vec(),
    }
}

fn reply(answer: &RawValue) -> Result<Reply, String> {
    let answer: Answer = serde_json::from_str(answer.get()).map_err(|error| format!("its fetches: {error}"))?;
    let so_it_says = || "so the test says".to_owned();
    match (answer.status, answer.error.as_deref()) {
        (Some(status), None) => {
            let headers = answer.headers.into_iter().map(|header| match header {
                Header::Pair(name, value) => Field { name, value },
                Header::Field(field) => field,
            });
            let body = answer.body.map(|body| bytes(&body)).unwrap_or_default();
            Ok(Reply::Response(Response { status, headers: headers.collect(), body }))
        }
        (None, Some("timedOut")) => Ok(Reply::FetchError(FetchError::TimedOut)),
        (None, Some("unreachable")) => Ok(Reply::FetchError(FetchError::Unreachable(so_it_says()))),
        (None, Some("refused")) => Ok(Reply::FetchError(FetchError::Refused(so_it_says()))),
        (None, Some("tooLarge")) => Ok(Reply::FetchError(FetchError::TooLarge(u64::MAX))),
        (None, Some(other)) => {
            Err(format!("its fetches: `{other}` is no error: there are timedOut, unreachable, refused and tooLarge"))
        }
        (Some(_), Some(_)) | (None, None) => {
            Err("its fetches: each is answered with a `status`, or with an `error`".to_owned())
        }
    }
}

impl Tested {
    fn ended(&mut self, blame: &str, reason: String) {
        (self.blame, self.reason) = (Some(blame.to_owned()), Some(reason));
    }

    fn shown(self, inspected: &Inspected, event_type: &str) -> Value {
        let triggers = &inspected.manifest.event_types;
        let matching = triggers.iter().find(|pattern| pattern_matches(pattern, event_type));
        let why = match matching {
            Some(pattern) => format!("`{event_type}` matches `{pattern}`"),
            None => format!("`{event_type}` matches none of `{}`", triggers.join("`, `")),
        };
        let (actions, writes) = self.decision.as_ref().map(recorded::shown).unwrap_or_default();
        let answered = self.journal.iter().map(|entry| (entry.effect.clone(), true));
        let asked = answered.chain(self.wants.iter().map(|effect| (effect.clone(), false)));
        let effects = asked.enumerate().map(
            |(index, (effect, answered))| json!({ "step": index.saturating_add(1), "effect": effect, "answered": answered }),
        );
        json!({
            "matched": { "yes": matching.is_some(), "why": why },
            "actions": actions,
            "writes": writes,
            "effects": effects.collect::<Vec<_>>(),
            "wants": self.wants,
            "reason": self.reason,
            "blame": self.blame,
            "log": self.log,
            "cpuMicros": u64::try_from(self.cpu.as_micros()).unwrap_or(u64::MAX),
            "memoryBytes": self.memory_bytes,
            "calls": self.calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_answered_as_the_api_takes_it() {
        let read = |text: &str| reply(&RawValue::from_string(text.to_owned()).unwrap());
        let Ok(Reply::Response(response)) = read(r#"{"status":200,"headers":[["a","b"]],"body":{"x": 1}}"#) else {
            panic!("a response")
        };
        assert_eq!((response.status, response.body), (200, br#"{"x": 1}"#.to_vec()));
        assert_eq!(read(r#"{"error":"timedOut"}"#), Ok(Reply::FetchError(FetchError::TimedOut)));
        for text in ["{}", r#"{"status":200,"error":"refused"}"#, r#"{"error":"other"}"#, r#"{"stats":200}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
