//! JSON without losing digits.
//!
//! Providers write ids now as strings, now as numbers beyond 2^53. The functions here are for serde's
//! `deserialize_with`; they read the number's own text, so that no digit passes through floating point.
//! They need serde_json's own deserializer: not under `flatten`, not in an untagged enum.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Change {
//!     #[serde(deserialize_with = "hookyard_sdk::json::id")]
//!     leadgen_id: String,
//!     #[serde(default, deserialize_with = "hookyard_sdk::json::optional_id")]
//!     ad_id: Option<String>,
//! }
//! let change: Change = serde_json::from_str(r#"{"leadgen_id": 98765432109876543210}"#).unwrap();
//! assert_eq!(change.leadgen_id, "98765432109876543210");
//! ```

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{Failure, Json};

/// How much of a parser's sentence is repeated.
const REASON_CHARS_MAX: usize = 300;

/// Reads settings, or any JSON that the host hands over; `what` opens the failure's sentence.
pub fn parse<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::permanent(format!("{what} cannot be read: {}", reason(&error))))
}

/// Why JSON could not be read, without the value that stood in the way: the parser quotes it in full, and it may be
/// a person's answer, or a megabyte.
#[must_use]
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quoted = text.find('"').zip(text.rfind('"')).filter(|(first, last)| first < last);
    let text = match quoted.and_then(|(first, last)| Some((text.get(..first)?, text.get(last + 1..)?))) {
        Some((before, after)) => format!("{before}…{after}"),
        None => text,
    };
    text.chars().take(REASON_CHARS_MAX).collect()
}

/// The value's JSON text. A value that JSON cannot hold (a map whose keys are no strings) is written as `null`.
#[must_use]
pub fn text(value: &impl Serialize) -> Json {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// An id: a string as it stands, or a whole number with the very digits that were sent.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_id(deserializer)?.ok_or_else(|| D::Error::custom("expected an id, not null"))
}

/// An id that may be null. Add `default` where it may be absent, too.
pub fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get().as_bytes() {
        [b'n', ..] => Ok(None),
        [b'"', ..] => string(&raw).map(Some).map_err(D::Error::custom),
        digits if is_whole_number(digits) => Ok(Some(raw.get().to_owned())),
        _ => Err(D::Error::custom("expected an id: a string or a whole number")),
    }
}

/// One value or a list of them, each as [`scalar`] has it; null is an empty list.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if !raw.get().starts_with('[') {
        return Ok(scalar(&raw).into_iter().collect());
    }
    let values: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
    Ok(values.into_iter().filter_map(scalar).collect())
}

/// What a person would read: a string's text, otherwise the JSON as it was sent; nothing for null.
#[must_use]
pub fn scalar(value: &RawValue) -> Option<String> {
    match value.get().as_bytes() {
        [b'n', ..] => None,
        [b'"', ..] => string(value).ok(),
        _ => Some(value.get().to_owned()),
    }
}

fn string(value: &RawValue) -> Result<String, serde_json::Error> {
    serde_json::from_str(value.get())
}

fn is_whole_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Change {
        #[serde(deserialize_with = "id")]
        id: String,
        #[serde(default, deserialize_with = "optional_id")]
        ad_id: Option<String>,
        #[serde(default, deserialize_with = "texts")]
        values: Vec<String>,
    }

    #[test]
    fn no_digit_of_an_id_is_lost() {
        for (json, expected) in [
            (r#"{"id":9007199254740993}"#, "9007199254740993"),
            (r#"{"id":"9007199254740993"}"#, "9007199254740993"),
            (r#"{"id":123456789012345678901234567890}"#, "123456789012345678901234567890"),
            (r#"{"id":"\u0061b"}"#, "ab"),
        ] {
            let change: Change = serde_json::from_str(json).unwrap();
            assert_eq!(change.id, expected);
            assert_eq!(change.ad_id, None);
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for json in [r#"{"id":1.5}"#, r#"{"id":1e3}"#, r#"{"id":null}"#, r#"{"id":{}}"#, r#"{"id":true}"#, "{}"] {
            assert!(serde_json::from_str::<Change>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn one_value_or_many_are_a_list_of_texts() {
        let values = |json: &str| -> Vec<String> { serde_json::from_str::<Change>(json).unwrap().values };
        assert_eq!(
            values(r#"{"id":1,"values":["a",12345678901234567890,null,true]}"#),
            ["a", "12345678901234567890", "true"]
        );
        assert_eq!(values(r#"{"id":1,"values":"a"}"#), ["a"]);
        assert!(values(r#"{"id":1,"values":null}"#).is_empty());
    }

    #[test]
    fn a_failure_names_the_field_and_the_line() {
        #[derive(Deserialize, Debug)]
        struct Settings {
            #[expect(dead_code, reason = "its absence is the test")]
            region: String,
        }
        let failure = parse::<Settings>("the settings", "{\n}").unwrap_err();
        let expected = "the settings cannot be read: missing field `region` at line 2 column 1";
        assert_eq!(failure, Failure::permanent(expected));
    }

    #[test]
    fn a_reason_does_not_repeat_the_value() {
        for (json, expected) in [
            ("\"joe@example.com\"", "invalid type: string …, expected a sequence at line 1 column 17"),
            ("\"a\\\"b\"", "invalid type: string …, expected a sequence at line 1 column 6"),
            ("{}", "invalid type: map, expected a sequence at line 1 column 0"),
        ] {
            let error = serde_json::from_str::<Vec<u8>>(json).unwrap_err();
            assert_eq!(reason(&error), expected);
        }
    }
}
