//! The styles: which header carries what, over which bytes, under a secret in which form.

use clap::ValueEnum;
use data_encoding::{BASE64, HEXLOWER};
use hookyard_model::instant::Instant;
use hookyard_model::proof::{Digest, HmacProof, Part, Proof, Secrets, hmac};
use hookyard_model::secret::{Secret, SecretFormat};
use hookyard_model::style::standard_signature;

use super::Question;

/// The name under which the proof knows the secrets.
const SECRET: &str = "secret";

/// Who signs, and so how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    /// Standard Webhooks, as Hookyard delivers unless told otherwise
    Standard,
    /// Hookyard's `connect` style
    Connect,
    /// GitHub's webhooks
    Github,
    /// Meta's webhooks
    Meta,
}

/// Why a request cannot even be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The header is not there, or twice with different values.
    Missing(&'static str),
    /// The header is there and says nothing.
    Encoding { header: &'static str, expected: &'static str },
    /// A secret is not what it should be.
    Secret(String),
}

/// Secrets that were pasted, all live.
pub(super) struct Pasted(pub(super) Vec<Secret>);

impl Secrets for Pasted {
    fn live(&self, _: &str) -> Vec<Secret> {
        self.0.clone()
    }
}

impl Style {
    /// The header that carries the signature.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Standard => "webhook-signature",
            Self::Connect => "X-Connect-Signature",
            Self::Github | Self::Meta => "X-Hub-Signature-256",
        }
    }

    pub(super) fn format(self) -> SecretFormat {
        match self {
            Self::Standard => SecretFormat::Whsec,
            Self::Connect | Self::Github | Self::Meta => SecretFormat::Text,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Standard => "`v1,` and 32 bytes in base64, one for each secret with blanks between",
            Self::Connect => "64 lowercase hexadecimal digits",
            Self::Github | Self::Meta => "`sha256=` and 64 lowercase hexadecimal digits",
        }
    }

    /// Reads the secrets as this style has them pasted.
    pub(super) fn secrets(self, pasted: &[String]) -> Result<Pasted, Unreadable> {
        let read = pasted.iter().map(|text| Secret::from_pasted(text, self.format()));
        read.collect::<Result<_, _>>().map(Pasted).map_err(|error| Unreadable::Secret(error.to_string()))
    }

    /// What would prove the request.
    pub(super) fn proof(self, question: &Question) -> Result<Proof, Unreadable> {
        let header = self.header();
        let value = question.header(header).ok_or(Unreadable::Missing(header))?;
        let signatures = self.signatures(value);
        if signatures.is_empty() {
            return Err(Unreadable::Encoding { header, expected: self.expected() });
        }
        let (prefix, signed_at) = match self {
            Self::Standard => {
                let id = question.header("webhook-id").ok_or(Unreadable::Missing("webhook-id"))?;
                let timestamp = question.header("webhook-timestamp").ok_or(Unreadable::Missing("webhook-timestamp"))?;
                let signed_at = seconds(timestamp).ok_or(Unreadable::Encoding {
                    header: "webhook-timestamp",
                    expected: "whole seconds since 1970, such as 1763717400",
                })?;
                (Some(Part::Text(format!("{id}.{timestamp}."))), Some(signed_at))
            }
            Self::Connect | Self::Github | Self::Meta => (None, None),
        };
        let signed = prefix.into_iter().chain([Part::Body]).collect();
        Ok(Proof::Hmac(HmacProof { secret: SECRET.to_owned(), digest: Digest::Sha256, signed, signatures, signed_at }))
    }

    /// The signatures in the header's value that are written as they should be.
    fn signatures(self, value: &str) -> Vec<Vec<u8>> {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        let found: Vec<Option<Vec<u8>>> = match self {
            Self::Standard => {
                let ours = value.split(' ').filter_map(|one| one.strip_prefix("v1,"));
                ours.map(|one| BASE64.decode(one.as_bytes()).ok()).collect()
            }
            Self::Connect => vec![hex(value)],
            Self::Github | Self::Meta => vec![value.strip_prefix("sha256=").and_then(hex)],
        };
        found.into_iter().flatten().filter(|signature| signature.len() == 32).collect()
    }

    /// The header's value that would have been right for this body.
    pub(super) fn sign(self, question: &Question, secret: &Secret) -> Option<String> {
        let body_alone = || HEXLOWER.encode(&hmac(Digest::Sha256, secret, &question.body));
        match self {
            Self::Standard => {
                let at: i64 = question.header("webhook-timestamp")?.parse().ok()?;
                Some(standard_signature(
                    question.header("webhook-id")?,
                    at,
                    &question.body,
                    std::slice::from_ref(secret),
                ))
            }
            Self::Connect => Some(body_alone()),
            Self::Github | Self::Meta => Some(format!("sha256={}", body_alone())),
        }
    }
}

fn seconds(text: &str) -> Option<Instant> {
    text.parse::<i64>().ok().map(|seconds| Instant::from_millis(seconds.saturating_mul(1000)))
}
