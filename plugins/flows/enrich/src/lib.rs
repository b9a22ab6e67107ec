//! A flow that looks up a lead's company by the domain of its e-mail address, and fills in what is known.
//!
//! It reads as if it fetched and waited. At each effect (a read of state, a fetch) the host ends the instance, and runs
//! it again from the start once the reply is there: so nothing here looks at a clock or a random number of its own.
//! What the API said is remembered, for the next lead of the same company. Which addresses say anything about a company
//! is `domain`'s business, what the API is asked is `api`'s.

mod domain;
mod api;
mod memory;

use hookyard_sdk::{Action, Change, CredentialSpec, Failure, Flow, FlowManifest, Json, Lead, Trigger, json};
use serde::Deserialize;

/// Looks up companies.
pub struct Enrich;

hookyard_sdk::export!(Enrich as flow);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default = "thirty_days")]
    remember_days: u64,
    #[serde(default)]
    owner: bool,
}

fn thirty_days() -> u64 {
    30
}

impl Flow for Enrich {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "enrich".into(),
            name: "Enrich".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Fills in a lead's company by the domain of its e-mail address.".into(),
            triggers: vec!["leadgen".into()],
            hosts: vec![api::HOST.into()],
            credentials: vec![CredentialSpec::bearer(api::KEY, "The API key of the company directory.")],
            settings_schema: include_str!("../settings.schema.json").into(),
        }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        let settings: Settings = json::parse("the settings", &settings)?;
        let Some(lead) = trigger.lead else {
            return Ok(Vec::new());
        };
        let Some(domain) = lead.email.as_deref().and_then(domain::of_company) else {
            return Ok(Vec::new());
        };
        let days = settings.remember_days;
        let Some(company) = memory::recall(&format!("company/{domain}"), days, || api::company(&domain))? else {
            return Ok(Vec::new());
        };
        let owner = if settings.owner {
            memory::recall(&format!("owner/{domain}"), days, || api::owner(&company.id))?
        } else {
            None
        };
        let changes = changes(&lead, company, owner);
        Ok(if changes.is_empty() { Vec::new() } else { vec![Action::update_lead(changes)] })
    }
}

/// What a person wrote about their own company stays.
fn changes(lead: &Lead, company: api::Company, owner: Option<String>) -> Vec<Change> {
    let name = company.name.filter(|_| lead.company.is_none());
    let found =
        [("company", name), ("company-size", company.size), ("industry", company.industry), ("account-owner", owner)];
    found.into_iter().filter_map(|(field, value)| Some(Change::set(field, value?))).collect()
}
