//! Deliver: from a delivery to an attempt, and what follows it: commit 3.
//!
//! The subscription is looked up anew for each attempt, so that whatever its owner changed holds from now on; the body
//! is rendered once, and the bytes that are signed are the bytes that are sent. What came back is recorded whole, within
//! its bounds, and what follows is the model's decision ([`after_attempt`]).
//!
//! Each subscription has a share of the slots ([`Shares`]): a receiver that hangs holds up nobody but itself.

use std::sync::Arc;

use hookyard_egress::{Attempted, Egress, Outbound, Overflow, Purpose, SendError};
use hookyard_model::delivery::{Attempt, ClaimedDelivery, Next, Timings, Verdict, after_attempt};
use hookyard_model::id::SubscriptionId;
use hookyard_model::instant::{Clock, Instant};
use hookyard_model::limits;
use hookyard_model::retry::{RetryAfter, Schedule};
use hookyard_model::style::{Rendered, Told};
use hookyard_model::subscription::Subscription;
use hookyard_store::{DeliverySettlement, Store, StoreError};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value};

use crate::directory::{Directory, Target};
use crate::flows::transform::{Transformed, Transforms};
use crate::ids;
use crate::shares::{Entered, Shares};
use crate::telemetry::{Ended, Metrics};
use crate::worker::{Handoff, Stage};

/// The stage.
pub struct Deliver {
    /// Rows.
    pub store: Store,
    /// Who subscribes.
    pub directory: Directory,
    /// The way out.
    pub egress: Egress,
    /// What receivers see in `webhook-timestamp`.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Who uses how much.
    pub shares: Shares<SubscriptionId, ClaimedDelivery>,
    /// What subscriptions want made of events.
    pub transforms: Transforms,
    /// Its own way in, for what had to wait for its subscription's share.
    pub again: Handoff<ClaimedDelivery>,
}

impl Stage for Deliver {
    type Row = ClaimedDelivery;
    const NAME: &'static str = "deliver";
    const SLOTS: usize = limits::DELIVER_CONCURRENCY;

    async fn claim(&self, limit: u32) -> Result<Vec<ClaimedDelivery>, StoreError> {
        self.store.delivery_claim(limit, &self.shares.used_up()).await
    }

    async fn step(&self, row: ClaimedDelivery) {
        let (share, row) = match self.shares.enter(row.delivery.subscription, row) {
            Entered::Now(share, row) => (share, row),
            Entered::Parked => return,
            Entered::Full(row) => return self.put_back(&row).await,
        };
        let tried = self.attempt(&row).await;
        // The share is of the way out, and not of the database: the next goes while this one is settled.
        if let Some(row) = share.leave_to(&self.again) {
            self.put_back(&row).await;
        }
        if let Some((attempt, next)) = tried {
            self.settle(&row, attempt, next).await;
        }
    }
}

impl Deliver {
    /// Makes an attempt, and says what follows it; nothing where the subscription could not be looked up. Where its
    /// transform gives nothing to send there is no attempt, and a reason.
    async fn attempt(&self, row: &ClaimedDelivery) -> Option<(Option<Attempt>, Next)> {
        let target = match self.directory.target(row.delivery.tenant, row.delivery.subscription).await {
            Ok(target) => target,
            Err(error) => {
                tracing::error!(delivery.id = %row.delivery.id, error = &error as &dyn std::error::Error, "could not look up the subscription of delivery {}; it falls due again", row.delivery.id);
                return None;
            }
        };
        let started_at = self.clock.now();
        let Some(target) = target else { return Some((Some(nobody(row, started_at)), Next::Dead)) };
        let schedule = schedule(&target.subscription);
        let number = row.attempts.saturating_add(1);
        let transformed = match target.subscription.transform {
            None => None,
            Some(flow) => match self.transforms.body(row, flow).await {
                Transformed::Body(body) => Some(body),
                Transformed::Nothing(reason) => return Some((None, Next::Skipped(reason))),
                Transformed::Failed(reason) => {
                    let attempt = untransformed(number, started_at, &reason);
                    let verdict = Verdict::Failed(None);
                    let next = after_attempt(verdict, number, &schedule, self.store.now(), ids::chance());
                    return Some((Some(attempt), next));
                }
            },
        };
        let (event_type, data) = match &transformed {
            Some(body) => (&body.event_type, &body.data),
            None => (&row.event_type, &row.data),
        };
        let (id, received_at) = (row.delivery.event, row.received_at);
        let told = Told { id, event_type, provider: row.provider.as_deref(), received_at, data };
        let rendered = target.subscription.style.render(&told, &target.secrets, started_at);
        let (attempt, verdict) = self.send(row, &target, rendered, started_at).await;
        let next = after_attempt(verdict, attempt.number, &schedule, self.store.now(), ids::chance());
        Some((Some(attempt), next))
    }

    async fn send(
        &self,
        row: &ClaimedDelivery,
        target: &Target,
        rendered: Rendered,
        started_at: Instant,
    ) -> (Attempt, Verdict) {
        let headers = headers(&rendered);
        let request_headers = shown(&headers);
        // What is stored was vetted and is a URL; should the rules have changed since, the egress says so.
        let attempted = match url::Url::parse(&target.subscription.url) {
            Ok(url) => {
                let outbound = Outbound {
                    purpose: Purpose::Delivery,
                    method: hyper::Method::POST,
                    url,
                    headers,
                    body: rendered.body.into(),
                    timeout: target.subscription.timeout.min(limits::DELIVERY_TIMEOUT_MAX),
                    response_bytes_max: limits::ATTEMPT_BODY_BYTES_MAX,
                    overflow: Overflow::Truncate,
                };
                self.egress.send(outbound).await
            }
            Err(error) => {
                let refused = SendError::Refused(hookyard_egress::Refused::Unreadable(error));
                Attempted { outcome: Err(refused), timings: hookyard_egress::Timings::default(), address: None }
            }
        };
        recorded(row.attempts.saturating_add(1), started_at, request_headers, attempted)
    }

