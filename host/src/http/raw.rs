//! JSON that passes through as it is: a provider's payload, a receiver's headers, an account's settings.
//!
//! What is stored as JSON text is shown as JSON, digit for digit and escape for escape. A text that is no JSON after
//! all is shown as a text, so that a story can always be told.

use serde_json::value::RawValue;

/// The text as raw JSON.
#[must_use]
pub fn json(text: String) -> Box<RawValue> {
    match RawValue::from_string(text.clone()) {
        Ok(json) => json,
        Err(_) => serde_json::value::to_raw_value(&text).unwrap_or_else(|_| RawValue::NULL.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn json_passes_through_digit_for_digit_and_anything_else_is_a_text() {
        let text = r#"{"id": 900719925474099312345, "lone": "\ud800", "nul": "\u0000"}"#;
        assert_eq!(json(text.to_owned()).get(), text);
        assert_eq!(json("not json".to_owned()).get(), r#""not json""#);
        assert_eq!(json(String::new()).get(), r#""""#);
    }
}
