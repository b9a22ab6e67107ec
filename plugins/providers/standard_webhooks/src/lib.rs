//! The Standard Webhooks provider: any event of anybody who signs as the specification says (version 1.0.0).
//!
//! Signed are the id, the time and the body, so a replay is stopped twice: the host refuses a time outside its tolerance,
//! and the same id is a duplicate. The older header names `svix-*` mean the same and are taken as well. Signatures of
//! versions that are unknown here are passed over, as the specification asks, and never enough by themselves.

use hookyard_sdk::{HttpRequest, Inbound, Json, Malformed, Manifest, Proof, Provider, Reception};
use hookyard_sdk::{SecretFormat, SecretSpec, proof, time};
use serde::Deserialize;

/// Events of anybody's.
pub struct StandardWebhooks;

hookyard_sdk::export!(StandardWebhooks as provider);

const SECRET: &str = "secret";

impl Provider for StandardWebhooks {
    fn describe() -> Manifest {
        Manifest {
            id: "standard_webhooks".into(),
            name: "Standard Webhooks".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Any event that is signed as Standard Webhooks says.".into(),
            event_types: vec!["*".into()],
            secrets: vec![
                SecretSpec::account(SECRET, "The signing secret, `whsec_…`, as the sender shows it.")
                    .format(SecretFormat::Whsec),
            ],
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        let unproved = Proof::hmac_sha256(SECRET).signed_body();
        // What carries no id, time or signature cannot be proved: the host answers 401.
        let Some(signed) = Signed::read(&request) else { return Ok(Reception::new(unproved, Vec::new())) };
        let proof = Proof::hmac_sha256(SECRET)
            .signed_text(format!("{}.{}.", signed.id, signed.timestamp))
            .signed_body()
            .signatures(signed.signatures())
            .signed_at(signed.at);
        if proof.signatures.is_empty() {
            return Ok(Reception::new(proof, Vec::new()));
        }
        let payload: Json = request.text().ok_or("the body is not UTF-8")?.to_owned();
        let body: Body = serde_json::from_str(&payload)?;
        let event = Inbound {
            event_type: body.event_type.unwrap_or_else(|| "event".to_owned()),
            event_id: Some(signed.id.to_owned()),
            occurred_at: Some(signed.at),
            payload,
            ..Inbound::default()
        };
        Ok(Reception::new(proof, vec![event]))
    }
}

/// The one field that the specification recommends.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type", default)]
    event_type: Option<String>,
}

/// What the headers say.
struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    at: u64,
    list: &'a str,
}

impl<'a> Signed<'a> {
    fn read(request: &'a HttpRequest) -> Option<Self> {
        let header = |name: &str| {
            proof::header(request, &format!("webhook-{name}"))
                .or_else(|| proof::header(request, &format!("svix-{name}")))
        };
        let (id, timestamp, list) = (header("id")?, header("timestamp")?, header("signature")?);
        // A dot in the id would let one signature stand for another id and time.
        if id.is_empty() || id.contains('.') {
            return None;
        }
        Some(Self { id, timestamp, at: time::parse_unix_seconds(timestamp)?, list })
    }

    fn signatures(&self) -> impl Iterator<Item = Vec<u8>> {
        self.list.split(' ').filter_map(|one| proof::base64(one.strip_prefix("v1,")?))
    }
}
