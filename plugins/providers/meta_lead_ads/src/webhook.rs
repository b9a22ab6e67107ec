//! Meta's side of the webhook: the handshake that proves the URL ours, and the signed notifications.
//!
//! A notification may hold up to a thousand changes of several pages. Each becomes an event of its own, and a change
//! that cannot be read costs only itself: Meta would send the whole batch again, for a day and a half.
//! What is not a lead's change is dropped, for Meta sends every field that the application ever subscribed to.

use hookyard_sdk::{HttpRequest, HttpResponse, Inbound, Malformed, Proof, Reception, json, log, proof, time};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{APP_SECRET, LEADGEN, VERIFY_TOKEN};

/// Meta sends ten digits; anything longer than this is someone else's text.
const CHALLENGE_BYTES_MAX: usize = 64;

/// The body of a POST. Everything below is read one by one, so that one bad part spoils no other.
#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(default)]
    object: String,
    #[serde(default, borrow)]
    entry: Vec<&'a RawValue>,
}

/// What happened to one page.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default, deserialize_with = "json::optional_id")]
    id: Option<String>,
    #[serde(default, borrow)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    field: String,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// The part of a lead's change that decides where it goes; the rest travels as it was sent.
#[derive(Deserialize)]
struct LeadChange {
    #[serde(deserialize_with = "json::id")]
    leadgen_id: String,
    #[serde(default, deserialize_with = "json::optional_id")]
    page_id: Option<String>,
    #[serde(default, deserialize_with = "json::optional_id")]
    created_time: Option<String>,
}

/// Answers the challenge, if the verify token proves right.
pub(crate) fn handshake(request: &HttpRequest) -> Result<Reception, Malformed> {
    if request.query("hub.mode")?.as_deref() != Some("subscribe") {
        return Err("a GET is Meta's handshake, and its `hub.mode` is `subscribe`".into());
    }
    let challenge = request.query("hub.challenge")?.unwrap_or_default();
    if !is_short_token(&challenge) {
        return Err("`hub.challenge` is not a short token of letters, digits, `_` and `-`".into());
    }
    let candidate = request.query("hub.verify_token")?.unwrap_or_default();
    let proof = Proof::token(VERIFY_TOKEN, candidate);
    Ok(Reception::new(proof, Vec::new()).reply(HttpResponse::plain_text(200, challenge)))
}

/// Reads a notification and names what would prove it.
pub(crate) fn notification(request: &HttpRequest) -> Result<Reception, Malformed> {
    let signature = proof::hex_header(request, "X-Hub-Signature-256", "sha256=");
    let proof = Proof::hmac_sha256(APP_SECRET).signed_body().signatures(signature);
    if proof.signatures.is_empty() {
        // Nothing can prove it, so nothing of it is read: the host answers 401.
        return Ok(Reception::new(proof, Vec::new()));
    }
    let body = request.text().ok_or("the body is not UTF-8")?;
    let notification: Notification<'_> = serde_json::from_str(body)?;
    if notification.object != "page" {
        log::debug(format_args!("dropped a notification about a `{}`", notification.object));
        return Ok(Reception::new(proof, Vec::new()));
    }
    let events = notification.entry.into_iter().flat_map(page_events).collect();
    Ok(Reception::new(proof, events))
}

fn page_events(entry: &RawValue) -> Vec<Inbound> {
    match serde_json::from_str::<Entry<'_>>(entry.get()) {
        Ok(Entry { id, changes }) => {
            changes.into_iter().filter_map(|change| change_event(change, id.as_deref())).collect()
        }
        Err(error) => {
            log::warn(format_args!("skipped an entry that cannot be read: {}", json::reason(&error)));
            Vec::new()
        }
    }
}

fn change_event(change: &RawValue, entry_id: Option<&str>) -> Option<Inbound> {
    let read = |change: &RawValue| {
        let change: Change<'_> = serde_json::from_str(change.get())?;
        if change.field != LEADGEN {
            return Ok(None);
        }
        let value = change.value.map_or("null", RawValue::get);
        let lead: LeadChange = serde_json::from_str(value)?;
        Ok::<_, serde_json::Error>(Some((lead, value.to_owned())))
    };
    match read(change) {
        Ok(Some((lead, payload))) => Some(Inbound {
            event_type: LEADGEN.to_owned(),
            account_key: lead.page_id.or_else(|| entry_id.map(str::to_owned)),
            event_id: Some(lead.leadgen_id),
            occurred_at: lead.created_time.as_deref().and_then(time::parse_unix_seconds),
            payload,
        }),
        Ok(None) => None,
        Err(error) => {
            log::warn(format_args!("skipped a change that cannot be read: {}", json::reason(&error)));
            None
        }
    }
}

fn is_short_token(text: &str) -> bool {
    (1..=CHALLENGE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
