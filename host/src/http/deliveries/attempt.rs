//! A delivery with its attempts, as the API tells them.

use data_encoding::BASE64;
use hookyard_model::delivery::Attempt;
use hookyard_model::instant::Instant;
use hookyard_store::DeliveryRow;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::deliveries::DeliveryView;
use crate::http::raw;

/// A delivery and every attempt, the first one first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStory {
    /// The delivery.
    #[serde(flatten)]
    pub about: DeliveryView,
    /// Its attempts.
    pub attempts: Vec<AttemptView>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Instant,
    /// The status that came back, where anything did.
    pub status: Option<u16>,
    /// A stable word where nothing did.
    #[schema(example = "timed_out")]
    pub error: Option<String>,
    /// A sentence.
    pub detail: Option<String>,
    /// Headers that were sent, secrets redacted.
    #[schema(value_type = Value)]
    pub request_headers: Box<RawValue>,
    /// Headers that came back.
    #[schema(value_type = Value)]
    pub response_headers: Box<RawValue>,
    /// What came back, cut; null where it is no text.
    pub response_body: Option<String>,
    /// What came back, cut, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body_base64: Option<String>,
    /// Whether it was cut.
    pub response_truncated: bool,
    /// The address that was dialled.
    pub address: Option<String>,
    /// How long its parts took.
    pub timings: TimingsView,
}

/// How long the parts of an attempt took, in microseconds; null for a part that was not reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timings)]
#[serde(rename_all = "camelCase")]
pub struct TimingsView {
    /// Name to addresses.
    pub dns_us: Option<u64>,
    /// Address to connection, TLS included; null on a connection that was open already.
    pub connect_us: Option<u64>,
    /// Request written to first byte of the answer.
    pub first_byte_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

impl DeliveryStory {
    pub(crate) fn of(row: &DeliveryRow, attempts: Vec<Attempt>) -> Self {
        Self { about: DeliveryView::from(row), attempts: attempts.into_iter().map(AttemptView::from).collect() }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let (response_body, response_body_base64) = body(attempt.response_body, attempt.response_truncated);
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            status: attempt.status,
            error: attempt.error,
            detail: attempt.detail,
            request_headers: raw::json(attempt.request_headers),
            response_headers: raw::json(attempt.response_headers),
            response_body,
            response_body_base64,
            response_truncated: attempt.response_truncated,
            address: attempt.address,
            timings: TimingsView {
                dns_us: attempt.timings.dns_us,
                connect_us: attempt.timings.connect_us,
                first_byte_us: attempt.timings.first_byte_us,
                total_us: attempt.timings.total_us,
            },
        }
    }
}

/// A body as a text, or else as base64. A text that was cut in the middle of its last letter is still a text.
fn body(bytes: Vec<u8>, truncated: bool) -> (Option<String>, Option<String>) {
    match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => {
            let (good, bytes) = (error.utf8_error(), error.into_bytes());
            let whole = bytes.get(..good.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok());
            match whole.filter(|_| truncated && good.error_len().is_none()) {
                Some(whole) => (Some(whole.to_owned()), None),
                None => (None, Some(BASE64.encode(&bytes))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_body_is_a_text_where_it_can_be() {
        let text = |text: &str| (Some(text.to_owned()), None);
        assert_eq!(body(b"ok".to_vec(), false), text("ok"));
        assert_eq!(body(vec![], false), text(""));
        assert_eq!(body(vec![b'a', 0xc3], true), text("a"), "cut in the middle of a letter");
        assert_eq!(body(vec![b'a', 0xc3], false), (None, Some("YcM=".to_owned())));
        assert_eq!(body(vec![0xff, b'a'], true), (None, Some("/2E=".to_owned())));
    }
}
