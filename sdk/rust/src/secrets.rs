//! Secrets are named, used, and never shown.

use crate::{Digest, SecretError};

/// The keyed hash of a message, to answer a provider's challenge.
///
/// Beware of the oracle: where the challenge is signed with the key that signs events, answer only what cannot be
/// an event's signed bytes; a challenge of the exact shape that the provider documents, and nothing longer.
pub fn hmac(name: &str, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SecretError> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::provider::hookyard::plugin::secrets::hmac(name, digest, message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::fixtures::host::hmac(name, digest, message)
}

impl From<SecretError> for crate::Malformed {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unknown(name) => Self(format!("there is no secret `{name}`")),
            SecretError::NotGranted(name) => Self(format!("the plugin may not use the secret `{name}`")),
        }
    }
}
