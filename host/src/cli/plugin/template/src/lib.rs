//! The Template provider: signed JSON, one event a request.

use hookyard_sdk::{HttpRequest, Inbound, Malformed, Manifest, Proof, Provider, Reception, SecretSpec, proof};

pub struct TemplateProvider;

hookyard_sdk::export!(TemplateProvider as provider);

#[derive(serde::Deserialize)]
struct Body {
    id: String,
    event: String,
}

impl Provider for TemplateProvider {
    fn describe() -> Manifest {
        Manifest {
            id: "template_provider".into(),
            name: "Template provider".into(),
            secrets: vec![SecretSpec::account("secret", "Shared with whoever sends the webhooks.")],
            ..Manifest::empty()
        }
    }

    fn receive(request: HttpRequest) -> Result<Reception, Malformed> {
        let signature = proof::hex_header(&request, "X-Signature", "sha256=");
        let proof = Proof::hmac_sha256("secret").signed_body().signatures(signature);
        let payload = request.text().ok_or("the body is not UTF-8")?.to_owned();
        let Body { id, event } = serde_json::from_str(&payload)?;
        let event = Inbound { event_type: event, event_id: Some(id), payload, ..Inbound::default() };
        Ok(Reception::new(proof, vec![event]))
    }
}
