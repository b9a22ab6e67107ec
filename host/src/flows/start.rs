//! Which flows an event starts, and why not the others.
//!
//! A run is pinned when it is made: the component, the settings, the event and its lead, the time. What its tenant
//! changes afterwards holds from the next event on.

use std::sync::Arc;

use hookyard_model::event::FlowNote;
use hookyard_model::flow::FlowStage;
use hookyard_model::id::{RunId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::run::{Input, NewRun, SeenEvent, Trigger};
use hookyard_model::subscription::Match;

use crate::directory::FlowEntry;
use crate::pipeline::event_log::run_of;

/// An event that may start flows.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The event, as guests see it.
    pub event: SeenEvent,
    /// Its lead.
    pub lead: Option<CleanLead>,
    /// How many events there were before it in its chain.
    pub depth: u32,
    /// Where its account's national phone numbers belong.
    pub default_country: Option<String>,
}

/// Whether an event starts a flow: the run that it makes, or a sentence that says why none.
///
/// # Errors
/// The sentence.
pub fn start(entry: &FlowEntry, subject: &Subject, tenant: TenantId, now: Instant) -> Result<(NewRun, String), String> {
    let Some(version) = &entry.version else {
        return Err(format!("no version of its plugin `{}` runs: activate one", entry.flow.plugin));
    };
    let event = &subject.event;
    let triggers = &version.manifest.event_types;
    match entry.flow.matches(triggers, &event.event_type, event.provider.as_deref(), &event.data) {
        Match::No(why) => Err(why),
        Match::Yes(why) => Ok((run(entry, version, subject, tenant, "", now), why)),
    }
}

/// The run of a flow on an event. `role` tells apart what one event starts twice.
#[must_use]
pub fn run(
    entry: &FlowEntry,
    version: &PluginVersion,
    subject: &Subject,
    tenant: TenantId,
    role: &str,
    now: Instant,
) -> NewRun {
    NewRun {
        id: NewRun::id_of(subject.event.id, entry.flow.id, role),
        tenant,
        flow: entry.flow.id,
        event: subject.event.id,
        stage: entry.flow.stage,
        by: run_of(version),
        digest: version.digest,
        input: Input {
            trigger: Trigger { event: subject.event.clone(), lead: subject.lead.clone() },
            settings: entry.flow.settings.clone(),
            started_at: now,
            depth: subject.depth,
            default_country: subject.default_country.clone(),
        },
    }
}

/// Every run of stage `after` that an event makes, and a note on each flow that was looked at.
#[must_use]
pub fn after(
    flows: &[Arc<FlowEntry>],
    subject: &Subject,
    tenant: TenantId,
    now: Instant,
) -> (Vec<NewRun>, Vec<FlowNote>) {
    let (mut runs, mut notes) = (Vec::new(), Vec::new());
    for entry in flows.iter().filter(|entry| entry.flow.stage == FlowStage::After) {
        match start(entry, subject, tenant, now) {
            Ok((run, why)) => {
                notes.push(note(entry, Some(run.id), why));
                runs.push(run);
            }
            Err(why) => notes.push(note(entry, None, why)),
        }
    }
    (runs, notes)
}

/// What an event's story says of a flow.
#[must_use]
pub fn note(entry: &FlowEntry, run: Option<RunId>, why: String) -> FlowNote {
    FlowNote { flow: entry.flow.id, run, why }
}
