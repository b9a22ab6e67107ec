//! What a store holds while one call runs: the journal, the log, the limits, and nothing of any other call.
//!
//! This is also where the imports are: `log`, `secrets`, `http`, `state` and `clock`. Each counts against the run's host calls, so that
//! a guest cannot keep the host busy from inside its own budget.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hookyard_model::effect::{Effect, Entry, FetchError, Reply};
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::proof::Digest;
use hookyard_model::run::{self, Write};
use wasmtime::ResourceLimiter;

use crate::bindings::flow::hookyard::plugin as flow_wit;
use crate::bindings::provider::hookyard::plugin as wit;
use crate::contract::Class;
use crate::lift;

/// What a caller brings to a call.
#[derive(Clone)]
pub struct Call {
    /// Answers `secrets.hmac`.
    pub secrets: Arc<dyn GuestSecrets>,
    /// The time that the guest sees before its first effect, the same at every replay.
    pub now: Instant,
    /// Decides the guest's randomness, the same at every replay.
    pub seed: u64,
}

/// Keyed hashes of secrets that the guest never sees.
pub trait GuestSecrets: Send + Sync {
    /// The keyed hash of `message`.
    ///
    /// # Errors
    /// Unknown name, or one that the guest was not granted.
    fn hmac(&self, name: &str, digest: Digest, message: &[u8]) -> Result<Vec<u8>, HmacError>;
}

/// Why there is no keyed hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HmacError {
    /// No secret of this name has a value.
    Unknown(String),
    /// The manifest does not name it.
    NotGranted(String),
}

/// No secret at all, as at `describe`.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl GuestSecrets for NoSecrets {
    fn hmac(&self, name: &str, _: Digest, _: &[u8]) -> Result<Vec<u8>, HmacError> {
        Err(HmacError::NotGranted(name.to_owned()))
    }
}

/// What a guest wrote, bounded by `limits::GUEST_LOG_BYTES_MAX`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestLog {
    /// `info: …`, one line each, without control characters.
    pub lines: Vec<String>,
    /// Lines that came after the limit.
    pub dropped: u32,
    bytes: usize,
    unfinished: String,
}

impl GuestLog {
    /// Adds a line.
    pub(crate) fn line(&mut self, level: &str, message: &str) {
        let room = limits::GUEST_LOG_BYTES_MAX.saturating_sub(self.bytes);
        if room == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let clean = message.chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut line = format!("{level}: ");
        for letter in clean {
            if line.len() + letter.len_utf8() > room {
                line.push('…');
                break;
            }
            line.push(letter);
        }
        self.bytes = self.bytes.saturating_add(line.len().max(1));
        self.lines.push(line);
    }

    /// Adds output bytes, line by line.
    pub(crate) fn output(&mut self, bytes: &[u8]) {
        if self.bytes >= limits::GUEST_LOG_BYTES_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let most = limits::GUEST_LOG_BYTES_MAX;
        for letter in String::from_utf8_lossy(bytes.get(..bytes.len().min(most)).unwrap_or(bytes)).chars() {
            if letter == '\n' || self.unfinished.len() >= most {
                let line = std::mem::take(&mut self.unfinished);
                self.line("output", &line);
            } else {
                self.unfinished.push(letter);
            }
        }
    }

    pub(crate) fn finish(mut self) -> Self {
        if !self.unfinished.is_empty() {
            let line = std::mem::take(&mut self.unfinished);
            self.line("output", &line);
        }
        self
    }
}

