//! A lead as the Graph API tells it, made ours.

use hookyard_sdk::{Consent, Failure, Field, Inbound, Lead, Normalized, json, time};
use serde::Deserialize;

use crate::graph::{self, Graph};

/// What Meta's testing tool fills in where it has no better idea.
const DUMMY_PREFIX: &str = "<test lead: dummy data for ";

/// An event's payload: a webhook's change, or a whole lead out of a form's list.
#[derive(Deserialize)]
struct Logged {
    #[serde(default, deserialize_with = "json::optional_id")]
    leadgen_id: Option<String>,
    #[serde(default, deserialize_with = "json::optional_id")]
    form_id: Option<String>,
    #[serde(default, deserialize_with = "json::optional_id")]
    ad_id: Option<String>,
    /// Only in a list's items; what it holds is read again as a [`GraphLead`].
    field_data: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct GraphLead {
    #[serde(deserialize_with = "json::id")]
    id: String,
    #[serde(default)]
    created_time: String,
    #[serde(default, deserialize_with = "json::optional_id")]
    form_id: Option<String>,
    #[serde(default, deserialize_with = "json::optional_id")]
    ad_id: Option<String>,
    #[serde(default, deserialize_with = "json::optional_id")]
    campaign_id: Option<String>,
    field_data: Vec<Answer>,
    #[serde(default)]
    custom_disclaimer_responses: Vec<Disclaimer>,
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    #[serde(default, deserialize_with = "json::texts")]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Disclaimer {
    checkbox_key: String,
    /// "1" or "", and sometimes a boolean.
    #[serde(default, deserialize_with = "json::texts")]
    is_checked: Vec<String>,
}

/// Fetches the lead where the event only points at it, and maps it.
pub(crate) fn normalize(event: &Inbound, settings: &str) -> Result<Normalized, Failure> {
    let logged: Logged = json::parse("the logged event", &event.payload)?;
    let data = if logged.field_data.is_some() { event.payload.clone() } else { fetch(&logged, settings)? };
    let lead: GraphLead = json::parse("the lead that Meta returned", &data)?;
    Ok(Normalized { event_type: event.event_type.clone(), lead: Some(map(lead, logged, event)), data })
}

fn fetch(logged: &Logged, settings: &str) -> Result<String, Failure> {
    let Some(leadgen_id) = &logged.leadgen_id else {
        return Err(Failure::permanent("the logged event names no lead"));
    };
    let request = Graph::open(settings)?.get(leadgen_id, "", graph::LEAD_FIELDS)?;
    let body = graph::answer(request)?.body;
    String::from_utf8(body).map_err(|_| Failure::permanent("Meta's answer is not UTF-8"))
}

fn map(lead: GraphLead, logged: Logged, event: &Inbound) -> Lead {
    let fields: Vec<Field> = lead.field_data.into_iter().flat_map(fields).collect();
    let is_test = fields.iter().any(|field| field.value.starts_with(DUMMY_PREFIX));
    let consents = lead.custom_disclaimer_responses.into_iter().map(consent);
    Lead {
        form_id: lead.form_id.or(logged.form_id),
        campaign_id: lead.campaign_id,
        ad_id: lead.ad_id.or(logged.ad_id),
        created_at: time::parse(&lead.created_time).or(event.occurred_at),
        consents: consents.collect(),
        is_test,
        ..Lead::from_fields(lead.id, fields)
    }
}

/// One field a value: several boxes may be ticked under one question.
fn fields(answer: Answer) -> impl Iterator<Item = Field> {
    let Answer { name, values } = answer;
    values.into_iter().map(move |value| Field { name: name.clone(), value })
}

fn consent(disclaimer: Disclaimer) -> Consent {
    let given = disclaimer.is_checked.first();
    Consent { given: given.is_some_and(|checked| checked == "1" || checked == "true"), key: disclaimer.checkbox_key }
}
