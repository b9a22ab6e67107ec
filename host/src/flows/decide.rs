//! What a guest decided, as changes to rows: all of them in one commit, or none.
//!
//! Here an action that cannot be carried out is told to the flow's author, in a sentence, before anything is written: an
//! unknown destination, a lead that is not there, a chain of events that is too long, an action that its stage does not
//! have.

use hookyard_model::effect::Entry;
use hookyard_model::event::{Cause, NewEvent};
use hookyard_model::flow::FlowStage;
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::run::{self, Action, Change, Decision, NewRun};
use hookyard_store::{Claim, LeadChange, LoggedEvent, NewPush, RunEffects, Store, StoreError};

use crate::ids;

/// Why a decision cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The flow's own fault, in a sentence.
    #[error("{0}")]
    Refused(String),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be committed for a run's decision. Emitted events are for whoever claims them.
///
/// # Errors
/// See [`DecideError`].
pub async fn effects(
    store: &Store,
    run: &NewRun,
    decision: &Decision,
    journal: &[Entry],
    now: Instant,
) -> Result<RunEffects, DecideError> {
    let refused = |why: String| Err(DecideError::Refused(why));
    let trigger = &run.input.trigger;
    let mut effects = RunEffects {
        reads: run::reads(journal),
        writes: decision.writes.clone(),
        events: Vec::new(),
        lead: None,
        pushes: Vec::new(),
    };
    let mut changes: Vec<Change> = Vec::new();
    for action in &decision.actions {
        match action {
            Action::Emit { .. } if run.stage == FlowStage::Transform => {}
            Action::UpdateLead(_) | Action::PushLead { .. } | Action::Drop(_) if run.stage == FlowStage::Transform => {
                return refused("a transform emits the body of a delivery, and does nothing else".to_owned());
            }
            Action::Emit { event_type, data } => {
                let depth = run.input.depth.saturating_add(1);
                if depth > limits::EVENT_CHAIN_MAX {
                    return refused(format!(
                        "the event `{event_type}` that it emits would have {depth} events before it in its chain, and at \
                         most {} are allowed: does a flow emit what starts it?",
                        limits::EVENT_CHAIN_MAX
                    ));
                }
                effects.events.push(emitted(run, event_type, data, depth, now));
            }
            Action::UpdateLead(more) if trigger.lead.is_some() => changes.extend(more.iter().cloned()),
            Action::UpdateLead(_) => return refused(format!("there is no lead to change: {}", no_lead(run))),
            Action::PushLead { destination } => {
                let Some(lead) = trigger.event.lead.filter(|_| trigger.lead.is_some()) else {
                    return refused(format!("there is no lead to push: {}", no_lead(run)));
                };
                let Some(found) = store.destination_find(run.tenant, destination).await? else {
                    return refused(format!("there is no destination `{destination}`: make it, or name another"));
                };
                let (event, by) = (Some(run.event), Some(run.id));
                let id = ids::new_id(now);
                effects.pushes.push(NewPush { id, tenant: run.tenant, destination: found.id, lead, event, run: by });
            }
            Action::Drop(_) if run.stage == FlowStage::Before => {}
            Action::Drop(_) => {
                return refused(
                    "only a flow of stage `before` can drop an event: this one runs when it is done".to_owned(),
                );
            }
        }
    }
    // A flow of stage `before` changes the lead before it is stored.
    if run.stage == FlowStage::After
        && let Some(lead) = trigger.event.lead.filter(|_| !changes.is_empty())
    {
        effects.lead = Some(LeadChange { lead, changes, default_country: run.input.default_country.clone() });
    }
    Ok(effects)
}

fn emitted(run: &NewRun, event_type: &str, data: &str, depth: u32, now: Instant) -> LoggedEvent {
    let event = NewEvent {
        id: ids::new_id(now),
        tenant: run.tenant,
        provider: None,
        account: None,
        event_type: event_type.to_owned(),
        provider_event_id: None,
        occurred_at: None,
        received_at: now,
        payload: data.to_owned(),
        received_by: Some(run.by.clone()),
        cause: Some(Cause { event: run.event, run: Some(run.id), lead: run.input.trigger.event.lead, depth }),
    };
    LoggedEvent { event, claim: Claim::Due }
}

fn no_lead(run: &NewRun) -> String {
    format!("the event `{}` has none", run.input.trigger.event.event_type)
}
