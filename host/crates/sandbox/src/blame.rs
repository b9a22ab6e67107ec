//! Blame: whose fault a failed call was, exactly.
//!
//! A guest that refuses says so in its result, and that is no failure of the call. Everything else ends here, in one
//! of eight kinds that a person can act upon; only the last two are the host's.

use std::time::Duration;

use hookyard_model::limits;
use wasmtime::Trap;

use crate::state::{CallState, GuestLog, Stop};

/// Whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blame {
    /// The guest trapped: a panic, an unreachable, a stack that overflowed.
    #[error("the plugin crashed: {0}")]
    Trapped(String),
    /// It used more CPU or time than it may.
    #[error("the plugin ran out of time: it {0}")]
    OutOfTime(String),
    /// It wanted more memory or table than it may, and died of it.
    #[error("the plugin ran out of memory: it may have {} MiB", .0 / (1024 * 1024))]
    OutOfMemory(usize),
    /// What it gave is not what the contract allows.
    #[error("the plugin spoke nonsense: {0}")]
    Nonsense(String),
    /// Replayed, it asked for another effect than before.
    #[error("the plugin diverged: it {0}")]
    Diverged(String),
    /// It asked for more effects or host calls than it may.
    #[error("the plugin asked too much: it {0}")]
    AskedTooMuch(String),
    /// Too many calls are waiting; try again.
    #[error("the sandbox is busy")]
    Busy,
    /// The host's own fault; try again.
    #[error("the sandbox failed: {0}")]
    Host(String),
}

impl Blame {
    /// A stable word for metrics and rows.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Trapped(_) => "trapped",
            Self::OutOfTime(_) => "out_of_time",
            Self::OutOfMemory(_) => "out_of_memory",
            Self::Nonsense(_) => "nonsense",
            Self::Diverged(_) => "diverged",
            Self::AskedTooMuch(_) => "asked_too_much",
            Self::Busy => "busy",
            Self::Host(_) => "host",
        }
    }

    /// Whether it was the host's fault, so that trying again may help.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Busy | Self::Host(_))
    }
}

/// A call that came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{blame}")]
pub struct CallFailure {
    /// Whose fault it was.
    pub blame: Blame,
    /// What the guest had written until then.
    pub log: GuestLog,
    /// CPU that it used until then.
    pub cpu: Duration,
}

impl CallFailure {
    pub(crate) fn without_log(blame: Blame) -> Self {
        Self { blame, log: GuestLog::default(), cpu: Duration::ZERO }
    }
}

/// Reads wasmtime's error. A stop at an effect is no fault and does not come here.
pub(crate) fn blame(error: &wasmtime::Error, state: &CallState) -> Blame {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Cpu(_) | Stop::Wall(_) => Blame::OutOfTime(stop.to_string()),
            Stop::Diverged { .. } => Blame::Diverged(stop.to_string()),
            Stop::TooManyEffects | Stop::TooManyHostCalls | Stop::TooLong(_) => Blame::AskedTooMuch(stop.to_string()),
            Stop::StateKey | Stop::StateValue(_) | Stop::TooManyWrites => Blame::Nonsense(stop.to_string()),
            Stop::Exit | Stop::Effect => Blame::Trapped(stop.to_string()),
        };
    }
    if state.limiter.refused {
        return Blame::OutOfMemory(state.limiter.memory_bytes_max);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::StackOverflow => Blame::Trapped("it recursed too deep".to_owned()),
            // A guest's own stack lies at the bottom of its memory, so that overrunning it ends here.
            Trap::MemoryOutOfBounds => {
                Blame::Trapped("it reached outside its memory, most likely because it recursed too deep".to_owned())
            }
            Trap::Interrupt => Blame::OutOfTime("was interrupted".to_owned()),
            Trap::UnreachableCodeReached => {
                Blame::Trapped(last_words(state).unwrap_or_else(|| "it panicked".to_owned()))
            }
            other => Blame::Trapped(other.to_string()),
        };
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Blame::Busy;
    }
    let text = format!("{error:#}");
    if text.contains("handle limit exceeded") {
        return Blame::AskedTooMuch(format!("held more than {} handles", limits::GUEST_HANDLES_MAX));
    }
    if text.contains("fuel allocated for hostcalls") || text.contains("hostcall") {
        let most = limits::GUEST_HOSTCALL_BYTES_MAX / (1024 * 1024);
        return Blame::Nonsense(format!("it handed over more than {most} MiB at once"));
    }
    Blame::Nonsense(text.chars().filter(|c| !c.is_control()).take(500).collect())
}

/// What a panicking guest wrote last: its message and place.
fn last_words(state: &CallState) -> Option<String> {
    let lines = &state.log.lines;
    let at = lines.iter().rposition(|line| line.contains("panicked at"))?;
    let words: Vec<&str> = lines
        .get(at..)?
        .iter()
        .map(|line| line.strip_prefix("output: ").unwrap_or(line))
        .filter(|line| !line.starts_with("note: run with") && !line.is_empty())
        .take(3)
        .collect();
    Some(words.join(" ").chars().take(500).collect())
}
