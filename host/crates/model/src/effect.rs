//! Effects: what a guest asks of the host, and the journal that answers it on replay.
//!
//! A guest that wants an effect is stopped there. The host performs the effect, appends an [`Entry`] to the run's
//! journal, and calls the guest again from the start: the n-th effect of the new call is answered by the n-th entry,
//! provided that it is the same effect. Whether it is, is told by [`Effect::fingerprint`]; a guest that asks for
//! something else has diverged and is stopped for good.

use sha2::{Digest as _, Sha256};

use crate::http::{Request, Response};

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
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To a fetch.
    Fetch(Result<Response, FetchError>),
}

/// Why a fetch brought no response.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// One effect that was performed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of the effect.
    pub fingerprint: Fingerprint,
    /// What came of it.
    pub reply: Reply,
}

/// A hash that two effects share only if they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

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
}
