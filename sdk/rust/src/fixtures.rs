//! Wire facts beside the plugin, run natively here and a second time through WebAssembly by the host.
//!
//! A fixture is a folder `fixtures/<case>/` of the plugin: what comes in, what the plugin must ask for, what must come
//! out. The format knows no language, and this text is its definition.
//!
//! # What comes in: exactly one of
//!
//! - `request.http`: a request on the webhook URL. The call is `receive`; then `normalize` for each event that it
//!   returned, in order.
//! - `inbound.json`: one logged event, `{"eventType", "accountKey", "eventId", "occurredAt", "payload"}`, the last any
//!   JSON value. The call is `normalize`.
//! - `page-query.json`: `{"accountKey", "formId", "since", "cursor", "limit"}`. The call is `list-page`.
//!
//! Beside it may stand `settings.json`, the account's settings (`{}` where absent), and `secrets.json`, an object of
//! names and the texts that a person would paste. With those the host proves `request.http`; here they only serve
//! [`crate::secrets::hmac`].
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
//! JSON is compared as values, whatever the order of an object's keys, but numbers by their text: `1` is not `1.0`,
//! and the last digit of an id counts. Instants are milliseconds.
//!
//! `HOOKYARD_FIXTURES=update` writes `expected.json` or `error.txt` anew. Read the difference before keeping it.

mod case;
mod message;
mod value;
mod render;
pub(crate) mod host;

use std::path::Path;

use crate::{Failure, Inbound, Malformed, Normalized, Page, PageQuery, Provider, Reception};
use case::{Case, Start};
use value::Value;

/// Where a case ended.
enum Outcome {
    Received(Reception, Vec<Vec<Normalized>>),
    Normalized(Vec<Normalized>),
    Listed(Page),
    Error(String),
}

/// Runs every case of the plugin in `manifest_dir`, which is `env!("CARGO_MANIFEST_DIR")`, and panics with all that
/// is wrong. To be called from a test.
#[expect(clippy::panic, reason = "it is a test's assertion")]
pub fn check<P: Provider>(manifest_dir: &str) {
    let manifest = P::describe();
    let mut problems = manifest_problems(&manifest);
    let cases = case::list(&Path::new(manifest_dir).join("fixtures"));
    if cases.is_empty() {
        problems.push("there is no folder in `fixtures`".to_owned());
    }
    for folder in cases {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let found = Case::load(&folder).map_or_else(|problem| vec![problem], |case| check_case::<P>(&case, &manifest));
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    if !problems.is_empty() {
        panic!("{} problems\n\n{}\n", problems.len(), problems.join("\n"));
    }
}

fn manifest_problems(manifest: &crate::Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if manifest.id.is_empty() || !manifest.id.bytes().all(is_id) {
        problems.push(format!("manifest: the id `{}` is not made of lower-case letters, digits and `_`", manifest.id));
    }
    if !matches!(Value::parse(&manifest.settings_schema), Ok(Value::Object(_))) {
        problems.push("manifest: the settings schema is not a JSON object".to_owned());
    }
    problems
}

fn check_case<P: Provider>(case: &Case, manifest: &crate::Manifest) -> Vec<String> {
    host::enter(case, manifest);
    let outcome = run::<P>(case);
    let mut problems = host::leave();
    match render::outcome(outcome) {
        Ok(actual) => problems.extend(case.compare(&actual)),
        Err(problem) => problems.push(problem),
    }
    problems
}

fn run<P: Provider>(case: &Case) -> Outcome {
    let settings = case.settings.clone();
    match case.start.clone() {
        Start::Request(request) => match P::receive(request) {
            Ok(reception) => normalize_all::<P>(reception, &settings),
            Err(Malformed(reason)) => Outcome::Error(format!("malformed: {reason}")),
        },
        Start::Inbound(event) => match P::normalize(event, settings) {
            Ok(normalized) => Outcome::Normalized(normalized),
            Err(failure) => Outcome::Error(failure_text(&failure)),
        },
        Start::PageQuery(query) => match P::list_page(query, settings) {
            Ok(page) => Outcome::Listed(page),
            Err(failure) => Outcome::Error(failure_text(&failure)),
        },
    }
}

fn normalize_all<P: Provider>(reception: Reception, settings: &str) -> Outcome {
    let events = reception.events.iter();
    let normalized: Result<Vec<_>, Failure> =
        events.map(|event| P::normalize(event.clone(), settings.to_owned())).collect();
    match normalized {
        Ok(normalized) => Outcome::Received(reception, normalized),
        Err(failure) => Outcome::Error(failure_text(&failure)),
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
