//! An account's settings against its provider's JSON Schema: the part of JSON Schema that settings use.
//!
//! Checked are `type`, `required`, `properties`, `additionalProperties: false`, `enum`, `const`, `minLength`,
//! `maxLength`, `pattern`, `minimum`, `maximum`, `items`, `minItems` and `maxItems`. Other keywords are the plugin's
//! own business, which sees the settings at every call. A schema is a stranger's text: its patterns run in linear
//! time, few of them and each within a bound, and those beyond that count as met. No sentence repeats a value.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::http::problem::Problem;

/// Longest settings, in bytes of JSON.
const SETTINGS_BYTES_MAX: usize = 16 * 1024;
/// Largest compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 128 * 1024;
/// Most patterns that one check compiles.
const PATTERNS_MAX: usize = 64;

/// Whether settings, as a JSON text, are an object as the schema wants it.
///
/// # Errors
/// 422 with the first field that is not, and what it has to be.
pub fn check(schema: &str, settings: &str) -> Result<(), Problem> {
    if settings.len() > SETTINGS_BYTES_MAX {
        return Err(Problem::invalid("settings", format!("settings have at most {SETTINGS_BYTES_MAX} bytes")));
    }
    let settings = match serde_json::from_str(settings) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        Ok(_) | Err(_) => return Err(Problem::invalid("settings", "this has to be a JSON object")),
    };
    // The manifest was checked when it was uploaded: a schema that cannot be read asks for nothing.
    let schema = serde_json::from_str(schema).unwrap_or_default();
    let checked = value(&mut Patterns::default(), "settings", &schema, &settings);
    checked.map_err(|(field, detail)| Problem::invalid(&field, detail))
}

/// A field, and what it has to be.
type Wrong = (String, String);

/// Patterns that one check has compiled; none for one that is too large or cannot be read.
#[derive(Default)]
struct Patterns(HashMap<String, Option<Regex>>);

impl Patterns {
    fn is_met(&mut self, pattern: &str, text: &str) -> bool {
        if !self.0.contains_key(pattern) && self.0.len() >= PATTERNS_MAX {
            return true;
        }
        let compile = || RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().ok();
        let compiled = self.0.entry(pattern.to_owned()).or_insert_with(compile);
        compiled.as_ref().is_none_or(|compiled| compiled.is_match(text))
    }
}

fn value(patterns: &mut Patterns, field: &str, schema: &Value, value: &Value) -> Result<(), Wrong> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    let wrong = |detail: String| Err((field.to_owned(), detail));
    if let Some(kinds) = schema.get("type").map(kinds).filter(|kinds| !kinds.iter().any(|kind| is(kind, value))) {
        return wrong(format!("this has to be of type {}", kinds.join(" or ")));
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array).filter(|options| !options.contains(value)) {
        return wrong(format!("this has to be one of {}", Value::from(options.clone())));
    }
    if let Some(only) = schema.get("const").filter(|only| *only != value) {
        return wrong(format!("this has to be {only}"));
    }
    match value {
        Value::String(text) => string(patterns, field, schema, text),
        Value::Number(number) => within(field, schema, number.as_f64().unwrap_or_default(), ["minimum", "maximum"], ""),
        Value::Array(items) => array(patterns, field, schema, items),
        Value::Object(fields) => object(patterns, field, schema, fields),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        // A kind that JSON does not have: the plugin's own business.
        _ => true,
    }
}

fn string(patterns: &mut Patterns, field: &str, schema: &Map<String, Value>, text: &str) -> Result<(), Wrong> {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    within(field, schema, f64::from(length), ["minLength", "maxLength"], " characters")?;
    match schema.get("pattern").and_then(Value::as_str) {
        Some(pattern) if !patterns.is_met(pattern, text) => {
            Err((field.to_owned(), format!("this has to match the pattern `{pattern}`")))
        }
        Some(_) | None => Ok(()),
    }
}

