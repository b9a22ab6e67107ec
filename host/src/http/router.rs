//! The router: every route, what stands before it, and what answers where there is none.
//!
//! From the outside in: headers that hold for every answer; then, for calls that may change something,
//! `Idempotency-Key` and, innermost, forgetting what the directory knew, so that whoever sees the answer sees its effect.
//! Calls that change nothing the directory knows, such as publishing, leave it alone: they are made thousands of times.
//! Webhooks have none of that: what they answer is the provider's business. Routes and their description
//! ([`super::openapi`]) are made together.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing;
use hookyard_model::limits;
use tokio::sync::Semaphore;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::http::idempotency::{HangUp, Idempotency};
use crate::http::problem::Problem;
use crate::http::{
    Api, accounts, connect, deliveries, destinations, events, flows, idempotency, leads, openapi, operations, plugins,
    providers, refusals, runs, subscriptions, tenants, webhook,
};

/// MiB of components that are on their way in at the same time; the next one is told to come again. While one is
/// checked it is held up to four times.
const UPLOADS_MIB: u32 = 64;
/// What the smallest counts, in MiB: so there are at most 16 at a time.
const UPLOAD_MIB_MIN: u32 = 4;
const MIB: usize = 1024 * 1024;
/// When it is to come again.
const UPLOAD_RETRY_SECONDS: u32 = 5;

/// Everything that a host serves.
pub fn router(api: Api) -> Router {
    compose(api, operations::health().merge(operations::metrics()))
}

/// Everything but `/metrics`, where [`operations_router`] serves it on a listener of its own.
pub fn router_without_metrics(api: Api) -> Router {
    compose(api, operations::health())
}

/// `/healthz`, `/readyz` and `/metrics`, for a listener of their own.
pub fn operations_router(api: Api) -> Router {
    let (router, _) = operations::health().merge(operations::metrics()).split_for_parts();
    answer_the_rest(router).layer(from_fn(headers)).with_state(api)
}

/// The API's description: everything that can be served.
pub fn description() -> OpenApi {
    let routes = management().merge(work()).merge(uploads()).merge(operations::health()).merge(operations::metrics());
    let mut described = openapi::empty();
    described.merge(routes.into_openapi());
    described.merge(openapi::webhooks());
    openapi::complete(described)
}

/// Routes that take JSON, or nothing, and may change what the directory knows.
fn management() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(tenants::routes())
        .merge(providers::routes())
        .merge(plugins::routes())
        .merge(accounts::routes())
        .merge(connect::routes())
        .merge(subscriptions::routes())
        .merge(flows::routes())
        .merge(destinations::routes())
        .merge(leads::routes())
        .merge(refusals::routes())
}

/// Routes that take JSON, or nothing, and change nothing that the directory knows.
fn work() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(events::publish::routes())
        .merge(events::routes())
        .merge(deliveries::routes())
        .merge(runs::routes())
        .merge(flows::trials())
}

/// Routes that take components.
fn uploads() -> OpenApiRouter<Api> {
    plugins::upload::routes().merge(flows::versions::uploads())
}

fn compose(api: Api, operations: OpenApiRouter<Api>) -> Router {
    let (operations, _) = operations.split_for_parts();
    let router = guarded(&api).merge(operations).route("/openapi.json", describe());
    // What webhooks answer is the provider's business, so they come in when the headers are on.
    answer_the_rest(router).layer(from_fn(headers)).merge(refuse_methods(webhook::router())).with_state(api)
}

/// Problems for paths that lead nowhere, and for methods that a path does not take.
fn answer_the_rest(router: Router<Api>) -> Router<Api> {
    refuse_methods(router).fallback(async || Problem::no_route())
}

fn refuse_methods(router: Router<Api>) -> Router<Api> {
    router.method_not_allowed_fallback(async || Problem::method_not_allowed())
}

/// Those routes, with what stands before them.
fn guarded(api: &Api) -> Router<Api> {
    let idempotency = Idempotency::new(api.clone(), limits::API_BODY_BYTES_MAX, HangUp::GoesOn);
    let of_uploads = idempotency.with(limits::COMPONENT_INTERPRETED_BYTES_MAX, HangUp::Stops);
    let places = Arc::new(Semaphore::new(usize::try_from(UPLOADS_MIB).unwrap_or(Semaphore::MAX_PERMITS)));
    let (management, _) = management()
        .layer(from_fn_with_state(api.clone(), forget))
        .layer(from_fn_with_state(idempotency.clone(), idempotency::middleware))
        .split_for_parts();
    let (work, _) = work().layer(from_fn_with_state(idempotency, idempotency::middleware)).split_for_parts();
    let (uploads, _) = uploads()
        .layer(from_fn_with_state(api.clone(), forget))
        .layer(from_fn_with_state(of_uploads, idempotency::middleware))
        .layer(from_fn_with_state(places, few_at_once))
        .split_for_parts();
    management.merge(work).merge(uploads)
}

/// The description as it is served, made once.
fn describe() -> routing::MethodRouter<Api> {
    let text = Bytes::from(serde_json::to_vec(&description()).unwrap_or_default());
    routing::get(move || std::future::ready(([(CONTENT_TYPE, "application/json")], text.clone()).into_response()))
}

/// Answers belong to their caller alone, and are what they say they are.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// After a call that may have changed something, the next look-up asks the store.
async fn forget(State(api): State<Api>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if changes {
        api.directory.forget();
    }
    response
}

/// Bodies of uploads are large, and held until they are compiled. One that does not say how large it is counts as the
/// largest.
async fn few_at_once(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Result<Response, Problem> {
    let largest = limits::COMPONENT_INTERPRETED_BYTES_MAX;
    let said = request.headers().get(CONTENT_LENGTH).and_then(|bytes| bytes.to_str().ok()?.parse().ok());
    let bytes: usize = said.unwrap_or(largest).min(largest);
    let mib = u32::try_from(bytes.div_ceil(MIB)).unwrap_or(UPLOADS_MIB).max(UPLOAD_MIB_MIN);
    let Ok(_place) = places.try_acquire_many(mib) else {
        let detail = "other components are on their way in already: send it again a little later";
        return Err(Problem::too_many(detail, UPLOAD_RETRY_SECONDS));
    };
    Ok(next.run(request).await)
}
