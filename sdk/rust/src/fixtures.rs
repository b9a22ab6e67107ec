//! Wire facts beside the plugin, run natively here and a second time through WebAssembly by the host.
//!
//! A fixture is a folder `fixtures/<case>/` of the plugin: what comes in, what the plugin must ask for, what must come
//! out. The format knows no language, and this text is its definition. [`check`] runs the cases of a provider,
//! [`check_flow`] those of a flow, [`check_destination`] those of a destination.
//!
//! # What comes in: exactly one of
//!
//! For a provider:
//!
//! - `request.http`: a request on the webhook URL. The call is `receive`; then `normalize` for each event that it
//!   returned, in order.
//! - `inbound.json`: one logged event, `{"eventType", "accountKey", "eventId", "occurredAt", "payload"}`, the last any
//!   JSON value. The call is `normalize`.
//! - `page-query.json`: `{"accountKey", "formId", "since", "cursor", "limit"}`. The call is `list-page`.
//!
//! For a flow:
//!
//! - `trigger.json`: `{"event": {"id", "eventType", "provider", "accountId", "occurredAt", "leadId", "data"}, "lead"}`.
//!   The event must have an `eventType` and its `data`, any JSON value. Its `id` is `evt_00000000000000000000000000`
//!   where absent, its `occurredAt` the instant at which every case begins. Ids are ids: `evt_`, `acc_`, `lead_`, and
//!   26 characters of Crockford's base 32. The lead has the keys that it has in `normalized` below, all of them
//!   optional. The call is `run`.
//!
//! For a destination:
//!
//! - `order.json`: `{"leadId", "lead", "mapping", "previous": {"externalId", "url"}}`, the mapping any JSON value and
//!   `{}` where absent. The call is `push`.
//!
//! Beside it may stand:
//!
//! - `settings.json`: the settings of the account, flow or destination; `{}` where absent.
//! - `secrets.json`, for a provider: an object of names and the texts that a person would paste. With those the host
//!   proves `request.http`; here they only serve [`crate::secrets::hmac`].
//! - `state.json`, for a flow: what it remembers, an object of keys and values. A text stands for itself, any other
//!   value for its JSON text less the white space between its tokens.
//!
//! # What it must ask for: `fetch-1.request.http`, `fetch-1.response.http`, `fetch-2…`
//!
//! In this order over the whole case, none missing and none left over. A request must agree in method, URL (byte for
//! byte), body, and in the headers that the file lists; others may be there. The pseudo-header
//! `x-hookyard-credentials: a, b` lists the credentials to be attached, in order; without it there are none.
//! The reply is handed over as it stands.
//!
//! An `.http` file is a start line (`POST https://hooks.example.com/webhook/github HTTP/1.1`, or `HTTP/1.1 200 OK`),
//! a line for each header, an empty line, and the body: every byte up to the end of the file, a last line feed
//! included. Lines of the head end in LF or CRLF; blanks around a header's value are dropped. Without an empty line
//! there is no body.
//!
//! What a flow reads of its state is answered from `state.json` and from its own writes. Every case begins at
//! 2026-01-01T00:00:00Z, and time passes only while a flow sleeps: a sleep returns at once, and the clock is that much
//! later.
//!
//! # What must come out: exactly one of
//!
//! `error.txt`, whose text without the blanks around it is one of
//!
//! ```text
//! malformed: <why the request cannot be read>
//! retry: <reason>
//! retry after 60000 ms: <reason>
//! unauthorized: <reason>
//! permanent: <reason>
//! ```
//!
//! and is the first error that any of the calls returned; or `expected.json`, an object of those of these keys that
//! apply. Absent options and empty lists are left out everywhere; `isTest` and `given` are always there.
//!
//! From a provider:
//!
//! - `proof`, by its `kind`:
//!   `{"kind": "hmac", "secret", "digest", "signed", "signatures", "signedAt"}`,
//!   `{"kind": "hash", "digest", "signed", "hashes"}`,
//!   `{"kind": "public-key", "algorithm", "key", "signed", "signatures", "signedAt"}`,
//!   `{"kind": "token", "secret", "candidate"}`, `{"kind": "handshake"}`, `{"kind": "unsigned"}`.
//!   Signatures and hashes are lower-case hex. Each of `signed` is `"body"`, `{"text": "…"}`, `{"bytes": "<hex>"}`
//!   or `{"secret": "<name>"}`. Digests and algorithms are spelled as in the contract: `sha256`, `ecdsa-p256-sha256`.
//! - `reply`: `{"status", "headers": [["name", "value"], …], "body"}`; a body that is not UTF-8 is `bodyBase64`
//!   instead, and an empty one is left out.
//! - `events`: a list of `{"eventType", "accountKey", "eventId", "occurredAt", "payload"}`, the payload as JSON.
//! - `normalized`: a list as long as `events` (of one for `inbound.json`) of lists of `{"eventType", "lead", "data"}`,
//!   the data as JSON. A lead is `{"providerLeadId", "email", "firstName", "lastName", "fullName", "phoneNumber",
//!   "company", "rawFieldData": [{"name", "value"}], "customFields": [{"name", "value"}], "formId", "campaignId",
//!   "adId", "createdAt", "consents": [{"key", "given"}], "isTest"}`.
//! - `page`: `{"items", "next", "total"}`, the items like `events`.
//! - `proved`: false where `secrets.json` must not prove the request. For the host's run; a native one makes no proofs.
//!
//! From a flow; one that does nothing gives `{}`:
//!
//! - `actions`: a list, in the flow's order, of `{"emit": {"eventType", "data"}}`, the data as JSON,
//!   `{"updateLead": [{"field", "value"}, …]}`, where a field that is emptied has no value,
//!   `{"pushLead": {"destination"}}` and `{"drop": "<reason>"}`.
//! - `state`: an object of the keys that the flow wrote and of what each became last. Text that is a JSON object, list,
//!   number, `true` or `false` is that JSON; other text is text; bytes that are no UTF-8 are `{"base64": "…"}`; a key
//!   that was deleted is `null`, whether there was anything under it or not.
//! - `slept`: a list of every sleep in turn, in milliseconds.
//!
//! From a destination:
//!
//! - `receipt`: `{"externalId", "url"}`.
//!
//! JSON is compared as values, whatever the order of an object's keys, but numbers by their text: `1` is not `1.0`,
//! and the last digit of an id counts. Instants are milliseconds.
//!
//! `HOOKYARD_FIXTURES=update` writes `expected.json` or `error.txt` anew. Read the difference before keeping it.
//!
//! The host's run, `hookyard plugin check`, asks for more: a request's proof must hold, a run must come out the same
//! when it is replayed, and everything stays within its limits.

