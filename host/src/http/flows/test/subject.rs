//! What a flow is tested on: an event that was logged, as a run of it would see it now, or one that never was.

use hookyard_model::clean::clean;
use hookyard_model::http::Field;
use hookyard_model::id::{AccountId, EventId, EventNoun, LeadId, Noun as _, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::{Consent, Lead};
use hookyard_model::run::SeenEvent;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::flows::start::Subject;
use crate::http::Api;
use crate::http::checks;
use crate::http::problem::Problem;
use crate::ids;

/// An event that never was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleEvent {
    /// What triggers match.
    #[serde(alias = "event_type", alias = "type")]
    #[schema(example = "leadgen")]
    event_type: String,
    /// Any JSON.
    #[schema(value_type = Value)]
    data: Box<RawValue>,
    /// The provider type; none where it is no provider's.
    #[serde(default)]
    #[schema(example = "meta_lead_ads")]
    provider: Option<String>,
    /// A lead as `GET /api/v1/leads/{lead}` shows it; all that is not given is not known.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"email": "ada@example.com", "fullName": "Ada Lovelace"}))]
    lead: Option<Box<SampleLead>>,
}

/// A lead in the API's own words. What the host works out by itself is taken, and worked out again.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct SampleLead {
    id: Option<LeadId>,
    account_id: Option<AccountId>,
    #[serde(rename = "eventId")]
    _event_id: IgnoredAny,
    provider_type: Option<String>,
    provider_lead_id: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    phone_number: Option<String>,
    company: Option<String>,
    raw_field_data: Vec<Field>,
    custom_fields: Vec<Field>,
    form_id: Option<String>,
    campaign_id: Option<String>,
    ad_id: Option<String>,
    created_at: Option<Instant>,
    consents: Vec<Consent>,
    is_test: bool,
    #[serde(rename = "unparsed")]
    _unparsed: IgnoredAny,
    received_at: Option<Instant>,
}

impl SampleEvent {
    /// As a run would see it.
    ///
    /// # Errors
    /// 422 with the field.
    pub(super) fn subject(self, now: Instant) -> Result<Subject, Problem> {
        let event_type = checks::event_type("sample.eventType", &self.event_type)?;
        let provider = self.provider;
        let account = self.lead.as_ref().and_then(|lead| lead.account_id);
        let lead_id = self.lead.as_ref().map(|lead| lead.id.unwrap_or_else(|| ids::new_id(now)));
        let lead = self.lead.map(|lead| {
            let of = lead.provider_type.clone().or_else(|| provider.clone()).unwrap_or_default();
            let received_at = lead.received_at.unwrap_or(now);
            clean((*lead).into(), &of, None, received_at)
        });
        Ok(Subject {
            event: SeenEvent {
                id: ids::new_id(now),
                event_type,
                provider,
                account,
                occurred_at: now,
                lead: lead_id,
                data: self.data.get().to_owned(),
            },
            lead,
            depth: 0,
            default_country: None,
        })
    }
}

impl From<SampleLead> for Lead {
    fn from(lead: SampleLead) -> Self {
        Self {
            provider_lead_id: lead.provider_lead_id.unwrap_or_default(),
            email: lead.email,
            first_name: lead.first_name,
            last_name: lead.last_name,
            full_name: lead.full_name,
            phone_number: lead.phone_number,
            company: lead.company,
            raw_field_data: lead.raw_field_data,
            custom_fields: lead.custom_fields,
            form_id: lead.form_id,
            campaign_id: lead.campaign_id,
            ad_id: lead.ad_id,
            created_at: lead.created_at,
            consents: lead.consents,
            is_test: lead.is_test,
        }
    }
}

/// A logged event of a tenant. One that is not understood yet is seen as it came.
///
/// # Errors
/// 404 where the tenant has no such event.
pub(super) async fn logged(api: &Api, tenant: TenantId, event: &str) -> Result<Subject, Problem> {
    let none = || Problem::not_found(EventNoun::NAME).about("event");
    let id: EventId = event.parse().map_err(|_| none())?;
    let (row, bodies) = api.store.event_get(tenant, id).await?.ok_or_else(none)?;
    let lead_id = row.outcome.lead.or(row.inherited_lead);
    let lead = match lead_id {
        Some(lead) => api.store.lead_get(tenant, lead).await?.map(|row| row.lead),
        None => None,
    };
    let account = match row.account {
        Some(account) => api.store.account_get(tenant, account).await?,
        None => None,
    };
    Ok(Subject {
        event: SeenEvent {
            id,
            event_type: row.event_type,
            provider: row.provider,
            account: row.account,
            occurred_at: row.occurred_at.unwrap_or(row.received_at),
            lead: lead_id,
            data: bodies.data.unwrap_or(bodies.payload),
        },
        lead,
        depth: row.depth,
        default_country: account.and_then(|account| account.default_country),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_as_the_api_shows_it_is_taken_and_so_is_half_a_one() {
        let whole = r#"{"eventType":"leadgen","data":{},"lead":{"id":"lead_01jd3qk2m4v8w9x0y1z2a3b4c5","accountId":null,
            "eventId":"evt_x","providerType":"p","providerLeadId":"1","email":"Ada@Example.com","firstName":null,
            "lastName":null,"fullName":"Ada Lovelace","phoneNumber":null,"company":null,"rawFieldData":[],
            "customFields":[{"name":"a","value":"b"}],"formId":null,"campaignId":null,"adId":null,"createdAt":null,
            "consents":[],"isTest":false,"unparsed":[],"receivedAt":"2026-01-01T00:00:00Z"}}"#;
        let subject = serde_json::from_str::<SampleEvent>(whole).unwrap().subject(Instant::EPOCH).unwrap();
        let lead = subject.lead.unwrap();
        assert_eq!((lead.email.as_deref(), lead.first_name.as_deref()), (Some("ada@example.com"), Some("Ada")));
        assert_eq!(subject.event.lead.unwrap().text(), "lead_01jd3qk2m4v8w9x0y1z2a3b4c5");
        let half = r#"{"type":"leadgen","data":1,"lead":{"email":"a@b.de"}}"#;
        let subject = serde_json::from_str::<SampleEvent>(half).unwrap().subject(Instant::EPOCH).unwrap();
        assert_eq!((subject.event.data.as_str(), subject.lead.is_some()), ("1", true));
        let misspelt = r#"{"eventType":"leadgen","data":1,"lead":{"emial":"a@b.de"}}"#;
        assert!(serde_json::from_str::<SampleEvent>(misspelt).is_err());
    }
}