/// Why the host stopped a guest, known only to this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("stopped at an effect")]
    Effect,
    #[error("asked for `{wanted}` at effect {step}, where it had asked for `{journaled}` when it ran first")]
    Diverged { step: usize, wanted: String, journaled: String },
    #[error("asked for more than {} effects", limits::EFFECTS_PER_RUN_MAX)]
    TooManyEffects,
    #[error("asked to sleep for {0} ms, and a sleep is at most {max} days", max = limits::SLEEP_MAX.as_secs() / 86_400)]
    TooLong(u64),
    #[error(
        "used a state key that is empty, longer than {} bytes, or holds control characters",
        limits::STATE_KEY_BYTES_MAX
    )]
    StateKey,
    #[error("wrote a state value of {0} bytes, and at most {max} are allowed", max = limits::STATE_VALUE_BYTES_MAX)]
    StateValue(usize),
    #[error("wrote more than {} state keys", limits::STATE_WRITES_PER_RUN_MAX)]
    TooManyWrites,
    #[error("called the host more than {} times", limits::GUEST_HOST_CALLS_MAX)]
    TooManyHostCalls,
    #[error("used more than {} ms of CPU", .0.as_millis())]
    Cpu(Duration),
    #[error("took longer than {} ms", .0.as_millis())]
    Wall(Duration),
    #[error("ended itself")]
    Exit,
}

/// Which effects a call may have.
pub(crate) enum Effects {
    /// None: a fetch is refused.
    Closed,
    /// Answered from the journal, and stopped at where that ends.
    Journal(Arc<Vec<Entry>>),
}

pub(crate) struct CallState {
    pub(crate) call: Call,
    pub(crate) effects: Effects,
    pub(crate) performed: usize,
    pub(crate) wanted: Option<Effect>,
    pub(crate) log: GuestLog,
    pub(crate) limiter: Limiter,
    pub(crate) random: u64,
    /// What a flow wrote to its state, by key.
    writes: BTreeMap<String, Option<Vec<u8>>>,
    host_calls: u32,
}

impl CallState {
    pub(crate) fn new(call: Call, effects: Effects, class: Class) -> Self {
        let random = call.seed;
        Self {
            call,
            effects,
            performed: 0,
            wanted: None,
            log: GuestLog::default(),
            limiter: Limiter { memory_bytes_max: class.memory_bytes_max(), ..Limiter::default() },
            random,
            writes: BTreeMap::new(),
            host_calls: 0,
        }
    }

    /// Counts a call from the guest; the one too many is a trap.
    pub(crate) fn count(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > limits::GUEST_HOST_CALLS_MAX {
            return Err(Stop::TooManyHostCalls.into());
        }
        Ok(())
    }

    /// What the guest's clock says: when the last effect was performed.
    pub(crate) fn now(&self) -> Instant {
        let last = match &self.effects {
            Effects::Journal(journal) => self.performed.checked_sub(1).and_then(|last| journal.get(last)),
            Effects::Closed => None,
        };
        last.map_or(self.call.now, |entry| entry.at)
    }

    /// What a flow wrote, sorted by key.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes).into_iter().map(|(key, value)| Write { key, value }).collect()
    }

    fn write(&mut self, key: String, value: Option<Vec<u8>>) -> wasmtime::Result<()> {
        self.count()?;
        if !run::is_state_key(&key) {
            return Err(Stop::StateKey.into());
        }
        if let Some(value) = value.as_ref().filter(|value| value.len() > limits::STATE_VALUE_BYTES_MAX) {
            return Err(Stop::StateValue(value.len()).into());
        }
        self.writes.insert(key, value);
        if self.writes.len() > limits::STATE_WRITES_PER_RUN_MAX {
            return Err(Stop::TooManyWrites.into());
        }
        Ok(())
    }

    /// The next of the guest's own random numbers (SplitMix64): the same for the same seed.
    pub(crate) fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn perform(&mut self, effect: Effect) -> wasmtime::Result<Reply> {
        let Effects::Journal(journal) = &self.effects else {
            let closed = "nothing can be fetched here: `describe` and `receive` have no effects";
            return Ok(match effect {
                Effect::Fetch { .. } => Reply::FetchError(FetchError::Refused(closed.to_owned())),
                Effect::StateGet { .. } => Reply::State(None),
                Effect::Sleep { .. } => Reply::Slept,
            });
        };
        match journal.get(self.performed) {
            Some(entry) if entry.fingerprint == effect.fingerprint() => {
                self.performed += 1;
                Ok(entry.reply.clone())
            }
            Some(entry) => {
                let (wanted, journaled) = (effect.to_string(), entry.effect.clone());
                Err(Stop::Diverged { step: self.performed + 1, wanted, journaled }.into())
            }
            None if self.performed >= limits::EFFECTS_PER_RUN_MAX => Err(Stop::TooManyEffects.into()),
            None => {
                self.wanted = Some(effect);
                Err(Stop::Effect.into())
            }
        }
    }
}

