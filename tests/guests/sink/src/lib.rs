//! A destination that posts every lead to its peer, with a credential, and answers as the peer does.

use hookyard_sdk::{CredentialSpec, Destination, DestinationManifest, Failure, PushOrder, Receipt, http};
use serde_json::json;

/// The guest.
pub struct Sink;

hookyard_sdk::export!(Sink as destination);

impl Destination for Sink {
    fn describe() -> DestinationManifest {
        DestinationManifest {
            id: "sink".into(),
            name: "Sink".into(),
            version: "1.0.0".into(),
            summary: "Takes every lead.".into(),
            hosts: vec!["peer.example.com".into()],
            credentials: vec![CredentialSpec::bearer("api_key", "Whatever the test says.")],
            ..DestinationManifest::empty()
        }
    }

    fn push(order: PushOrder) -> Result<Receipt, Failure> {
        let known = order.previous.as_ref().map(|receipt| receipt.external_id.clone());
        let lead = json!({ "lead": order.lead_id, "email": order.lead.email, "known": known });
        let posted = http::post("https://peer.example.com/leads").json(&lead).credential("api_key").send();
        let response = posted.map_err(|error| Failure::retry(format!("{error:?}")))?;
        match response.status {
            200..=299 => Ok(Receipt { external_id: format!("crm-{}", order.lead_id), url: None }),
            401 => Err(Failure::unauthorized("the peer knows no such key")),
            400..=499 => Err(Failure::permanent(format!("the peer said {}", response.status))),
            status => Err(Failure::retry(format!("the peer said {status}"))),
        }
    }
}