    async fn settle(&self, row: &ClaimedDelivery, attempt: Option<Attempt>, next: Next) {
        let outcome = match &next {
            Next::Delivered => "delivered",
            Next::RetryAt(_) => "retry",
            Next::Dead => "dead",
            Next::DeadAndDisable => "gone",
            Next::Skipped(_) => "skipped",
        };
        self.metrics.attempts.get_or_create(&Ended { outcome }).inc();
        if let Some(attempt) = &attempt {
            let took = std::time::Duration::from_micros(attempt.timings.total_us);
            self.metrics.attempt_seconds.observe(took.as_secs_f64());
        }
        let (id, is_gone) = (row.delivery.id, next == Next::DeadAndDisable);
        let settlement = DeliverySettlement {
            tenant: row.delivery.tenant,
            delivery: id,
            subscription: row.delivery.subscription,
            tries: row.tries,
            attempt,
            reason: None,
            next,
        };
        match self.store.settle_delivery(settlement).await {
            Ok(true) => tracing::debug!(delivery.id = %id, outcome, "attempt of delivery {id} ended: {outcome}"),
            Ok(false) => tracing::debug!(delivery.id = %id, "another worker settled delivery {id}"),
            Err(error) => {
                tracing::error!(delivery.id = %id, error = &error as &dyn std::error::Error, "could not settle delivery {id}; it falls due again");
            }
        }
        if is_gone {
            self.directory.forget();
        }
    }

    async fn put_back(&self, row: &ClaimedDelivery) {
        if let Err(error) = self.store.delivery_release(row.delivery.tenant, row.delivery.id, row.tries).await {
            tracing::warn!(delivery.id = %row.delivery.id, error = &error as &dyn std::error::Error, "could not put delivery {} back; it falls due after its lease", row.delivery.id);
        }
    }
}

fn schedule(subscription: &Subscription) -> Schedule {
    match &subscription.retry_seconds {
        Some(seconds) => Schedule::custom(seconds.clone()),
        None => subscription.style.schedule(),
    }
}

fn headers(rendered: &Rendered) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(rendered.headers.len());
    for (name, value) in &rendered.headers {
        // An event type that no header can carry stands in the body all the same.
        if let Ok(value) = HeaderValue::try_from(value.as_str()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn recorded(number: u32, started_at: Instant, request_headers: String, attempted: Attempted) -> (Attempt, Verdict) {
    let timings = Timings {
        dns_us: attempted.timings.dns_micros,
        connect_us: attempted.timings.connect_micros,
        first_byte_us: attempted.timings.first_byte_micros,
        total_us: attempted.timings.total_micros,
    };
    let mut attempt = Attempt {
        number,
        started_at,
        status: None,
        error: None,
        detail: None,
        request_headers,
        response_headers: "{}".to_owned(),
        response_body: Vec::new(),
        response_truncated: false,
        address: attempted.address.map(|address| address.to_string()),
        timings,
    };
    match attempted.outcome {
        Ok(response) => {
            let after = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let verdict = Verdict::of_status(response.status, after.and_then(RetryAfter::parse));
            attempt.status = Some(response.status);
            attempt.response_headers = shown(&response.headers);
            attempt.response_body = response.body.into();
            attempt.response_truncated = response.truncated;
            (attempt, verdict)
        }
        Err(error) => {
            attempt.error = Some(error.class().to_owned());
            attempt.detail = Some(error.to_string());
            (attempt, Verdict::Failed(None))
        }
    }
}

/// The record of an attempt for which there was no body.
fn untransformed(number: u32, started_at: Instant, reason: &str) -> Attempt {
    Attempt {
        number,
        started_at,
        status: None,
        error: Some("transform_failed".to_owned()),
        detail: Some(reason.to_owned()),
        request_headers: "{}".to_owned(),
        response_headers: "{}".to_owned(),
        response_body: Vec::new(),
        response_truncated: false,
        address: None,
        timings: Timings::default(),
    }
}

/// The record of an attempt that there was nobody to make to.
fn nobody(row: &ClaimedDelivery, started_at: Instant) -> Attempt {
    Attempt {
        number: row.attempts.saturating_add(1),
        started_at,
        status: None,
        error: Some("no_subscription".to_owned()),
        detail: Some("the subscription is gone".to_owned()),
        request_headers: "{}".to_owned(),
        response_headers: "{}".to_owned(),
        response_body: Vec::new(),
        response_truncated: false,
        address: None,
        timings: Timings::default(),
    }
}

/// Headers as an attempt's record holds them: a JSON object, values of one name joined, cookies left out.
fn shown(headers: &HeaderMap) -> String {
    let mut object = Map::new();
    for (name, value) in headers {
        let text = match name.as_str() {
            "set-cookie" | "authorization" => "[redacted]".to_owned(),
            _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        match object.get_mut(name.as_str()) {
            Some(Value::String(earlier)) => {
                earlier.push_str(", ");
                earlier.push_str(&text);
            }
            _ => {
                object.insert(name.to_string(), Value::String(text));
            }
        }
    }
    Value::Object(object).to_string()
}
