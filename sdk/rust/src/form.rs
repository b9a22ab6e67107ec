//! `application/x-www-form-urlencoded`, for query strings and form bodies.
//!
//! Decoding never fails: a stray `%` stands for itself, and bytes that are not UTF-8 become U+FFFD, as browsers do.
//! What must be exact (a signature) is therefore never read out of it.

use crate::Field;

/// The fields of a query string or a form body, in order, decoded.
pub fn parse(text: &str) -> impl Iterator<Item = Field> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Field { name: decode(name), value: decode(value) }
    })
}

/// Percent-encodes everything but letters, digits and `-._~`, so that it fits any part of a URL.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode_into(&mut encoded, text);
    encoded
}

pub(crate) fn encode_pair(out: &mut String, name: &str, value: &str) {
    encode_into(out, name);
    out.push('=');
    encode_into(out, value);
}

fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 15));
        }
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, after_escape @ ..]) => match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after_escape;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "payload={\"a\":\"é &+%\"}";
        assert_eq!(decode(&encode(text)), text);
    }

    #[test]
    fn a_stray_percent_sign_stands_for_itself() {
        let fields: Vec<_> = parse("a=100%&&b&c=%zz%4").map(|field| (field.name, field.value)).collect();
        let expected = [("a", "100%"), ("b", ""), ("c", "%zz%4")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
