//! How a subscription is made, whichever route it is asked for at.

use data_encoding::BASE64;
use hookyard_model::flow::FlowStage;
use hookyard_model::id::{FlowId, TenantId};
use hookyard_model::limits;
use hookyard_model::secret::{Secret, SecretError, SecretFormat};
use hookyard_model::style::Style;
use hookyard_model::subscription::{Subscription, SubscriptionStatus};
use hookyard_store::StoreError;

use crate::http::Api;
use crate::http::pasted::PastedText;
use crate::http::problem::Problem;
use crate::ids;

/// A new subscription of a tenant, for events of all providers as they are.
pub(crate) fn new(api: &Api, tenant: TenantId, url: String, event_types: Vec<String>, style: Style) -> Subscription {
    let created_at = api.clock.now();
    Subscription {
        id: ids::new_id(created_at),
        tenant,
        url,
        event_types,
        provider: None,
        style,
        status: SubscriptionStatus::Active,
        status_reason: None,
        retry_seconds: None,
        timeout: limits::DELIVERY_TIMEOUT,
        transform: None,
        created_at,
    }
}

/// Stores a subscription.
///
/// # Errors
/// 409 where the tenant has all that it may have.
pub(crate) async fn create(api: &Api, subscription: Subscription, secrets: Vec<Secret>) -> Result<(), Problem> {
    match api.store.subscription_create(subscription, secrets).await {
        Err(StoreError::Conflict { .. }) => {
            let most = limits::SUBSCRIPTIONS_PER_TENANT_MAX;
            Err(Problem::conflict(format!("a tenant has at most {most} subscriptions: end one that is not needed")))
        }
        created => Ok(created?),
    }
}

/// The flow whose emitted event is to be the body.
///
/// # Errors
/// 422: the tenant has no such flow, or one of another stage.
pub(crate) async fn transform(api: &Api, tenant: TenantId, flow: &str) -> Result<FlowId, Problem> {
    let wrong = |detail: String| Problem::invalid("transform", detail);
    let found = match flow.parse() {
        Ok(id) => api.store.flow_get(tenant, id).await?,
        Err(_) => None,
    };
    match found {
        Some(flow) if flow.stage == FlowStage::Transform => Ok(flow.id),
        Some(flow) => {
            let stage = flow.stage.as_str();
            Err(wrong(format!("this flow runs in stage `{stage}`: make one whose `stage` is `transform`")))
        }
        None => Err(wrong(
            "this is the id of a flow of yours whose `stage` is `transform`: there is no such one".to_owned(),
        )),
    }
}

/// The secret that signs, and its text where it was made here.
///
/// # Errors
/// 422 of the field `secret`.
pub(crate) fn signing_secret(
    style: Style,
    given: Option<PastedText>,
) -> Result<(Option<Secret>, Option<String>), Problem> {
    let standard =
        |text: &str| Secret::from_pasted(text, SecretFormat::Whsec).map_err(|error| invalid("secret", &error));
    match (style, given) {
        (Style::Standard, Some(given)) => Ok((Some(standard(&given.0)?), None)),
        (Style::Standard, None) => {
            let made = format!("whsec_{}", BASE64.encode(&ids::random::<32>()));
            Ok((Some(standard(&made)?), Some(made)))
        }
        (Style::Connect, Some(given)) => Ok((Some(plain_secret("secret", given)?), None)),
        (Style::Connect, None) => Ok((None, None)),
    }
}

/// A secret that is the text's own bytes: its receiver has the same text, white space and all.
///
/// # Errors
/// 422: empty or too long.
pub(crate) fn plain_secret(field: &str, text: PastedText) -> Result<Secret, Problem> {
    let bytes = if text.0.trim().is_empty() { vec![] } else { text.0.into_bytes() };
    Secret::from_bytes(bytes).map_err(|error| invalid(field, &error))
}

fn invalid(field: &str, error: &SecretError) -> Problem {
    Problem::invalid(field, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(text: &str) -> PastedText {
        serde_json::from_value(text.into()).unwrap()
    }

    #[test]
    fn a_standard_subscription_always_signs_and_shows_what_it_made() {
        let (secret, shown) = signing_secret(Style::Standard, None).unwrap();
        let shown = shown.unwrap();
        assert!(shown.starts_with("whsec_"));
        assert_eq!(secret, Secret::from_pasted(&shown, SecretFormat::Whsec).ok());
    }

    #[test]
    fn a_secret_that_was_given_is_not_shown() {
        let given = pasted("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (secret, shown) = signing_secret(Style::Standard, Some(given)).unwrap();
        assert_eq!((secret.is_some(), shown), (true, None));
        let problem = signing_secret(Style::Standard, Some(pasted("plain text!"))).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("secret"));
        assert!(problem.detail.contains("whsec_") && !problem.detail.contains("plain"), "{}", problem.detail);
        assert_eq!(signing_secret(Style::Connect, None).unwrap(), (None, None));
    }

    #[test]
    fn a_plain_secret_is_its_own_bytes_and_never_empty() {
        assert_eq!(plain_secret("callbackSecret", pasted(" a ")).unwrap().expose(), b" a ");
        for text in ["", "  ", &"a".repeat(8193)] {
            let problem = plain_secret("callbackSecret", pasted(text)).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("callbackSecret"));
        }
    }
}
