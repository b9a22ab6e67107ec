//! Operations: whether the process is up, whether it can work, and its numbers.
//!
//! These say nothing that is secret, and ask for no key. `/metrics` is served beside the API, or on a listener of its
//! own where the operator gives one; the other two are served on both.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::body::Json;
use crate::http::problem::Problem;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// That it works.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
}

/// Whether it is up, and whether it can work.
pub fn health() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// Its numbers.
pub fn metrics() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read_metrics))
}

/// Whether the process is up
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It is", body = Health)))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the database answers
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "It does", body = Health)))]
async fn readyz(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    match api.store.ping().await {
        Ok(()) => Ok(Json(Health { status: "ok" })),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the host is not ready: the database does not answer"
            );
            Err(Problem::unavailable())
        }
    }
}

/// Numbers for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text")))]
async fn read_metrics(State(api): State<Api>) -> impl IntoResponse {
    match api.store.backlog().await {
        Ok(backlog) => {
            api.metrics.events_due.set(i64::try_from(backlog.events_due).unwrap_or(i64::MAX));
            api.metrics.deliveries_due.set(i64::try_from(backlog.deliveries_due).unwrap_or(i64::MAX));
        }
        // The other numbers are as good as ever, and now they matter most.
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the backlog could not be counted for the metrics"
            );
        }
    }
    ([(CONTENT_TYPE, OPENMETRICS)], api.metrics.text())
}
