//! Providers' webhooks: `/webhook/{provider}` and `/webhook/{provider}/{account}`.
//!
//! The order is the pipeline's: read within bounds, prove, log, and only then answer 2xx. What is refused is counted and
//! sampled; the caller learns the status and nothing of why, and nothing that a guest said.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hookyard_model::http as model;
use hookyard_model::id::{AccountId, EventId};
use hookyard_model::limits;
use serde::Serialize;

use crate::http::Api;
use crate::http::problem::Problem;
use crate::pipeline::ingest::{self, IngestError};
use crate::pipeline::verify::VerifyError;
use crate::pipeline::{Arrived, Believed};
use crate::telemetry::ProviderEnded;

/// Largest answer that a provider plugin may give, in bytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// The two routes.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/webhook/{provider}", get(shared).post(shared))
        .route("/webhook/{provider}/{account}", get(own).post(own))
}

/// What a provider is told where its plugin has no answer of its own.
#[derive(Serialize)]
struct Logged {
    received: usize,
    events: Vec<EventId>,
}

async fn shared(State(api): State<Api>, Path(provider): Path<String>, request: Request) -> Response {
    answer(api, provider, None, request).await
}

async fn own(State(api): State<Api>, Path((provider, account)): Path<(String, String)>, request: Request) -> Response {
    match account.parse() {
        Ok(account) => answer(api, provider, Some(account), request).await,
        Err(_) => unknown_account(&provider).into_response(),
    }
}

async fn answer(api: Api, provider: String, account: Option<AccountId>, request: Request) -> Response {
    let began = std::time::Instant::now();
    let response = match take(&api, provider, account, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    api.metrics.ingest_seconds.observe(began.elapsed().as_secs_f64());
    response
}

async fn take(api: &Api, provider: String, account: Option<AccountId>, request: Request) -> Result<Response, Problem> {
    let (parts, body): (_, Body) = request.into_parts();
    let request = ingest::read(parts, body, &api.public_url).await?;
    let arrived = Arrived { provider: provider.clone(), account, request };
    let mut believed = match api.front.verify.prove(arrived).await {
        Ok(believed) => believed,
        Err(error) => return Err(refused(api, &provider, account, error)),
    };
    let (reply, unclaimed) = (believed.reply.take(), believed.unclaimed);
    note_unclaimed(api, &believed, account);
    let events = api.front.event_log.log(believed).await?;
    tracing::debug!(provider, events = events.len(), unclaimed, "logged {} events of `{provider}`", events.len());
    let label = ProviderEnded { provider, outcome: "logged" };
    api.metrics.requests.get_or_create(&label).inc();
    Ok(match reply {
        Some(reply) => guest_reply(reply),
        None => axum::Json(Logged { received: events.len(), events }).into_response(),
    })
}

fn note_unclaimed(api: &Api, believed: &Believed, account: Option<AccountId>) {
    if believed.unclaimed > 0 {
        let detail = format!("{} authentic events belong to no account that is connected here", believed.unclaimed);
        api.front.refusals.note(&believed.provider, account, "unclaimed", detail);
    }
}

/// Counts what was not believed, and says no more of it than its status.
fn refused(api: &Api, provider: &str, account: Option<AccountId>, error: VerifyError) -> Problem {
    let note = |reason, detail: String| api.front.refusals.note(provider, account, reason, detail);
    match error {
        VerifyError::UnknownProvider(_) => Problem::unknown(
            "unknown-provider",
            "no plugin here speaks to this provider: upload one, or check the URL; GET /api/v1/providers lists those there are",
        ),
        VerifyError::UnknownAccount(_) => unknown_account(provider),
        VerifyError::NotShared(_) => Problem::unknown(
            "unknown-account",
            "this provider's secrets are each account's own: send its webhooks to the account's `webhookUrl`",
        ),
        VerifyError::Malformed(detail) => {
            note("malformed", detail);
            Problem::bad_request("the request is not what this provider sends")
        }
        VerifyError::NotAuthentic(refusal) => {
            note("not_authentic", refusal.to_string());
            Problem::not_authentic()
        }
        VerifyError::Plugin(failure) => {
            tracing::warn!(
                provider,
                guest.blame = failure.blame.kind(),
                "the plugin of `{provider}` failed on a request: {failure}"
            );
            note("plugin_failed", failure.to_string());
            Problem::unavailable()
        }
        VerifyError::Load(error) => {
            tracing::error!(
                provider,
                error = &error as &dyn std::error::Error,
                "the plugin of `{provider}` cannot be loaded"
            );
            Problem::unavailable()
        }
        VerifyError::Store(error) => error.into(),
    }
}

fn unknown_account(provider: &str) -> Problem {
    let provider: String = provider.chars().filter(|letter| !letter.is_control()).take(64).collect();
    let detail = format!("no account of `{provider}` has this URL: its `webhookUrl` is in GET /api/v1/accounts");
    Problem::unknown("unknown-account", detail)
}

/// A guest's own answer, cut down to what an answer may be: a success, a plain content type, a bounded body.
fn guest_reply(reply: model::Response) -> Response {
    let status = StatusCode::from_u16(reply.status).ok().filter(StatusCode::is_success).unwrap_or(StatusCode::OK);
    let json = |field: &model::Field| {
        field.name.eq_ignore_ascii_case("content-type") && field.value.starts_with("application/json")
    };
    let kind = if reply.headers.iter().any(json) { "application/json" } else { "text/plain; charset=utf-8" };
    let mut body = reply.body;
    body.truncate(REPLY_BYTES_MAX);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body).into_response()
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::TooLarge => Self::too_large(limits::WEBHOOK_BODY_BYTES_MAX),
            IngestError::Encoded => {
                Self::unsupported("send the body without Content-Encoding: a signature is over the bytes as sent")
            }
            IngestError::TooSlow | IngestError::Broken => {
                Self::bad_request("the body did not come whole, or not in time")
            }
        }
    }
}
