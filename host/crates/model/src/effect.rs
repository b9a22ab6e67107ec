//! Effects: what a guest asks of the host, and the journal that answers it on replay.
//!
//! A guest that wants an effect is stopped there. The host performs the effect, appends an [`Entry`] to the run's
//! journal, and calls the guest again from the start: the n-th effect of the new call is answered by the n-th entry,
//! provided that it is the same effect. Whether it is, is told by [`Effect::fingerprint`]; a guest that asks for
//! something else has diverged and is stopped for good.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::http::{Request, Response};
use crate::id::RunId;
use crate::instant::Instant;

/// Longest description of an effect that a journal keeps, in characters.
const SUMMARY_CHARS_MAX: usize = 500;

/// Something that only the host can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An HTTP request, with the credentials that the host attaches on the way out.
    Fetch {
        /// As the guest wrote it, without any credential.
        request: Request,
        /// Names of credentials.
        credentials: Vec<String>,
    },
    /// What the flow remembers under a key.
    StateGet {
        /// The key.
        key: String,
    },
    /// To be called again after so long.
    Sleep {
        /// How long.
        milliseconds: u64,
    },
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// To a fetch that brought a response.
    Response(Response),
    /// To a fetch that did not.
    FetchError(FetchError),
    /// To a read of state.
    State(Option<Remembered>),
    /// To a sleep that is over.
    Slept,
}

/// What stood under a key when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remembered {
    /// The value.
    #[serde(with = "crate::bytes")]
    pub value: Vec<u8>,
    /// The run that wrote it: no run writes twice, so this tells whether the value is still the one that was read.
    pub written_by: RunId,
}

/// Why a fetch brought no response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FetchError {
    /// The host, scheme, port or resolved address is not granted.
    Refused(String),
    /// No connection, or a broken one.
    Unreachable(String),
    /// Took longer than `limits::FETCH_TIMEOUT`.
    TimedOut,
    /// More bytes than `limits::FETCH_RESPONSE_BYTES_MAX`.
    TooLarge(u64),
}

/// One effect that was performed. This is its JSON, in a row and in a downloaded journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The effect in a line, for people.
    pub effect: String,
    /// Of the effect.
    pub fingerprint: Fingerprint,
    /// What came of it.
    pub reply: Reply,
    /// When: what `clock.now` says from here to the next effect.
    pub at: Instant,
}

impl Entry {
    /// The effect and what came of it.
    #[must_use]
    pub fn new(effect: &Effect, reply: Reply, at: Instant) -> Self {
        Self { effect: effect.to_string(), fingerprint: effect.fingerprint(), reply, at }
    }
}

/// A hash that two effects share only if they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom("a fingerprint has 64 hexadecimal digits"))
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = match self {
            Self::Fetch { request, .. } => format!("http.fetch {} {}", request.method, request.url),
            Self::StateGet { key } => format!("state.get {key}"),
            Self::Sleep { milliseconds } => format!("clock.sleep {milliseconds} ms"),
        };
        line.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SUMMARY_CHARS_MAX)
            .try_for_each(|c| write!(f, "{c}"))
    }
}

impl Effect {
    /// SHA-256 over every part of the effect, each part preceded by its length.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(bytes);
        };
        match self {
            Self::Fetch { request, credentials } => {
                part(b"fetch");
                part(request.method.as_bytes());
                part(request.url.as_bytes());
                for field in &request.headers {
                    part(field.name.as_bytes());
                    part(field.value.as_bytes());
                }
                part(b"body");
                part(&request.body);
                for name in credentials {
                    part(name.as_bytes());
                }
            }
            Self::StateGet { key } => {
                part(b"state.get");
                part(key.as_bytes());
            }
            Self::Sleep { milliseconds } => {
                part(b"sleep");
                part(&milliseconds.to_le_bytes());
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Field;

    #[test]
    fn moving_a_byte_from_one_part_to_the_next_changes_the_fingerprint() {
        let fetch = |url: &str, name: &str| Effect::Fetch {
            request: Request {
                method: "GET".into(),
                url: url.into(),
                headers: vec![Field { name: name.into(), value: String::new() }],
                body: vec![],
            },
            credentials: vec![],
        };
        assert_eq!(fetch("https://a/b", "c").fingerprint(), fetch("https://a/b", "c").fingerprint());
        assert_ne!(fetch("https://a/b", "c").fingerprint(), fetch("https://a/", "bc").fingerprint());
    }

    #[test]
    fn an_entry_reads_back_from_its_json_text_and_bytes_alike() {
        let run = RunId::at(Instant::from_millis(7), [1; 10]);
        let effect = Effect::StateGet { key: "a\nb".into() };
        for reply in [
            Reply::State(None),
            Reply::State(Some(Remembered { value: vec![0xff, 0], written_by: run })),
            Reply::State(Some(Remembered { value: b"text".to_vec(), written_by: run })),
            Reply::Slept,
            Reply::FetchError(FetchError::TimedOut),
            Reply::Response(Response { status: 200, headers: vec![], body: "\u{e9}".into() }),
        ] {
            let entry = Entry::new(&effect, reply, Instant::from_millis(9));
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry, "{json}");
            assert!(json.contains("state.get a b"), "{json}");
        }
    }
}