impl wit::types::Host for CallState {}
impl wit::manifests::Host for CallState {}

impl wit::log::Host for CallState {
    fn write(&mut self, level: wit::log::Level, message: String) -> wasmtime::Result<()> {
        self.count()?;
        let level = match level {
            wit::log::Level::Debug => "debug",
            wit::log::Level::Info => "info",
            wit::log::Level::Warn => "warn",
            wit::log::Level::Error => "error",
        };
        self.log.line(level, &message);
        Ok(())
    }
}

impl wit::secrets::Host for CallState {
    fn hmac(
        &mut self,
        name: String,
        digest: wit::secrets::Digest,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, wit::secrets::SecretError>> {
        self.count()?;
        Ok(self.call.secrets.hmac(&name, lift::digest(digest), &message).map_err(|error| match error {
            HmacError::Unknown(name) => wit::secrets::SecretError::Unknown(name),
            HmacError::NotGranted(name) => wit::secrets::SecretError::NotGranted(name),
        }))
    }
}

impl wit::http::Host for CallState {
    fn fetch(
        &mut self,
        request: wit::types::HttpRequest,
        credentials: Vec<String>,
    ) -> wasmtime::Result<Result<wit::types::HttpResponse, wit::http::HttpError>> {
        self.count()?;
        let reply = self.perform(Effect::Fetch { request: lift::request(request), credentials })?;
        match reply {
            Reply::Response(response) => Ok(Ok(lift::lower_response(response))),
            Reply::FetchError(error) => Ok(Err(lift::lower_fetch_error(error))),
            Reply::State(_) | Reply::Slept => {
                Err(wasmtime::Error::msg("the journal answers a fetch with something else"))
            }
        }
    }
}

impl flow_wit::state::Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.count()?;
        if !run::is_state_key(&key) {
            return Err(Stop::StateKey.into());
        }
        if let Some(own) = self.writes.get(&key) {
            return Ok(own.clone());
        }
        match self.perform(Effect::StateGet { key })? {
            Reply::State(found) => Ok(found.map(|found| found.value)),
            _ => Err(wasmtime::Error::msg("the journal answers a read of state with something else")),
        }
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<()> {
        self.write(key, Some(value))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<()> {
        self.write(key, None)
    }
}

impl flow_wit::clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(lift::lower_instant(CallState::now(self)))
    }

    fn sleep(&mut self, milliseconds: u64) -> wasmtime::Result<()> {
        self.count()?;
        if Duration::from_millis(milliseconds) > limits::SLEEP_MAX {
            return Err(Stop::TooLong(milliseconds).into());
        }
        self.perform(Effect::Sleep { milliseconds }).map(|_| ())
    }
}

/// Sums what a guest takes; wasmtime's own limiter would count each memory by itself.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    memory_bytes: usize,
    table_elements: usize,
    /// What it may hold.
    pub(crate) memory_bytes_max: usize,
    /// The most memory that it held.
    pub(crate) peak_bytes: usize,
    /// Whether something was refused: a trap after that is for want of memory.
    pub(crate) refused: bool,
}

impl Limiter {
    fn grow(held: &mut usize, current: usize, desired: usize, most: usize) -> bool {
        let after = held.saturating_sub(current).saturating_add(desired);
        if after <= most {
            *held = after;
        }
        after <= most
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = Self::grow(&mut self.memory_bytes, current, desired, self.memory_bytes_max);
        self.peak_bytes = self.peak_bytes.max(self.memory_bytes);
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = Self::grow(&mut self.table_elements, current, desired, limits::GUEST_TABLE_ELEMENTS_MAX);
        self.refused |= !fits;
        Ok(fits)
    }
}
