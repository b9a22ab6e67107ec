//! Deliveries: listed, told with their attempts ([`attempt`]), and tried again by hand.

pub mod attempt;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::id::{DeliveryId, DeliveryNoun, Noun as _};
use hookyard_model::instant::Instant;
use hookyard_store::{DeliveryFilter, DeliveryRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::deliveries::attempt::DeliveryStory;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery, read_id, read_status};
use crate::http::problem::Problem;

/// Which deliveries; what is not said is not looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Of this event.
    #[serde(alias = "eventId", alias = "event_id")]
    event: Option<String>,
    /// For this subscription.
    #[serde(alias = "subscriptionId", alias = "subscription_id")]
    subscription: Option<String>,
    /// `PENDING`, `DELIVERED`, `DEAD` or `SKIPPED`.
    status: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One event for one subscription.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// What is delivered.
    pub event_id: String,
    /// To whom.
    pub subscription_id: String,
    /// How far it has come: `PENDING`, `DELIVERED`, `DEAD`, or `SKIPPED` where its subscription's transform emitted
    /// nothing.
    #[schema(example = "DELIVERED")]
    pub status: &'static str,
    /// When it is tried next; null where it has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// Attempts made.
    pub attempt_count: u32,
    /// The status that came back last.
    pub last_status: Option<u16>,
    /// The last error in a word, or why it is put off, dead or skipped without an attempt.
    pub last_error: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// A delivery that is due now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriedDelivery {
    /// Its id.
    pub id: String,
    /// `PENDING`.
    #[schema(example = "PENDING")]
    pub status: &'static str,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_deliveries)).routes(routes!(get_delivery)).routes(routes!(retry_delivery))
}

/// List deliveries
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(DeliveryQuery),
    responses((status = 200, description = "Newest first", body = Page<DeliveryView>)))]
async fn list_deliveries(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<DeliveryQuery>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    caller.may(Scope::Read)?;
    let statuses = DeliveryStatus::ALL.map(DeliveryStatus::as_str);
    let filter = DeliveryFilter {
        event: read_id("event", query.event.as_deref())?,
        subscription: read_id("subscription", query.subscription.as_deref())?,
        status: read_status(query.status.as_deref(), DeliveryStatus::from_row, &statuses)?,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (paging, request) = Paging::read(&api, "deliveries", Some(caller.tenant), &page)?;
    let rows = api.store.delivery_list(caller.tenant, filter, request).await?;
    paging.page(rows, |row| row.id.text(), |row| DeliveryView::from(&row)).map(Json)
}

/// Get a delivery with its attempts
#[utoipa::path(get, path = "/api/v1/deliveries/{delivery}", tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id")),
    responses((status = 200, description = "The delivery and every attempt", body = DeliveryStory)))]
async fn get_delivery(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(delivery): InPath<DeliveryId>,
) -> Result<Json<DeliveryStory>, Problem> {
    caller.may(Scope::Read)?;
    let found = api.store.delivery_get(caller.tenant, delivery).await?;
    let (row, attempts) = found.ok_or_else(|| Problem::not_found(DeliveryNoun::NAME))?;
    Ok(Json(DeliveryStory::of(&row, attempts)))
}

/// Try a delivery again, now
#[utoipa::path(post, path = "/api/v1/deliveries/{delivery}/retry", tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is due now", body = RetriedDelivery)))]
async fn retry_delivery(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(delivery): InPath<DeliveryId>,
) -> Result<(StatusCode, Json<RetriedDelivery>), Problem> {
    caller.may(Scope::Manage)?;
    match api.store.delivery_retry(caller.tenant, delivery).await? {
        Some(true) => {
            let retried = RetriedDelivery { id: delivery.text(), status: DeliveryStatus::Pending.as_str() };
            Ok((StatusCode::ACCEPTED, Json(retried)))
        }
        Some(false) => Err(Problem::conflict("this delivery is `DELIVERED`: its receiver has it already")),
        None => Err(Problem::not_found(DeliveryNoun::NAME)),
    }
}

impl From<&DeliveryRow> for DeliveryView {
    fn from(row: &DeliveryRow) -> Self {
        Self {
            id: row.id.text(),
            event_id: row.event.text(),
            subscription_id: row.subscription.text(),
            status: row.status.as_str(),
            due_at: row.due_at,
            attempt_count: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error.clone(),
            created_at: row.created_at,
        }
    }
}