mod case;
mod start;
mod message;
mod value;
mod render;
pub(crate) mod host;

use std::path::Path;

use crate::{
    Destination, DestinationManifest, Failure, Flow, FlowManifest, Inbound, Malformed, Manifest, Normalized, PageQuery,
    Provider, Reception, SecretSpec,
};
use case::{Actual, Case};
use start::Incoming;
use value::Value;

/// What a manifest says, of whichever world, as far as a case is held against it.
struct Declared {
    id: String,
    hosts: Vec<String>,
    credentials: Vec<String>,
    secrets: Vec<SecretSpec>,
    settings_schema: String,
}

/// What a call gave: an answer, as `expected.json` writes it, or an error, as `error.txt` does. An answer that cannot be
/// written is neither.
type Outcome = Result<Actual, String>;

/// Runs every case of the provider in `manifest_dir`, which is `env!("CARGO_MANIFEST_DIR")`, and panics with all that
/// is wrong. To be called from a test.
pub fn check<P: Provider>(manifest_dir: &str) {
    check_cases(manifest_dir, &P::describe().into(), start::PROVIDER, start::incoming, |incoming, settings| {
        match incoming {
            Incoming::Request(request) => receive::<P>(request, settings),
            Incoming::Inbound(event) => normalize::<P>(event, settings),
            Incoming::PageQuery(query) => list_page::<P>(query, settings),
        }
    });
}

/// The same for a flow.
pub fn check_flow<F: Flow>(manifest_dir: &str) {
    check_cases(manifest_dir, &F::describe().into(), start::FLOW, start::trigger, |trigger, settings| {
        let actions = F::run(trigger, settings.to_owned());
        answer(actions, |actions| render::decided(&actions, &host::writes(), &host::slept()))
    });
}

/// The same for a destination.
pub fn check_destination<D: Destination>(manifest_dir: &str) {
    check_cases(manifest_dir, &D::describe().into(), start::DESTINATION, start::order, |order, settings| {
        let order = crate::PushOrder { settings: settings.to_owned(), ..order };
        answer(D::push(order), |receipt| Ok(render::pushed(&receipt)))
    });
}

