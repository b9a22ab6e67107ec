//! A run whole: what it was given, what it was told, what it decided, and the component that it ran on.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hookyard_model::effect::Entry;
use hookyard_model::id::RunId;
use hookyard_model::plugin::World;
use hookyard_model::run::{Input, Write};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::parameters::InPath;
use crate::http::problem::Problem;
use crate::http::runs::decision::{self, ActionView};
use crate::http::runs::{RunView, none};

/// A run with all that hangs on it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStory {
    /// The run.
    #[serde(flatten)]
    pub about: RunView,
    /// What its guest wrote, bounded.
    pub log: Vec<String>,
    /// What it decided, in its order; empty where it decided nothing, or came to no decision.
    pub actions: Vec<ActionView>,
    /// What it wrote to its flow's state: `{key, value}`, the value as a text or as `{"base64": …}`, or null where it was
    /// forgotten.
    #[schema(value_type = Vec<Object>)]
    pub writes: Vec<Write>,
    /// What it was told, the first first.
    pub journal: Vec<StepView>,
    /// All that its guest was given, as it was pinned when the run was made.
    #[schema(value_type = Object)]
    pub input: Input,
}

/// One effect that was performed, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Counted from 1.
    pub step: usize,
    /// `effect` in a line, its `fingerprint`, `at` which moment, and the `reply`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub entry: Entry,
}

/// Get a run with its journal
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The run with all that hangs on it", body = RunStory)))]
pub(super) async fn get_run(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<RunId>,
) -> Result<Json<RunStory>, Problem> {
    caller.may(Scope::Read)?;
    let row = api.store.run_get(caller.tenant, id).await?.ok_or_else(none)?;
    let journal = api.store.run_journal(caller.tenant, id).await?;
    let about = RunView::from(&row);
    let (actions, writes) = decision::show(row.outcome.decision);
    let step = |(index, entry): (usize, Entry)| StepView { step: index.saturating_add(1), entry };
    Ok(Json(RunStory {
        about,
        log: row.outcome.log,
        actions,
        writes,
        journal: journal.into_iter().enumerate().map(step).collect(),
        input: row.run.input,
    }))
}

/// Get the component that a run ran on
///
/// Of the tenant's own plugins, or of the operator's. With it, a run's `input` and its `journal`, the run can be had
/// again elsewhere.
#[utoipa::path(get, path = "/api/v1/runs/{run}/component", tag = "runs",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The component's bytes", body = [u8], content_type = "application/wasm")))]
pub(super) async fn get_run_component(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<RunId>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Scope::Read)?;
    let row = api.store.run_get(caller.tenant, id).await?.ok_or_else(none)?;
    let gone = || Problem::not_found("component");
    // A digest is the same for whoever has it: the bytes are given only where the tenant may run them.
    let version = api.directory.version_of(caller.tenant, World::Flow, row.run.digest).await?.ok_or_else(gone)?;
    let component = api.store.component_bytes(version.digest).await?.ok_or_else(gone)?;
    Ok(([(CONTENT_TYPE, "application/wasm")], component))
}
