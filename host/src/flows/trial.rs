//! Runs that change nothing: a test before a version goes live, a replay of what happened, a comparison of the two.
//!
//! A test calls the guest as a run would, and performs no effect: a fetch is answered by what the caller recorded, or it
//! ends the test there; a read of the state is answered by what the caller says, or else by the state as it is; a sleep
//! is over at once. A replay answers from a run's own journal and from nothing else. Both are charged to the tenant like
//! any run, and neither writes a row.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hookyard_model::effect::{Effect, Entry, Remembered, Reply};
use hookyard_model::instant::Instant;
use hookyard_model::plugin::Digest;
use hookyard_model::run::{Decision, NewRun, RunOutcome};
use hookyard_sandbox::Step;
use hookyard_store::{Store, StoreError};
use serde::Serialize;

use super::decide::{self, DecideError};
use super::guests::{Guests, StepError};
use super::inline::said;

/// How long a trial waits for its tenant's CPU.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a test answers effects with.
#[derive(Debug, Default)]
pub struct Answers {
    /// To fetches, in this order.
    pub fetches: VecDeque<Reply>,
    /// To reads of the state, by key, where the state as it is shall not answer.
    pub state: Option<Vec<(String, Option<Vec<u8>>)>>,
}

/// What came of a trial.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// What the flow decided, where it came to that.
    pub decision: Option<Decision>,
    /// Effects that were answered, in order, as a run's journal would hold them.
    pub journal: Vec<Entry>,
    /// The effect that nothing answered, where it ended there.
    pub wants: Option<String>,
    /// Why the decision could not be carried out, or why there is none.
    pub reason: Option<String>,
    /// Whose fault that was, in a stable word.
    pub blame: Option<String>,
    /// Log lines, CPU, memory and calls.
    pub outcome: RunOutcome,
}

/// How a replay on another version compares with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result")]
pub enum Compared {
    /// It asked for the same and decided the same.
    Same,
    /// It decided something else.
    Decided {
        /// What the run decided.
        before: Decision,
        /// What it would decide.
        now: Decision,
    },
    /// It asked for fewer effects.
    #[serde(rename_all = "camelCase")]
    AskedLess {
        /// Effects of the run.
        before: usize,
        /// Effects that it would ask for.
        now: usize,
    },
    /// It asked for an effect that the run did not ask for.
    #[serde(rename_all = "camelCase")]
    AskedOther {
        /// The place in the journal, from 1.
        step: usize,
        /// What the run asked for there; nothing where it had ended.
        before: Option<String>,
        /// What it would ask for.
        now: String,
    },
    /// It failed.
    Failed {
        /// In a stable word.
        blame: String,
        /// In a sentence.
        reason: String,
    },
}

/// Runs `run` on the component `digest`, and performs nothing.
///
/// # Errors
/// The store's.
pub async fn test(
    guests: &Guests,
    store: &Store,
    run: &NewRun,
    digest: Digest,
    mut answers: Answers,
) -> Result<Tried, StoreError> {
    let mut outcome = RunOutcome::default();
    let mut journal: Arc<Vec<Entry>> = Arc::default();
    let mut now = run.input.started_at;
    let (mut decision, mut wants, mut reason, mut blame) = (None, None, None, None);
    loop {
        let stepped = match guests.step_on(digest, run, &journal, &mut outcome, PATIENCE).await {
            Ok(stepped) => stepped,
            Err(error) => {
                (blame, reason) = (Some(blame_of(&error)), Some(error.to_string()));
                break;
            }
        };
        let effect = match stepped.value {
            Step::Wants(effect) => effect,
            Step::Done(Ok(decided)) => {
                match decide::effects(store, run, &decided, &journal, now).await {
                    Ok(_) => {}
                    Err(DecideError::Refused(why)) => (blame, reason) = (Some("refused".to_owned()), Some(why)),
                    Err(DecideError::Store(error)) => return Err(error),
                }
                decision = Some(decided);
                break;
            }
            Step::Done(Err(failure)) => {
                (blame, reason) = (Some("refused".to_owned()), Some(said(&failure)));
                break;
            }
        };
        let Some(reply) = answer(store, run, &effect, &mut answers, &mut now).await? else {
            wants = Some(effect.to_string());
            break;
        };
        Arc::make_mut(&mut journal).push(Entry::new(&effect, reply, now));
    }
    Ok(Tried { decision, journal: Arc::unwrap_or_clone(journal), wants, reason, blame, outcome })
}

async fn answer(
    store: &Store,
    run: &NewRun,
    effect: &Effect,
    answers: &mut Answers,
    now: &mut Instant,
) -> Result<Option<Reply>, StoreError> {
    Ok(match (effect, &answers.state) {
        (Effect::Fetch { .. }, _) => answers.fetches.pop_front(),
        (Effect::Sleep { milliseconds }, _) => {
            *now = now.plus(Duration::from_millis(*milliseconds));
            Some(Reply::Slept)
        }
        (Effect::StateGet { key }, Some(state)) => {
            let found = state.iter().find(|(known, _)| known == key).and_then(|(_, value)| value.clone());
            Some(Reply::State(found.map(|value| Remembered { value, written_by: run.id })))
        }
        (Effect::StateGet { key }, None) => Some(Reply::State(store.state_get(run.tenant, run.flow, key).await?)),
    })
}

/// Replays a run's journal on the component `digest`.
pub async fn replay(guests: &Guests, run: &NewRun, journal: &Arc<Vec<Entry>>, digest: Digest) -> Tried {
    let mut outcome = RunOutcome::default();
    let stepped = guests.step_on(digest, run, journal, &mut outcome, PATIENCE).await;
    let (mut decision, mut wants, mut reason, mut blame) = (None, None, None, None);
    let mut answered = journal.len();
    match stepped {
        Ok(done) => {
            answered = done.effects;
            match done.value {
                Step::Done(Ok(decided)) => decision = Some(decided),
                Step::Done(Err(failure)) => (blame, reason) = (Some("refused".to_owned()), Some(said(&failure))),
                Step::Wants(effect) => wants = Some(effect.to_string()),
            }
        }
        Err(error) => (blame, reason) = (Some(blame_of(&error)), Some(error.to_string())),
    }
    let journal = journal.iter().take(answered).cloned().collect();
    Tried { decision, journal, wants, reason, blame, outcome }
}

/// How a replay compares with what the run had decided with `journal`.
#[must_use]
pub fn compare(tried: &Tried, journal: &[Entry], before: Option<&Decision>, failed: Option<&str>) -> Compared {
    if let Some(now) = &tried.wants {
        let step = tried.journal.len().saturating_add(1);
        return Compared::AskedOther { step, before: None, now: now.clone() };
    }
    match (&tried.decision, before) {
        (Some(_), _) if tried.journal.len() < journal.len() => {
            Compared::AskedLess { before: journal.len(), now: tried.journal.len() }
        }
        (Some(now), Some(before)) if now == before => Compared::Same,
        (Some(now), before) => Compared::Decided { before: before.cloned().unwrap_or_default(), now: now.clone() },
        (None, _) => {
            let reason = tried.reason.clone().unwrap_or_default();
            if before.is_none() && failed == Some(reason.as_str()) {
                return Compared::Same;
            }
            Compared::Failed { blame: tried.blame.clone().unwrap_or_default(), reason }
        }
    }
}

fn blame_of(error: &StepError) -> String {
    match error {
        StepError::Call(failure) => failure.blame.kind(),
        StepError::Load(_) => "host",
        StepError::NoCpu(_) => "limited",
    }
    .to_owned()
}
