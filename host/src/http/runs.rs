//! Runs: listed, told whole ([`story`]), and tried again where they failed.
//!
//! What a run was given and what it was told are shown exactly as they are stored, so that whoever downloads them and
//! the component has the run again, byte for byte.

pub(crate) mod decision;
pub mod story;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::flow::FlowStage;
use hookyard_model::id::{FlowId, Noun as _, RunId, RunNoun, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::run::RunStatus;
use hookyard_store::{RunFilter, RunRetry, RunRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::flows;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery, read_id, read_status};
use crate::http::problem::Problem;

/// Which runs; what is not said is not looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Of this flow.
    #[serde(alias = "flowId", alias = "flow_id")]
    flow: Option<String>,
    /// Started by this event.
    #[serde(alias = "eventId", alias = "event_id")]
    event: Option<String>,
    /// `RUNNING`, `SUCCEEDED`, `FAILED` or `LIMITED`.
    status: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Which of a flow's runs; what is not said is not looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FlowRunQuery {
    /// Started by this event.
    #[serde(alias = "eventId", alias = "event_id")]
    event: Option<String>,
    /// `RUNNING`, `SUCCEEDED`, `FAILED` or `LIMITED`.
    status: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One execution of a flow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Of which flow.
    pub flow: String,
    /// What started it.
    pub event: String,
    /// `before`, `after` or `transform`.
    #[schema(example = "after")]
    pub stage: &'static str,
    /// The flow plugin that it runs, by its name.
    #[schema(example = "lead_router")]
    pub plugin: String,
    /// The version of it, counted by the host.
    pub version: u32,
    /// SHA-256 of the component that it keeps to.
    pub digest: String,
    /// How far it has come: `RUNNING`, `SUCCEEDED`, `FAILED`, or `LIMITED` where its tenant had had its runs for the day.
    #[schema(example = "SUCCEEDED")]
    pub status: &'static str,
    /// When it goes on: it sleeps, or is tried again. Null where it has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub waiting_until: Option<Instant>,
    /// How often it was taken up.
    pub tries: u32,
    /// How often it was tried again because its guest asked for it or the host was at fault.
    pub failures: u32,
    /// Entries of its journal: effects that were performed.
    pub steps: u32,
    /// Whose fault it was, in a stable word: `trapped`, `out_of_time`, `diverged`, `refused`, …
    pub blame: Option<String>,
    /// Why it failed, waits or is tried again.
    pub reason: Option<String>,
    /// CPU of all its calls, in microseconds.
    pub cpu_micros: u64,
    /// The most memory that a call held, in bytes.
    pub memory_bytes: u64,
    /// How often its guest was called.
    pub calls: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Instant,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
}

/// A run that is due now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriedRun {
    /// Its id.
    pub id: String,
    /// `RUNNING`.
    #[schema(example = "RUNNING")]
    pub status: &'static str,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(list_flow_runs))
        .routes(routes!(story::get_run))
        .routes(routes!(story::get_run_component))
        .routes(routes!(retry_run))
}

/// List runs
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(RunQuery),
    responses((status = 200, description = "Newest first, by the events that started them", body = Page<RunView>)))]
async fn list_runs(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<RunQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    caller.may(Scope::Read)?;
    let filter = RunFilter {
        flow: read_id("flow", query.flow.as_deref())?,
        event: read_id("event", query.event.as_deref())?,
        status: status(query.status.as_deref())?,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    list(&api, "runs", caller.tenant, filter, &page).await
}

/// List a flow's runs
#[utoipa::path(get, path = "/api/v1/flows/{flow}/runs", tag = "runs",
    params(("flow" = String, Path, description = "Its id"), FlowRunQuery),
    responses((status = 200, description = "Newest first, by the events that started them", body = Page<RunView>)))]
async fn list_flow_runs(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(flow): InPath<FlowId>,
    InQuery(query): InQuery<FlowRunQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    caller.may(Scope::Read)?;
    let flow = flows::get(&api, caller.tenant, flow).await?;
    let filter = RunFilter {
        flow: Some(flow.id),
        event: read_id("event", query.event.as_deref())?,
        status: status(query.status.as_deref())?,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    list(&api, "flow-runs", caller.tenant, filter, &page).await
}

/// Go on with a run that failed or was limited
///
/// It goes on with what its journal knows, less its last fetch, which is done anew; on the version that it began with. A
/// run of stage `before` is part of its event, and one of a transform part of its delivery: those are tried again as a
/// whole.
#[utoipa::path(post, path = "/api/v1/runs/{run}/retry", tag = "runs",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is due now", body = RetriedRun)))]
async fn retry_run(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<RunId>,
) -> Result<(StatusCode, Json<RetriedRun>), Problem> {
    caller.may(Scope::Manage)?;
    let row = api.store.run_get(caller.tenant, id).await?.ok_or_else(none)?;
    match row.run.stage {
        FlowStage::After => {}
        FlowStage::Before => {
            let detail = "a run of stage `before` is part of its event, which has gone on without it: change the flow, \
                          and it holds from the next event on";
            return Err(Problem::conflict(detail));
        }
        FlowStage::Transform => {
            let detail = "a run of a transform is part of its delivery: retry the delivery, and it runs again";
            return Err(Problem::conflict(detail));
        }
    }
    match api.store.run_retry(caller.tenant, id).await? {
        RunRetry::Queued => {
            let retried = RetriedRun { id: id.text(), status: RunStatus::Running.as_str() };
            Ok((StatusCode::ACCEPTED, Json(retried)))
        }
        RunRetry::NotFailed => {
            let status = row.status.as_str();
            let detail = format!("this run is `{status}`, and only a `FAILED` or `LIMITED` one is tried again");
            Err(Problem::conflict(detail))
        }
        RunRetry::NotFound => Err(none()),
    }
}

async fn list(
    api: &Api,
    name: &'static str,
    tenant: TenantId,
    filter: RunFilter,
    page: &PageQuery,
) -> Result<Json<Page<RunView>>, Problem> {
    let (paging, request) = Paging::read(api, name, Some(tenant), page)?;
    let rows = api.store.run_list(tenant, filter, request).await?;
    paging.page(rows, |row| row.run.id.text(), |row| RunView::from(&row)).map(Json)
}

fn status(text: Option<&str>) -> Result<Option<RunStatus>, Problem> {
    let statuses = RunStatus::ALL.map(RunStatus::as_str);
    read_status(text, RunStatus::from_row, &statuses)
}

fn none() -> Problem {
    Problem::not_found(RunNoun::NAME)
}

impl From<&RunRow> for RunView {
    fn from(row: &RunRow) -> Self {
        let (run, outcome) = (&row.run, &row.outcome);
        Self {
            id: run.id.text(),
            flow: run.flow.text(),
            event: run.event.text(),
            stage: run.stage.as_str(),
            plugin: run.by.plugin.clone(),
            version: run.by.version,
            digest: run.digest.hex(),
            status: row.status.as_str(),
            waiting_until: row.due_at,
            tries: row.tries,
            failures: row.failures,
            steps: row.steps,
            blame: outcome.blame.clone(),
            reason: outcome.reason.clone(),
            cpu_micros: outcome.cpu_us,
            memory_bytes: outcome.memory_bytes,
            calls: outcome.calls,
            started_at: row.began_at,
            ended_at: row.ended_at,
        }
    }
}
