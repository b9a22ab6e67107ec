//! Bytes in JSON: as text where they are text, as `{"base64": "…"}` where they are not.
//!
//! A journal is read by people, and most of what stands in one is text; but what was not must come back exact.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form<'a> {
    Text(std::borrow::Cow<'a, str>),
    Binary { base64: String },
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Form::Text(text.into()).serialize(serializer),
        Err(_) => Form::Binary { base64: BASE64.encode(bytes) }.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match Form::deserialize(deserializer)? {
        Form::Text(text) => Ok(text.into_owned().into_bytes()),
        Form::Binary { base64 } => BASE64.decode(base64.as_bytes()).map_err(serde::de::Error::custom),
    }
}