fn array(patterns: &mut Patterns, field: &str, schema: &Map<String, Value>, items: &[Value]) -> Result<(), Wrong> {
    let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
    within(field, schema, f64::from(length), ["minItems", "maxItems"], " entries")?;
    let Some(of_items) = schema.get("items") else { return Ok(()) };
    items.iter().enumerate().try_for_each(|(index, item)| value(patterns, &format!("{field}[{index}]"), of_items, item))
}

fn object(
    patterns: &mut Patterns,
    field: &str,
    schema: &Map<String, Value>,
    fields: &Map<String, Value>,
) -> Result<(), Wrong> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
        return Err((format!("{field}.{missing}"), format!("`{missing}` is missing: it has to be given")));
    }
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, inner) in fields {
        let path = format!("{field}.{name}");
        match properties.get(name) {
            Some(of_property) => value(patterns, &path, of_property, inner)?,
            None if closed => {
                let known = super::pasted::there_are(properties.keys().map(String::as_str));
                return Err((path, format!("there is no such setting: {known}")));
            }
            None => {}
        }
    }
    Ok(())
}

fn within(field: &str, schema: &Map<String, Value>, size: f64, bounds: [&str; 2], unit: &str) -> Result<(), Wrong> {
    let [least, most] = bounds.map(|name| schema.get(name).and_then(Value::as_f64));
    if let Some(least) = least.filter(|least| size < *least) {
        return Err((field.to_owned(), format!("this has to be at least {least}{unit}")));
    }
    match most.filter(|most| size > *most) {
        Some(most) => Err((field.to_owned(), format!("this has to be at most {most}{unit}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SCHEMA: &str = r#"{
        "type": "object", "required": ["region"], "additionalProperties": false,
        "properties": {
            "region": {"enum": ["eu", "us"]},
            "graphVersion": {"type": "string", "pattern": "^v[0-9]{1,3}\\.[0-9]{1,2}$"},
            "days": {"type": "integer", "minimum": 1, "maximum": 90},
            "forms": {"type": "array", "maxItems": 2, "items": {"type": "string", "minLength": 1}},
            "odd": {"pattern": "(?=lookahead)"}
        }
    }"#;

    #[test]
    fn settings_that_fit_pass() {
        for settings in [
            json!({"region": "eu"}),
            json!({"region": "us", "graphVersion": "v25.0", "days": 90, "forms": ["1", "2"], "odd": "anything"}),
        ] {
            assert_eq!(check(SCHEMA, &settings.to_string()), Ok(()), "{settings}");
        }
        assert_eq!(check("{}", r#"{"anything": [1]}"#), Ok(()));
    }

    #[test]
    fn the_first_field_that_does_not_fit_is_named() {
        for (settings, field, says) in [
            (json!({}), "settings.region", "missing"),
            (json!([]), "settings", "JSON object"),
            (json!({"region": "hunter2"}), "settings.region", r#"one of ["eu","us"]"#),
            (json!({"region": "eu", "nope": 1}), "settings.nope", "there are `days`, `forms`"),
            (json!({"region": "eu", "graphVersion": "hunter2"}), "settings.graphVersion", "pattern"),
            (json!({"region": "eu", "days": 1.5}), "settings.days", "integer"),
            (json!({"region": "eu", "days": 91}), "settings.days", "at most 90"),
            (json!({"region": "eu", "forms": ["a", ""]}), "settings.forms[1]", "at least 1 characters"),
            (json!({"region": "eu", "forms": ["a", "b", "c"]}), "settings.forms", "at most 2 entries"),
        ] {
            let problem = check(SCHEMA, &settings.to_string()).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{settings}");
            assert!(problem.detail.contains(says) && !problem.detail.contains("hunter2"), "{}", problem.detail);
        }
    }

    #[test]
    fn a_pattern_that_is_too_much_counts_as_met() {
        let schema = r#"{"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}"#;
        assert_eq!(check(schema, r#"{"a": "b"}"#), Ok(()));
        let schema = r#"{"properties": {"a": {"pattern": "^(a+)+$"}}}"#;
        let long = format!(r#"{{"a": "{}!"}}"#, "a".repeat(10_000));
        assert!(check(schema, &long).is_err(), "in linear time");
        assert!(check(schema, &" ".repeat(20_000)).is_err(), "too long to look at");
    }
}
