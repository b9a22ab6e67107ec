//! The GitHub provider: any event of a repository's or an organisation's webhook, as it is.
//!
//! GitHub signs the body and nothing else: the event's name and id stand in headers that the signature does not
//! cover. So they are taken as labels, checked for shape, and nothing is decided by them.
//! A body that is no JSON is authentic all the same (GitHub's own published sample is `Hello, World!`), and is kept
//! as text, or as base64 where it is not even that.

use data_encoding::BASE64;
use hookyard_sdk::{
    HttpRequest, Inbound, Json, Malformed, Manifest, Proof, Provider, Reception, SecretSpec, form, json, proof,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Events of GitHub's webhooks.
pub struct GitHub;

hookyard_sdk::export!(GitHub as provider);

/// The account's secret, as typed into the webhook's form.
const SECRET: &str = "secret";
/// Longer than any name that GitHub gives an event or an action.
const NAME_BYTES_MAX: usize = 64;
/// Longer than the UUIDs that GitHub gives its deliveries.
const DELIVERY_BYTES_MAX: usize = 128;

impl Provider for GitHub {
    fn describe() -> Manifest {
        Manifest {
            id: "github".into(),
            name: "GitHub".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Any event of a repository's or an organisation's webhook.".into(),
            event_types: vec!["*".into()],
            secrets: vec![SecretSpec::account(SECRET, "The secret typed into the webhook's form on GitHub.")],
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        if request.method != "POST" {
            return Err(format!("GitHub sends POST, not {}", request.method).into());
        }
        let signature = proof::hex_header(&request, "X-Hub-Signature-256", "sha256=");
        let proof = Proof::hmac_sha256(SECRET).signed_body().signatures(signature);
        if proof.signatures.is_empty() {
            // Nothing can prove it, so nothing of it is read: the host answers 401.
            return Ok(Reception::new(proof, Vec::new()));
        }
        let event = event(&request);
        Ok(Reception::new(proof, vec![event]))
    }
}

/// What the body says about itself. Each part is read on its own, for what one event calls `action` or
/// `organization` may be something else in another.
#[derive(Deserialize, Default)]
struct Body<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    repository: Option<&'a RawValue>,
    #[serde(borrow)]
    organization: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

fn event(request: &HttpRequest) -> Inbound {
    let payload = payload(request);
    let body: Body<'_> = serde_json::from_str(&payload).unwrap_or_default();
    let event_id = proof::header(request, "X-GitHub-Delivery").filter(|id| is_delivery_id(id)).map(str::to_owned);
    Inbound {
        event_type: event_type(request, &body),
        account_key: account_key(&body),
        event_id,
        occurred_at: None,
        payload,
    }
}

/// "push", "issues.opened".
fn event_type(request: &HttpRequest, body: &Body<'_>) -> String {
    let Some(event) = proof::header(request, "X-GitHub-Event").filter(|event| is_name(event)) else {
        return "unknown".to_owned();
    };
    match read::<String>(body.action).filter(|action| is_name(action)) {
        Some(action) => format!("{event}.{action}"),
        None => event.to_owned(),
    }
}

/// The repository, or the organisation whose event has none.
fn account_key(body: &Body<'_>) -> Option<String> {
    let repository = read::<Repository>(body.repository).map(|repository| repository.full_name);
    repository.or_else(|| read::<Organization>(body.organization).map(|organization| organization.login))
}

fn read<'a, T: Deserialize<'a>>(part: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(part?.get()).ok()
}

/// The event's JSON, taken out of its form where GitHub was told to send one.
fn payload(request: &HttpRequest) -> Json {
    let Some(text) = request.text() else {
        return json::text(&serde_json::json!({ "bodyBase64": BASE64.encode(&request.body) }));
    };
    let content_type = proof::header(request, "content-type").unwrap_or_default();
    let in_form = content_type
        .starts_with("application/x-www-form-urlencoded")
        .then(|| form::parse(text).find(|field| field.name == "payload"))
        .flatten();
    let text = in_form.as_ref().map_or(text, |field| field.value.as_str());
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => json::text(&serde_json::json!({ "body": text })),
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_delivery_id(text: &str) -> bool {
    (1..=DELIVERY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
