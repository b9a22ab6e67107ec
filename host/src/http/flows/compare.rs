//! A comparison: what a version would have done where the flow's last runs did what they did.
//!
//! Each run is replayed from its own journal, so nothing is fetched and nothing is written. Runs that came to no end of
//! the flow's own making say nothing of a version, and are passed over: those that still run or never began, those
//! whose end was the host's or a credential's fault, and those for which there is no time left.

use std::sync::Arc;

use axum::extract::State;
use hookyard_model::id::FlowId;
use hookyard_model::limits;
use hookyard_model::plugin::Digest;
use hookyard_model::run::RunStatus;
use hookyard_store::{PageRequest, RunFilter, RunRow};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::flows::decide::{self, DecideError};
use crate::flows::trial::{self, Compared};
use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::flows::{get, versions};
use crate::http::parameters::InPath;
use crate::http::problem::Problem;

/// Runs that are compared where the caller does not say.
const RUNS_DEFAULT: u32 = 20;
/// Runs that are read at a time: each may hold an event.
const PAGE: u32 = 20;
/// Runs that are looked at, for each that is to be compared.
const LOOKED_AT_EACH: u32 = 5;
/// How long a comparison takes at most; the rest is passed over.
const WITHIN: Duration = Duration::from_secs(25);
/// Ends of which the version is not to blame.
const NOT_ITS_OWN: [&str; 3] = ["host", "limited", "unauthorized"];

/// What is to be compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comparison {
    /// The version of the flow's plugin that the runs are replayed on.
    #[schema(example = 2)]
    version: u32,
    /// How many runs, the newest first: 1 to 100; 20 where it is not said.
    #[serde(default)]
    #[schema(example = 20)]
    runs: Option<u32>,
}

/// What a version would have done.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonResult {
    /// The version that the runs were replayed on.
    pub version: u32,
    /// Runs that were replayed.
    pub compared: u32,
    /// Runs in which it would have asked for the same and decided the same.
    pub same: u32,
    /// The others, the newest first.
    pub different: Vec<Difference>,
    /// Runs that were looked at and not replayed: see the route's description.
    pub skipped: u32,
}

/// A run in which a version would have done something else.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The run.
    pub run: String,
    /// The event that started it.
    pub event: String,
    /// `result`: `decided` something else (`before`, `now`), `askedLess` (numbers of effects, `before` and `now`),
    /// `askedOther` (at `step`: `before`, `now`), or `failed` (`blame`, `reason`).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub how: Compared,
}

/// This route.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(compare_flow))
}

/// Replay a flow's last runs on another version
///
/// Each run that has ended is replayed from its journal: nothing is fetched, written or emitted. Passed over are runs
/// that still run or never began, those that ended by the fault of the host or of a credential, and those for which 25
/// seconds were not enough.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/compare", tag = "flows",
    params(("flow" = String, Path, description = "Its id")), request_body = Comparison,
    responses((status = 200, description = "What that version would have done", body = ComparisonResult)))]
async fn compare_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<FlowId>,
    Json(wanted): Json<Comparison>,
) -> Result<Json<ComparisonResult>, Problem> {
    caller.may(Scope::Manage)?;
    let runs = wanted.runs.unwrap_or(RUNS_DEFAULT);
    if !(1..=limits::COMPARED_RUNS_MAX).contains(&runs) {
        let detail = format!("this is a number from 1 to {}", limits::COMPARED_RUNS_MAX);
        return Err(Problem::invalid("runs", detail));
    }
    let flow = get(&api, caller.tenant, id).await?;
    let version = versions::chosen(&api, &flow, Some(wanted.version)).await?;
    let mut result = ComparisonResult { version: version.version, ..ComparisonResult::default() };
    let until = Instant::now() + WITHIN;
    let filter = RunFilter { flow: Some(id), ..RunFilter::default() };
    let mut page = PageRequest::first(PAGE);
    loop {
        let rows = api.store.run_list(caller.tenant, filter, page).await?;
        let Some(last) = rows.last() else { return Ok(Json(result)) };
        page.after = Some(last.run.id);
        for row in rows {
            let how = if Instant::now() < until { compare(&api, &row, version.digest).await? } else { None };
            result.count(&row, how);
            if result.compared >= runs || result.looked_at() >= runs.saturating_mul(LOOKED_AT_EACH) {
                return Ok(Json(result));
            }
        }
    }
}

/// How a run compares with its replay on another component; nothing where it says nothing of it.
async fn compare(api: &Api, row: &RunRow, digest: Digest) -> Result<Option<Compared>, Problem> {
    let (status, outcome) = (row.status, &row.outcome);
    let is_its_own = |blame: Option<&str>| blame.is_none_or(|blame| !NOT_ITS_OWN.contains(&blame));
    let has_ended = matches!(status, RunStatus::Succeeded | RunStatus::Failed);
    if !has_ended || !is_its_own(outcome.blame.as_deref()) {
        return Ok(None);
    }
    let journal = Arc::new(api.store.run_journal(row.run.tenant, row.run.id).await?);
    let tried = trial::replay(&api.guests, &row.run, &journal, digest).await;
    if !is_its_own(tried.blame.as_deref()) {
        return Ok(None);
    }
    let failed = outcome.reason.as_deref().filter(|_| status == RunStatus::Failed);
    if let (Some(decision), Some(reason)) = (&tried.decision, failed) {
        // What the run had decided could not be carried out; it is the same where this cannot be either.
        let now = api.store.now();
        match decide::effects(&api.store, &row.run, decision, &journal, now).await {
            Err(DecideError::Refused(why)) if why == reason => return Ok(Some(Compared::Same)),
            Err(DecideError::Store(error)) => return Err(error.into()),
            Ok(_) | Err(DecideError::Refused(_)) => {}
        }
    }
    Ok(Some(trial::compare(&tried, &journal, outcome.decision.as_ref(), failed)))
}

impl ComparisonResult {
    fn count(&mut self, row: &RunRow, how: Option<Compared>) {
        match how {
            None => self.skipped = self.skipped.saturating_add(1),
            Some(how) => {
                self.compared = self.compared.saturating_add(1);
                match how {
                    Compared::Same => self.same = self.same.saturating_add(1),
                    how @ (Compared::Decided { .. }
                    | Compared::AskedLess { .. }
                    | Compared::AskedOther { .. }
                    | Compared::Failed { .. }) => {
                        let (run, event) = (row.run.id.text(), row.run.event.text());
                        self.different.push(Difference { run, event, how });
                    }
                }
            }
        }
    }

    fn looked_at(&self) -> u32 {
        self.compared.saturating_add(self.skipped)
    }
}
