//! Signatures and bodies as providers make them.

use data_encoding::HEXLOWER;
use hookyard_model::proof::{Digest, hmac};
use hookyard_model::secret::Secret;
use serde_json::{Value, json};

/// `sha256=` and the hex HMAC-SHA256 of the body: GitHub's and Meta's header.
#[must_use]
pub fn hub(secret: &str, body: &[u8]) -> String {
    let secret = Secret::from_bytes(secret.as_bytes().to_vec()).expect("a secret");
    format!("sha256={}", HEXLOWER.encode(&hmac(Digest::Sha256, &secret, body)))
}

/// Meta's documented shape: an entry for each (page, lead).
#[must_use]
pub fn leadgen(leads: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(page, lead): &(&str, &str)| {
        json!({ "id": page, "time": 1_795_251_600, "changes": [{ "field": "leadgen", "value": {
            "leadgen_id": lead, "page_id": page, "form_id": "98765432101", "created_time": 1_795_251_554,
        }}]})
    };
    let entries: Vec<Value> = leads.iter().map(entry).collect();
    json!({ "object": "page", "entry": entries }).to_string().into_bytes()
}
