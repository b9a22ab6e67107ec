//! Refusals: samples of requests that were not believed, for the operator who is asked why nothing arrives.

use axum::extract::State;
use hookyard_model::instant::Instant;
use hookyard_store::{RefusalId, RefusalSample};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Operator, Scope};
use crate::http::body::Json;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::InQuery;
use crate::http::problem::Problem;

/// A request that was refused. A sample: not every one is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    /// Its id.
    pub id: String,
    /// Whose webhook it claimed to be.
    pub provider: String,
    /// The account, where its URL named one.
    pub account_id: Option<String>,
    /// A stable word.
    pub reason: String,
    /// A sentence.
    pub detail: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_refusals))
}

/// List samples of webhooks that were refused
///
/// For the operator.
#[utoipa::path(get, path = "/api/v1/refusals", tag = "refusals", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<RefusalView>)))]
async fn list_refusals(
    State(api): State<Api>,
    Operator(caller): Operator,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<RefusalView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "refusals", None, &query)?;
    let rows = api.store.refusal_list(request).await?;
    paging.page(rows, |(id, _)| id.text(), show).map(Json)
}

fn show((id, sample): (RefusalId, RefusalSample)) -> RefusalView {
    RefusalView {
        id: id.text(),
        provider: sample.provider,
        account_id: sample.account.map(|account| account.text()),
        reason: sample.reason,
        detail: sample.detail,
        at: sample.at,
    }
}
