//! Template destination: one contact for each lead, written once and then updated.

use hookyard_sdk::{CredentialSpec, Destination, DestinationManifest, Failure, PushOrder, Receipt, http};
use serde_json::json;

pub struct TemplateDestination;

hookyard_sdk::export!(TemplateDestination as destination);

impl Destination for TemplateDestination {
    fn describe() -> DestinationManifest {
        DestinationManifest {
            id: "template_destination".into(),
            name: "Template destination".into(),
            credentials: vec![CredentialSpec::bearer("access_token", "From the settings of the CRM.")],
            hosts: vec!["api.example.com".into()],
            fields: vec!["email".into(), "name".into()],
            ..DestinationManifest::empty()
        }
    }

    fn push(order: PushOrder) -> Result<Receipt, Failure> {
        // The lead's own id as the key: the same contact, however often this is called.
        let url = format!("https://api.example.com/contacts/{}", order.lead_id);
        let contact = json!({ "email": order.lead.email, "name": order.lead.full_name });
        http::put(url).credential("access_token").json(&contact).send()?.or_failure("the CRM")?;
        Ok(Receipt { external_id: order.lead_id, url: None })
    }
}
