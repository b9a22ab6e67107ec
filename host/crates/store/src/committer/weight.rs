//! Roughly how large a change is, so that a transaction stays short.

use hookyard_model::effect::{Entry, Reply};
use hookyard_model::run::NewRun;

use super::Change;
use crate::{EventEnd, FinishedRun, Item, LoggedEvent, RunEffects, RunNext};

/// A row without what is large in it.
const ROW: usize = 512;

impl Change {
    /// Roughly what it brings.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Log(events, _) => sum(events, event_bytes),
            Self::SettleEvent(settlement, _) => {
                let items = match &settlement.end {
                    EventEnd::Understood { items, .. } => sum(items, item_bytes),
                    EventEnd::Later { .. } | EventEnd::Failed { .. } => 0,
                };
                ROW.saturating_add(items).saturating_add(sum(&settlement.before, finished_bytes))
            }
            Self::SettleRun(settlement, _) => {
                let effects = match &settlement.next {
                    RunNext::Succeeded(effects) => effects_bytes(effects),
                    RunNext::Waits { .. } | RunNext::Failed => 0,
                };
                ROW.saturating_add(effects).saturating_add(sum(&settlement.append, entry_bytes))
            }
            Self::RecordRun(run, _) => finished_bytes(run),
            Self::SettleDelivery(settlement, _) => {
                ROW.saturating_add(settlement.attempt.as_ref().map_or(0, |attempt| attempt.response_body.len()))
            }
            Self::SettlePush(..) => ROW,
        }
    }
}

fn sum<T>(things: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    things.iter().fold(0, |sum, thing| sum.saturating_add(bytes(thing)))
}

fn event_bytes(logged: &LoggedEvent) -> usize {
    logged.event.payload.len().saturating_add(ROW)
}

fn item_bytes(item: &Item) -> usize {
    let rows = item.deliveries.len().saturating_add(item.pushes.len()).saturating_add(2).saturating_mul(ROW);
    let runs = |runs: &[NewRun]| sum(runs, |run| run.input.trigger.event.data.len().saturating_add(ROW));
    let runs = runs(&item.runs).saturating_add(runs(&item.limited));
    item.data.len().saturating_add(rows).saturating_add(runs)
}

fn finished_bytes(run: &FinishedRun) -> usize {
    let input = run.run.input.trigger.event.data.len().saturating_add(ROW);
    input.saturating_add(sum(&run.journal, entry_bytes)).saturating_add(effects_bytes(&run.effects))
}

fn effects_bytes(effects: &RunEffects) -> usize {
    let writes = sum(&effects.writes, |write| write.value.as_ref().map_or(0, Vec::len).saturating_add(ROW));
    sum(&effects.events, event_bytes).saturating_add(writes)
}

fn entry_bytes(entry: &Entry) -> usize {
    let reply = match &entry.reply {
        Reply::Response(response) => response.body.len(),
        Reply::State(remembered) => remembered.as_ref().map_or(0, |remembered| remembered.value.len()),
        Reply::FetchError(_) | Reply::Slept => 0,
    };
    reply.saturating_add(ROW)
}
