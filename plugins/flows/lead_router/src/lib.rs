//! A flow that chooses a destination for each lead, by rules in its settings.
//!
//! It decides and nothing else: no fetch, no state. The first rule that matches wins, and what was decided is told in an
//! event `lead.routed`, so that it can be seen and subscribed to. Which country a lead is from is `country`'s business.

mod country;

use hookyard_sdk::{Action, Event, Failure, Flow, FlowManifest, Json, Lead, Trigger, json};
use serde::Deserialize;
use serde_json::json;

/// Routes leads.
pub struct LeadRouter;

hookyard_sdk::export!(LeadRouter as flow);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default)]
    rules: Vec<Rule>,
    default: String,
    country_field: Option<String>,
}

#[derive(Deserialize)]
struct Rule {
    when: When,
    destination: String,
}

/// All that is said must hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct When {
    country: Option<String>,
    campaign_id: Option<String>,
    form_id: Option<String>,
    provider_type: Option<String>,
}

impl Flow for LeadRouter {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "lead_router".into(),
            name: "Lead router".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Chooses a destination for each lead, by country, campaign, form or provider.".into(),
            triggers: vec!["leadgen".into()],
            settings_schema: include_str!("../settings.schema.json").into(),
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        let settings: Settings = json::parse("the settings", &settings)?;
        settings.check()?;
        let Some(lead) = trigger.lead else {
            return Ok(Vec::new());
        };
        let countries = country::of(&lead, settings.country_field.as_deref());
        let found =
            settings.rules.iter().zip(1..).find(|(rule, _)| rule.when.matches(&trigger.event, &lead, &countries));
        let (destination, rule): (&str, Option<usize>) = match found {
            Some((rule, number)) => (&rule.destination, Some(number)),
            None => (&settings.default, None),
        };
        let routed = json!({ "leadId": trigger.event.lead_id, "destination": destination, "rule": rule });
        Ok(vec![Action::push_lead(destination), Action::emit("lead.routed", &routed)])
    }
}

impl Settings {
    /// A misspelled country would be a rule that never matches, and nobody would notice.
    fn check(&self) -> Result<(), Failure> {
        for (rule, number) in self.rules.iter().zip(1..) {
            if let Some(country) = rule.when.country.as_deref().filter(|country| !country::is_known(country)) {
                return Err(Failure::permanent(format!("rule {number} in the settings: `{country}` is no country")));
            }
        }
        Ok(())
    }
}

impl When {
    fn matches(&self, event: &Event, lead: &Lead, countries: &[String]) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let is_from = |wanted: &String| countries.iter().any(|country| country.eq_ignore_ascii_case(wanted));
        self.country.as_ref().is_none_or(is_from)
            && is(&self.campaign_id, &lead.campaign_id)
            && is(&self.form_id, &lead.form_id)
            && is(&self.provider_type, &event.provider)
    }
}
