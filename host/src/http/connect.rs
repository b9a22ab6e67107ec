//! Subscriptions as the connect products make them: one provider, one event type, one callback URL, at their paths.
//!
//! They are subscriptions like all others, in style `connect`; without a secret their deliveries carry no
//! `X-Connect-Signature`.

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{Noun as _, SubscriptionId, SubscriptionNoun};
use hookyard_model::instant::Instant;
use hookyard_model::style::Style;
use hookyard_model::subscription::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::pasted::PastedText;
use crate::http::problem::Problem;
use crate::http::subscriptions::make;
use crate::http::{checks, providers};

/// A subscription to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewConnectSubscription {
    /// Where deliveries go: https, a public address.
    #[serde(alias = "callback_url")]
    #[schema(example = "https://hooks.example.com/leads")]
    callback_url: String,
    /// Which events: one type, `prefix.*` or `*`.
    #[serde(alias = "event_type")]
    #[schema(example = "leadgen")]
    event_type: String,
    /// What signs deliveries; they carry no `X-Connect-Signature` without it. It is never shown again.
    #[serde(default, alias = "callback_secret")]
    callback_secret: Option<PastedText>,
}

/// A subscription to one provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectSubscription {
    /// Its id.
    pub id: String,
    /// The provider whose events it gets.
    pub provider: String,
    /// Where deliveries go.
    pub callback_url: String,
    /// Which events.
    pub event_type: String,
    /// `active`, or `disabled` after its receiver answered 410.
    #[schema(example = "active")]
    pub status: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(subscribe)).routes(routes!(list_subscriptions)).routes(routes!(unsubscribe))
}

/// Subscribe to a provider's events
#[utoipa::path(post, path = "/connect/v1/webhooks/{provider}/subscribe", tag = "connect",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`")), request_body = NewConnectSubscription,
    responses((status = 201, description = "It is made", body = ConnectSubscription)))]
async fn subscribe(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(provider): InPath<String>,
    Json(new): Json<NewConnectSubscription>,
) -> Result<(StatusCode, Json<ConnectSubscription>), Problem> {
    caller.may(Scope::Manage)?;
    let provider = providers::get(&api, Some(caller.tenant), &provider).await?.manifest.id.clone();
    let url = checks::receiver_url(&api.egress, "callbackUrl", &new.callback_url)?;
    let event_types = checks::event_types("eventType", vec![new.event_type])?;
    let secret = new.callback_secret.map(|text| make::plain_secret("callbackSecret", text)).transpose()?;
    let subscription =
        Subscription { provider: Some(provider), ..make::new(&api, caller.tenant, url, event_types, Style::Connect) };
    make::create(&api, subscription.clone(), secret.into_iter().collect()).await?;
    Ok((StatusCode::CREATED, Json(subscription.into())))
}

/// List the subscriptions to a provider's events
#[utoipa::path(get, path = "/connect/v1/webhooks/{provider}/subscriptions", tag = "connect",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`"), PageQuery),
    responses((status = 200, description = "Newest first", body = Page<ConnectSubscription>)))]
async fn list_subscriptions(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(provider): InPath<String>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<ConnectSubscription>>, Problem> {
    caller.may(Scope::Read)?;
    let provider = providers::get(&api, Some(caller.tenant), &provider).await?.manifest.id.clone();
    let (paging, request) = Paging::read(&api, "connect-subscriptions", Some(caller.tenant), &query)?;
    let rows = api.store.subscription_list(caller.tenant, Some(&provider), request).await?;
    paging.page(rows, |row| row.id.text(), ConnectSubscription::from).map(Json)
}

/// End a subscription to a provider's events
#[utoipa::path(delete, path = "/connect/v1/webhooks/{provider}/subscribe/{subscription}", tag = "connect",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`"),
        ("subscription" = String, Path, description = "Its id")),
    responses((status = 204, description = "It has ended; what it still waited for is dead")))]
async fn unsubscribe(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath((provider, subscription)): InPath<(String, SubscriptionId)>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Manage)?;
    let found = api.store.subscription_get(caller.tenant, subscription).await?;
    let of_provider = found.is_some_and(|found| found.provider.as_deref() == Some(provider.as_str()));
    if of_provider && api.store.subscription_delete(caller.tenant, subscription).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(SubscriptionNoun::NAME))
}

impl From<Subscription> for ConnectSubscription {
    fn from(subscription: Subscription) -> Self {
        Self {
            id: subscription.id.text(),
            provider: subscription.provider.unwrap_or_default(),
            callback_url: subscription.url,
            event_type: subscription.event_types.join(","),
            status: subscription.status.as_str(),
            created_at: subscription.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_taken_and_others_refused() {
        let camel = r#"{"callbackUrl":"https://a.example/","eventType":"leadgen","callbackSecret":"x"}"#;
        let snake = r#"{"callback_url":"https://a.example/","event_type":"leadgen","callback_secret":"x"}"#;
        for text in [camel, snake] {
            assert!(serde_json::from_str::<NewConnectSubscription>(text).is_ok(), "{text}");
        }
        let other = r#"{"callbackUrl":"https://a.example/","eventType":"leadgen","tenantId":"ten_1"}"#;
        assert!(serde_json::from_str::<NewConnectSubscription>(other).is_err());
    }
}
