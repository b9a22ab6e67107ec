//! What a subscription's transform makes of an event: the body that is delivered, or nothing.
//!
//! The flow runs once for each delivery, before its first attempt; its run is recorded, and later attempts send what it
//! emitted then, byte for byte. Emitting nothing is an answer: the delivery is skipped. Failing is not: it counts as a
//! failed attempt, and the flow runs again at the next.

use hookyard_model::delivery::ClaimedDelivery;
use hookyard_model::id::FlowId;
use hookyard_model::run::{Action, Decision, NewRun, RunStatus, SeenEvent};
use hookyard_store::{RunSettled, Store, StoreError};

use super::inline::{Inline, fail, failure_of};
use super::start::{self, Subject};
use crate::directory::Directory;

/// Transforms of events, for deliveries.
pub struct Transforms {
    /// Events, leads and runs.
    pub store: Store,
    /// Which flows there are.
    pub directory: Directory,
    /// Runs them.
    pub inline: Inline,
}

/// What a transform made of an event.
pub enum Transformed {
    /// This is to be sent.
    Body(Body),
    /// Nothing is to be sent, and why.
    Nothing(String),
    /// It failed, and why.
    Failed(String),
}

/// What is to be sent in place of the event's own.
pub struct Body {
    /// What the receiver is told that it is.
    pub event_type: String,
    /// JSON text.
    pub data: String,
}

impl Transforms {
    /// What `flow` makes of a delivery's event.
    pub async fn body(&self, row: &ClaimedDelivery, flow: FlowId) -> Transformed {
        match self.try_body(row, flow).await {
            Ok(transformed) => transformed,
            Err(error) => {
                tracing::error!(delivery.id = %row.delivery.id, error = &error as &dyn std::error::Error, "delivery {} could not be transformed just now", row.delivery.id);
                Transformed::Failed("the host could not run its transform just now".to_owned())
            }
        }
    }

    async fn try_body(&self, row: &ClaimedDelivery, flow: FlowId) -> Result<Transformed, StoreError> {
        let delivery = &row.delivery;
        let role = delivery.subscription.text();
        let id = NewRun::id_of(delivery.event, flow, &role);
        if row.attempts > 0
            && let Some(earlier) = self.store.run_get(delivery.tenant, id).await?
            && let (RunStatus::Succeeded, Some(decision)) = (earlier.status, &earlier.outcome.decision)
        {
            return Ok(emitted(decision));
        }
        let Some(entry) = self.directory.flow(delivery.tenant, flow).await? else {
            return Ok(Transformed::Failed("its transform is a flow that was deleted: name another".to_owned()));
        };
        let Some(version) = &entry.version else {
            let plugin = &entry.flow.plugin;
            return Ok(Transformed::Failed(format!("no version of its transform's plugin `{plugin}` runs")));
        };
        let subject = self.subject(row).await?;
        let run = start::run(&entry, version, &subject, delivery.tenant, &role, self.store.now());
        let mut finished = self.inline.run(&entry, run).await?;
        let transformed = match &finished.outcome.decision {
            Some(decision) => emitted(decision),
            None => Transformed::Failed(failure_of(&finished).to_owned()),
        };
        if let Transformed::Failed(why) = &transformed {
            fail(&mut finished, why.clone());
        }
        Ok(match self.store.run_record(finished).await? {
            RunSettled::Done => transformed,
            RunSettled::Lost | RunSettled::Stale(_) => {
                Transformed::Failed("the state that its transform read was changed meanwhile".to_owned())
            }
            RunSettled::Full => Transformed::Failed("its transform's state has no room for more keys".to_owned()),
        })
    }

    async fn subject(&self, row: &ClaimedDelivery) -> Result<Subject, StoreError> {
        let delivery = &row.delivery;
        let event = self.store.event_get(delivery.tenant, delivery.event).await?.map(|(event, _)| event);
        let lead = event.as_ref().and_then(|event| event.outcome.lead.or(event.inherited_lead));
        let found = match lead {
            Some(lead) => self.store.lead_get(delivery.tenant, lead).await?.map(|found| found.lead),
            None => None,
        };
        Ok(Subject {
            event: SeenEvent {
                id: delivery.event,
                event_type: row.event_type.clone(),
                provider: row.provider.clone(),
                account: event.as_ref().and_then(|event| event.account),
                occurred_at: event.as_ref().and_then(|event| event.occurred_at).unwrap_or(row.received_at),
                lead,
                data: row.data.clone(),
            },
            lead: found,
            depth: event.as_ref().map_or(0, |event| event.depth),
            default_country: None,
        })
    }
}

fn emitted(decision: &Decision) -> Transformed {
    let mut bodies = decision.actions.iter().filter_map(|action| match action {
        Action::Emit { event_type, data } => Some(Body { event_type: event_type.clone(), data: data.clone() }),
        Action::UpdateLead(_) | Action::PushLead { .. } | Action::Drop(_) => None,
    });
    match (bodies.next(), bodies.next()) {
        (Some(body), None) => Transformed::Body(body),
        (None, _) => Transformed::Nothing("the subscription's transform emitted nothing".to_owned()),
        (Some(_), Some(_)) => {
            Transformed::Failed("its transform emitted more than one event, and a delivery has one body".to_owned())
        }
    }
}
