//! Secrets that cannot be printed.
//!
//! A [`Secret`] is key bytes: it is wiped when dropped, shows as `[redacted]` whoever prints it, has no `Serialize`,
//! and gives itself up only to [`Secret::expose`], so that a search for that word finds every place that touches
//! one. It refuses to be empty: an empty key would verify whatever an attacker signs with it.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::limits;

/// Key bytes, or a credential's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// How the text that a person pastes becomes key bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretFormat {
    /// The text's own bytes.
    Text,
    /// Hexadecimal.
    Hex,
    /// Base64, padded or not.
    Base64,
    /// `whsec_` and base64, or base64 alone (Standard Webhooks).
    Whsec,
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing, or nothing after decoding.
    #[error("a secret cannot be empty")]
    Empty,
    /// Longer than `limits::SECRET_BYTES_MAX`.
    #[error("a secret has at most {} bytes", limits::SECRET_BYTES_MAX)]
    TooLong,
    /// Does not decode.
    #[error("this secret is written as {expected}, and the text is not")]
    Encoding {
        /// The format that the manifest asks for.
        expected: &'static str,
    },
}

impl Secret {
    /// Wraps bytes as they are.
    ///
    /// # Errors
    /// Empty or too long.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SecretError> {
        if bytes.is_empty() {
            return Err(SecretError::Empty);
        }
        if bytes.len() > limits::SECRET_BYTES_MAX {
            return Err(SecretError::TooLong);
        }
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Reads what a person pasted; white space around it is theirs, not the secret's.
    ///
    /// # Errors
    /// Empty, too long, or not in `format`.
    pub fn from_pasted(text: &str, format: SecretFormat) -> Result<Self, SecretError> {
        let text = text.trim();
        let bytes = match format {
            SecretFormat::Text => text.as_bytes().to_vec(),
            SecretFormat::Hex => HEXLOWER_PERMISSIVE
                .decode(text.as_bytes())
                .map_err(|_| SecretError::Encoding { expected: "hexadecimal" })?,
            SecretFormat::Base64 => base64(text).ok_or(SecretError::Encoding { expected: "base64" })?,
            SecretFormat::Whsec => base64(text.strip_prefix("whsec_").unwrap_or(text))
                .ok_or(SecretError::Encoding { expected: "`whsec_` and base64" })?,
        };
        Self::from_bytes(bytes)
    }

    /// The bytes themselves, for the one line that signs, compares or attaches them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Standard base64 with or without padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    BASE64.decode(text).or_else(|_| BASE64_NOPAD.decode(text)).ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::from_pasted("hunter2", SecretFormat::Text).unwrap();
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    }

    #[test]
    fn an_empty_secret_cannot_be_made() {
        for (text, format) in [
            ("", SecretFormat::Text),
            ("  ", SecretFormat::Text),
            ("whsec_", SecretFormat::Whsec),
            ("", SecretFormat::Hex),
        ] {
            assert_eq!(Secret::from_pasted(text, format), Err(SecretError::Empty), "{text:?}");
        }
    }

    #[test]
    fn each_format_decodes_its_own_and_refuses_the_rest() {
        let hex = Secret::from_pasted("00fF", SecretFormat::Hex).unwrap();
        assert_eq!(hex.expose(), [0, 255]);
        let whsec = Secret::from_pasted("whsec_AAE=", SecretFormat::Whsec).unwrap();
        assert_eq!(whsec, Secret::from_pasted("AAE", SecretFormat::Base64).unwrap());
        assert!(Secret::from_pasted("0x", SecretFormat::Hex).is_err());
        assert!(Secret::from_pasted("whsec_!", SecretFormat::Whsec).is_err());
    }
}
