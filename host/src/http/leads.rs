//! Leads, read: at `/leads`, where products before Hookyard had them, and under `/api/v1`.

use axum::extract::State;
use hookyard_model::http::Field;
use hookyard_model::id::{LeadId, LeadNoun, Noun as _};
use hookyard_model::instant::Instant;
use hookyard_model::lead::{CleanLead, Consent};
use hookyard_store::LeadRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery, read_id};
use crate::http::problem::Problem;

/// Which leads.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LeadQuery {
    /// Of this account; `accountId` is taken as well.
    #[serde(alias = "accountId")]
    account_id: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One person's details, the same shape whatever the source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lead)]
#[serde(rename_all = "camelCase")]
pub struct LeadView {
    /// Its id.
    pub id: String,
    /// The account that it came through; null where its event is no provider's.
    pub account_id: Option<String>,
    /// The event that brought it.
    pub event_id: String,
    /// Such as `meta_lead_ads`.
    pub provider_type: String,
    /// The provider's own id of it.
    pub provider_lead_id: String,
    /// Lowercase, its domain in ASCII.
    pub email: Option<String>,
    /// Given, or the first word of the full name.
    pub first_name: Option<String>,
    /// Given, or the rest of the full name.
    pub last_name: Option<String>,
    /// Given, or first and last name together.
    pub full_name: Option<String>,
    /// E.164.
    pub phone_number: Option<String>,
    /// White space collapsed.
    pub company: Option<String>,
    /// Every answer as the provider gave it.
    pub raw_field_data: Vec<Answer>,
    /// Answers that are none of the above.
    pub custom_fields: Vec<Answer>,
    /// The form.
    pub form_id: Option<String>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// The ad.
    pub ad_id: Option<String>,
    /// When the person sent it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Instant>,
    /// What the person agreed to.
    pub consents: Vec<ConsentView>,
    /// Sent by the provider's own test tool.
    pub is_test: bool,
    /// Names of fields that could not be read and stand as given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsed: Vec<String>,
    /// When Hookyard logged it.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
}

/// An answer in a form.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answer {
    /// The question's key.
    pub name: String,
    /// What was answered.
    pub value: String,
}

/// A box that the person ticked, or did not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
pub struct ConsentView {
    /// The form's own key of it.
    pub key: String,
    /// Whether it was ticked.
    pub given: bool,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_leads_compatible))
        .routes(routes!(get_lead_compatible))
        .routes(routes!(list_leads))
        .routes(routes!(get_lead))
}

/// List leads
#[utoipa::path(get, path = "/api/v1/leads", tag = "leads", params(LeadQuery),
    responses((status = 200, description = "Newest first", body = Page<LeadView>)))]
async fn list_leads(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<LeadQuery>,
) -> Result<Json<Page<LeadView>>, Problem> {
    caller.may(Scope::Read)?;
    let account = read_id("account_id", query.account_id.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (paging, request) = Paging::read(&api, "leads", Some(caller.tenant), &page)?;
    let rows = api.store.lead_list(caller.tenant, account, request).await?;
    paging.page(rows, |row| row.id.text(), LeadView::from).map(Json)
}

/// Get a lead
#[utoipa::path(get, path = "/api/v1/leads/{lead}", tag = "leads",
    params(("lead" = String, Path, description = "Its id")),
    responses((status = 200, description = "The lead", body = LeadView)))]
async fn get_lead(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(lead): InPath<LeadId>,
) -> Result<Json<LeadView>, Problem> {
    caller.may(Scope::Read)?;
    let row = api.store.lead_get(caller.tenant, lead).await?;
    row.map(|row| Json(row.into())).ok_or_else(|| Problem::not_found(LeadNoun::NAME))
}

/// List leads, at the path of products before
#[utoipa::path(get, path = "/leads", tag = "leads", params(LeadQuery),
    responses((status = 200, description = "Newest first", body = Page<LeadView>)))]
async fn list_leads_compatible(
    state: State<Api>,
    caller: TenantCaller,
    query: InQuery<LeadQuery>,
) -> Result<Json<Page<LeadView>>, Problem> {
    list_leads(state, caller, query).await
}

/// Get a lead, at the path of products before
#[utoipa::path(get, path = "/leads/{lead}", tag = "leads",
    params(("lead" = String, Path, description = "Its id")),
    responses((status = 200, description = "The lead", body = LeadView)))]
async fn get_lead_compatible(
    state: State<Api>,
    caller: TenantCaller,
    lead: InPath<LeadId>,
) -> Result<Json<LeadView>, Problem> {
    get_lead(state, caller, lead).await
}

impl From<LeadRow> for LeadView {
    fn from(row: LeadRow) -> Self {
        let CleanLead {
            provider_type,
            provider_lead_id,
            email,
            first_name,
            last_name,
            full_name,
            phone_number,
            company,
            raw_field_data,
            custom_fields,
            form_id,
            campaign_id,
            ad_id,
            created_at,
            consents,
            is_test,
            unparsed,
            received_at,
        } = row.lead;
        let answers = |fields: Vec<Field>| {
            fields.into_iter().map(|Field { name, value }| Answer { name, value }).collect::<Vec<_>>()
        };
        Self {
            id: row.id.text(),
            account_id: row.account.map(|account| account.text()),
            event_id: row.event.text(),
            provider_type,
            provider_lead_id,
            email,
            first_name,
            last_name,
            full_name,
            phone_number,
            company,
            raw_field_data: answers(raw_field_data),
            custom_fields: answers(custom_fields),
            form_id,
            campaign_id,
            ad_id,
            created_at,
            consents: consents.into_iter().map(|Consent { key, given }| ConsentView { key, given }).collect(),
            is_test,
            unparsed,
            received_at,
        }
    }
}
