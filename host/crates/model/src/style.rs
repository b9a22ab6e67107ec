//! Styles: what a delivery looks like to its receiver, as a table and not as code for each.
//!
//! A style says which headers name the event, which carries the signature over what, how the body is laid out and
//! how long to keep trying. [`Style::render`] makes the bytes once; those bytes are signed, and those bytes are sent.
//! Every style also carries the three `webhook-*` headers of Standard Webhooks, because a signature over the body
//! alone can be replayed for ever and a receiver may move over when it likes.
//!
//! What `connect` signs is our reading of its published documents, which name the header and the algorithm only.

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};

use crate::id::EventId;
use crate::instant::Instant;
use crate::proof::{Digest, hmac};
use crate::retry::Schedule;
use crate::secret::Secret;

/// How a delivery is laid out, signed and retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    /// Standard Webhooks 1.0.
    #[default]
    Standard,
    /// `X-Connect-*`.
    Connect,
}

/// What a delivery tells, before it has a style.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The event's id, the same at every attempt.
    pub id: EventId,
    /// Such as `leadgen`.
    pub event_type: &'a str,
    /// Such as `meta_lead_ads`.
    pub provider: Option<&'a str>,
    /// When it was logged.
    pub received_at: Instant,
    /// JSON text.
    pub data: &'a str,
}

/// Bytes and headers that are ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Lowercase names and their values; no `content-length` and no `host`.
    pub headers: Vec<(&'static str, String)>,
    /// The exact bytes that were signed.
    pub body: Vec<u8>,
}

const STANDARD_RETRIES: Schedule = Schedule::fixed(&[5, 300, 1_800, 7_200, 18_000, 36_000, 36_000], 20);
const CONNECT_RETRIES: Schedule = Schedule::fixed(&[1, 4, 15], 0);

impl Style {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Connect];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Connect => "connect",
        }
    }

    /// Reads what a row or a request says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.as_str() == text)
    }

    /// How long it keeps trying, unless the subscription says otherwise.
    #[must_use]
    pub fn schedule(self) -> Schedule {
        match self {
            Self::Standard => STANDARD_RETRIES,
            Self::Connect => CONNECT_RETRIES,
        }
    }

    /// The body and headers of an attempt at `now`, signed with every live secret; unsigned where there is none.
    #[must_use]
    pub fn render(self, told: &Told<'_>, secrets: &[Secret], now: Instant) -> Rendered {
        let body = self.body(told);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if self == Self::Connect {
            headers.push(("x-connect-event", told.event_type.to_owned()));
            if let Some(provider) = told.provider {
                headers.push(("x-connect-provider", provider.to_owned()));
            }
            // One value only: the newest secret signs.
            if let Some(secret) = secrets.first() {
                headers.push(("x-connect-signature", HEXLOWER.encode(&hmac(Digest::Sha256, secret, &body))));
            }
        }
        headers.push(("webhook-id", told.id.text()));
        headers.push(("webhook-timestamp", now.seconds().to_string()));
        if !secrets.is_empty() {
            headers.push(("webhook-signature", standard_signature(&told.id.text(), now.seconds(), &body, secrets)));
        }
        Rendered { headers, body }
    }

    fn body(self, told: &Told<'_>) -> Vec<u8> {
        // The data is JSON already; it goes in as it is, so that no digit and no escape of it changes.
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let text = match self {
            Self::Standard => format!(
                r#"{{"type":{},"timestamp":{},"data":{}}}"#,
                json(told.event_type),
                json(&told.received_at.rfc3339()),
                told.data
            ),
            Self::Connect => format!(
                r#"{{"id":{},"event":{},"provider":{},"receivedAt":{},"data":{}}}"#,
                json(&told.id.text()),
                json(told.event_type),
                told.provider.map_or_else(|| "null".to_owned(), json),
                json(&told.received_at.rfc3339()),
                told.data
            ),
        };
        text.into_bytes()
    }
}

/// The value of `webhook-signature` (Standard Webhooks 1.0): `v1,` and the base64 HMAC-SHA256 of
/// `id.timestamp.body`, once for each secret, separated by spaces.
#[must_use]
pub fn standard_signature(id: &str, timestamp_seconds: i64, body: &[u8], secrets: &[Secret]) -> String {
    let mut message = format!("{id}.{timestamp_seconds}.").into_bytes();
    message.extend_from_slice(body);
    let signatures: Vec<String> =
        secrets.iter().map(|secret| format!("v1,{}", BASE64.encode(&hmac(Digest::Sha256, secret, &message)))).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretFormat;

    fn told(data: &str) -> Told<'_> {
        Told {
            id: EventId::at(Instant::from_millis(1_763_717_400_007), [1; 10]),
            event_type: "leadgen",
            provider: Some("meta_lead_ads"),
            received_at: Instant::from_millis(1_763_717_400_007),
            data,
        }
    }

    #[test]
    fn the_published_standard_webhooks_vectors_are_reproduced() {
        for (secret, id, timestamp, body, expected) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            let secret = Secret::from_pasted(secret, SecretFormat::Whsec).unwrap();
            assert_eq!(standard_signature(id, timestamp, body.as_bytes(), &[secret]), expected);
        }
    }

    #[test]
    fn both_secrets_sign_during_a_rotation_and_none_signs_without_one() {
        let secrets: Vec<_> =
            ["new", "old"].iter().map(|text| Secret::from_pasted(text, SecretFormat::Text).unwrap()).collect();
        let find = |rendered: &Rendered, name: &str| {
            rendered.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.clone())
        };
        let rendered = Style::Standard.render(&told("{}"), &secrets, Instant::EPOCH);
        assert_eq!(find(&rendered, "webhook-signature").unwrap().split(' ').count(), 2);
        let bare = Style::Connect.render(&told("{}"), &[], Instant::EPOCH);
        assert_eq!(find(&bare, "webhook-signature"), None);
        assert_eq!(find(&bare, "x-connect-signature"), None);
        assert!(find(&bare, "webhook-id").is_some());
    }

    #[test]
    fn bodies_are_laid_out_as_documented_and_keep_every_digit() {
        let told = told(r#"{"id":900719925474099312345}"#);
        let body = |style: Style| String::from_utf8(style.render(&told, &[], Instant::EPOCH).body).unwrap();
        assert_eq!(
            body(Style::Standard),
            r#"{"type":"leadgen","timestamp":"2025-11-21T09:30:00.007Z","data":{"id":900719925474099312345}}"#
        );
        assert_eq!(
            body(Style::Connect),
            format!(
                r#"{{"id":"{}","event":"leadgen","provider":"meta_lead_ads","receivedAt":"2025-11-21T09:30:00.007Z","data":{{"id":900719925474099312345}}}}"#,
                told.id
            )
        );
    }

    #[test]
    fn the_connect_signature_is_the_hex_hmac_of_the_body() {
        let secret = Secret::from_pasted("It's a Secret to Everybody", SecretFormat::Text).unwrap();
        let mac = hmac(Digest::Sha256, &secret, b"Hello, World!");
        assert_eq!(HEXLOWER.encode(&mac), "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }
}