/// `known` are the files that a case of this world may have beside those of every world; `read` reads what comes in.
#[expect(clippy::panic, reason = "it is a test's assertion")]
fn check_cases<S>(
    manifest_dir: &str,
    declared: &Declared,
    known: &[&str],
    read: impl Fn(&Path) -> Result<S, String>,
    call: impl Fn(S, &str) -> Outcome,
) {
    let mut problems = declared.problems();
    let cases = case::list(&Path::new(manifest_dir).join("fixtures"));
    if cases.is_empty() {
        problems.push("there is no folder in `fixtures`".to_owned());
    }
    for folder in cases {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let loaded = Case::load(&folder, known).and_then(|case| Ok((case, read(&folder)?)));
        let found = match loaded {
            Ok((case, start)) => check_case(&case, declared, || call(start, &case.settings)),
            Err(problem) => vec![problem],
        };
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    if !problems.is_empty() {
        panic!("{} problems\n\n{}\n", problems.len(), problems.join("\n"));
    }
}

fn check_case(case: &Case, declared: &Declared, call: impl FnOnce() -> Outcome) -> Vec<String> {
    host::enter(case, declared);
    let outcome = call();
    let mut problems = host::leave();
    match outcome {
        Ok(actual) => problems.extend(case.compare(&actual)),
        Err(problem) => problems.push(problem),
    }
    problems
}

fn receive<P: Provider>(request: crate::HttpRequest, settings: &str) -> Outcome {
    let reception = match P::receive(request) {
        Ok(reception) => reception,
        Err(Malformed(reason)) => return Ok(Actual::Error(format!("malformed: {reason}"))),
    };
    answer(normalize_all::<P>(&reception, settings), |normalized| render::received(&reception, &normalized))
}

fn normalize_all<P: Provider>(reception: &Reception, settings: &str) -> Result<Vec<Vec<Normalized>>, Failure> {
    reception.events.iter().map(|event| P::normalize(event.clone(), settings.to_owned())).collect()
}

fn normalize<P: Provider>(event: Inbound, settings: &str) -> Outcome {
    answer(P::normalize(event, settings.to_owned()), |normalized| render::normalized(&normalized))
}

fn list_page<P: Provider>(query: PageQuery, settings: &str) -> Outcome {
    answer(P::list_page(query, settings.to_owned()), |page| render::listed(&page))
}

fn answer<T>(result: Result<T, Failure>, render: impl FnOnce(T) -> Result<Value, String>) -> Outcome {
    match result {
        Ok(value) => render(value).map(Actual::Answer),
        Err(failure) => Ok(Actual::Error(failure_text(&failure))),
    }
}

fn failure_text(failure: &Failure) -> String {
    match failure {
        Failure::Retry(later) => match later.after_ms {
            Some(wait_ms) => format!("retry after {wait_ms} ms: {}", later.reason),
            None => format!("retry: {}", later.reason),
        },
        Failure::Unauthorized(reason) => format!("unauthorized: {reason}"),
        Failure::Permanent(reason) => format!("permanent: {reason}"),
    }
}

impl Declared {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if self.id.is_empty() || !self.id.bytes().all(is_id) {
            problems.push(format!("manifest: the id `{}` is not made of lower-case letters, digits and `_`", self.id));
        }
        if !matches!(Value::parse(&self.settings_schema), Ok(Value::Object(_))) {
            problems.push("manifest: the settings schema is not a JSON object".to_owned());
        }
        problems
    }
}

impl From<Manifest> for Declared {
    fn from(manifest: Manifest) -> Self {
        Self {
            id: manifest.id,
            hosts: manifest.hosts,
            credentials: manifest.credentials.into_iter().map(|spec| spec.name).collect(),
            secrets: manifest.secrets,
            settings_schema: manifest.settings_schema,
        }
    }
}

impl From<FlowManifest> for Declared {
    fn from(manifest: FlowManifest) -> Self {
        Self {
            id: manifest.id,
            hosts: manifest.hosts,
            credentials: manifest.credentials.into_iter().map(|spec| spec.name).collect(),
            secrets: Vec::new(),
            settings_schema: manifest.settings_schema,
        }
    }
}

impl From<DestinationManifest> for Declared {
    fn from(manifest: DestinationManifest) -> Self {
        Self {
            id: manifest.id,
            hosts: manifest.hosts,
            credentials: manifest.credentials.into_iter().map(|spec| spec.name).collect(),
            secrets: Vec::new(),
            settings_schema: manifest.settings_schema,
        }
    }
}
