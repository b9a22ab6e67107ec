//! The description of providers' webhooks.
//!
//! Their routes take whatever a provider sends, and so they are described here and not where they are served: a guest
//! reads the body, and no type of ours says what it is. The functions are never called.

use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// What a provider is told where its plugin has no answer of its own.
#[derive(Serialize, ToSchema)]
struct Received {
    /// How many events were logged.
    received: usize,
    /// Their ids.
    events: Vec<String>,
}

/// The four routes.
#[derive(OpenApi)]
#[openapi(paths(receive_webhook, answer_handshake, receive_account_webhook, answer_account_handshake))]
pub(super) struct Webhooks;

/// Take in a provider's webhook, for whichever account it names
///
/// Proved with the application's secrets. 200 means that every event in it is on disk.
#[utoipa::path(post, path = "/webhook/{provider}", tag = "inbound",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`")),
    request_body(content = [u8], description = "Whatever the provider sends", content_type = "*/*"),
    responses((status = 200, description = "Its events are logged", body = Received)))]
#[expect(dead_code, reason = "it carries a description")]
fn receive_webhook() {}

/// Answer a provider that asks whether this is its webhook
#[utoipa::path(get, path = "/webhook/{provider}", tag = "inbound",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`")),
    responses((status = 200, description = "What the provider wants to hear", body = String)))]
#[expect(dead_code, reason = "it carries a description")]
fn answer_handshake() {}

/// Take in a provider's webhook, for one account
///
/// Proved with the account's secrets. 200 means that every event in it is on disk.
#[utoipa::path(post, path = "/webhook/{provider}/{account}", tag = "inbound",
    params(("provider" = String, Path, description = "Such as `github`"),
        ("account" = String, Path, description = "The account's id")),
    request_body(content = [u8], description = "Whatever the provider sends", content_type = "*/*"),
    responses((status = 200, description = "Its events are logged", body = Received)))]
#[expect(dead_code, reason = "it carries a description")]
fn receive_account_webhook() {}

/// Answer a provider that asks whether this is an account's webhook
#[utoipa::path(get, path = "/webhook/{provider}/{account}", tag = "inbound",
    params(("provider" = String, Path, description = "Such as `github`"),
        ("account" = String, Path, description = "The account's id")),
    responses((status = 200, description = "What the provider wants to hear", body = String)))]
#[expect(dead_code, reason = "it carries a description")]
fn answer_account_handshake() {}
