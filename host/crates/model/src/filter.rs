//! Filters: which data is meant, written as JSON that looks like the data.
//!
//! `{"country": "DE", "deal": {"amount": {"$gte": 1000}}}` is for data in which `country` is `DE` and `deal.amount` is at
//! least 1000. An object goes into the data; a plain value is what must stand there, or in the list that stands there; an
//! object whose names begin with `$` is a list of conditions:
//!
//! | condition | holds where the value |
//! |---|---|
//! | `$eq`, `$ne` | is, is not this |
//! | `$gt`, `$gte`, `$lt`, `$lte` | is a number, or a text, and compares so |
//! | `$in`, `$nin` | is one, is none of these |
//! | `$startsWith`, `$endsWith`, `$contains` | is a text that does; `$contains` also looks into a list |
//! | `$exists` | is there (`true`) or not (`false`) |
//! | `$or`, `$and` | matches one, all of these filters |
//! | `$not` | does not match this filter |
//!
//! Whether a filter can be read is decided when it is saved; matching never fails, it answers no and says where.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How deep a filter may nest.
const DEPTH_MAX: usize = 16;
/// Longest filter, in bytes of JSON.
const BYTES_MAX: usize = 16 * 1024;

/// Which data is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter(Map<String, Value>);

/// Why a filter cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not an object.
    #[error("a filter is a JSON object, such as {{\"country\": \"DE\"}}")]
    NotAnObject,
    /// Too large or too deep.
    #[error("a filter has at most {BYTES_MAX} bytes and {DEPTH_MAX} levels")]
    TooLarge,
    /// A word that is none.
    #[error(
        "`{0}` is no condition: there are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $startsWith, $endsWith, $contains, $exists, $or, $and and $not"
    )]
    UnknownCondition(String),
    /// A condition with a value that it cannot have.
    #[error("`{condition}` takes {takes}")]
    Operand {
        /// Which.
        condition: String,
        /// What it takes.
        takes: &'static str,
    },
    /// Conditions and names side by side.
    #[error("the conditions of one place stand in an object of their own: `{0}` is no condition")]
    Mixed(String),
}

impl Filter {
    /// Reads and checks JSON text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > BYTES_MAX {
            return Err(FilterError::TooLarge);
        }
        let map = serde_json::from_str(text).map_err(|_| FilterError::NotAnObject)?;
        Self::new(map)
    }

    /// Checks an object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(map: Map<String, Value>) -> Result<Self, FilterError> {
        check(&map, 1)?;
        Ok(Self(map))
    }

    /// Whether JSON text is meant; where not, why.
    ///
    /// # Errors
    /// A sentence that names the place.
    pub fn matches_text(&self, data: &str) -> Result<(), String> {
        match serde_json::from_str(data) {
            Ok(data) => self.matches(&data),
            Err(_) => Err("the data is not JSON".to_owned()),
        }
    }

    /// Whether data is meant; where not, why.
    ///
    /// # Errors
    /// A sentence that names the place.
    pub fn matches(&self, data: &Value) -> Result<(), String> {
        matches_object(&self.0, Some(data), "")
    }
}

fn check(map: &Map<String, Value>, depth: usize) -> Result<(), FilterError> {
    if depth > DEPTH_MAX {
        return Err(FilterError::TooLarge);
    }
    let of_conditions = map.keys().any(|name| name.starts_with('$') && !is_logic(name));
    for (name, operand) in map {
        if !name.starts_with('$') {
            if of_conditions {
                return Err(FilterError::Mixed(name.clone()));
            }
            if let Value::Object(inner) = operand {
                check(inner, depth + 1)?;
            }
            continue;
        }
        let wrong = |takes| Err(FilterError::Operand { condition: name.clone(), takes });
        match (name.as_str(), operand) {
            ("$eq" | "$ne", _)
            | ("$gt" | "$gte" | "$lt" | "$lte", Value::Number(_) | Value::String(_))
            | ("$in" | "$nin", Value::Array(_))
            | ("$startsWith" | "$endsWith", Value::String(_))
            | ("$contains", Value::String(_) | Value::Number(_) | Value::Bool(_))
            | ("$exists", Value::Bool(_)) => {}
            ("$gt" | "$gte" | "$lt" | "$lte", _) => return wrong("a number or a text"),
            ("$in" | "$nin", _) => return wrong("a list"),
            ("$startsWith" | "$endsWith", _) => return wrong("a text"),
            ("$contains", _) => return wrong("a text, a number or true or false"),
            ("$exists", _) => return wrong("true or false"),
            ("$not", Value::Object(inner)) => check(inner, depth + 1)?,
            ("$not", _) => return wrong("a filter"),
            ("$or" | "$and", Value::Array(filters)) => {
                for filter in filters {
                    match filter {
                        Value::Object(inner) => check(inner, depth + 1)?,
                        _ => return wrong("a list of filters"),
                    }
                }
            }
            ("$or" | "$and", _) => return wrong("a list of filters"),
            _ => return Err(FilterError::UnknownCondition(name.clone())),
        }
    }
    Ok(())
}

fn is_logic(name: &str) -> bool {
    matches!(name, "$or" | "$and" | "$not")
}

fn matches_object(filter: &Map<String, Value>, data: Option<&Value>, path: &str) -> Result<(), String> {
    for (name, operand) in filter {
        if name.starts_with('$') {
            holds(name, operand, data, path)?;
            continue;
        }
        let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let inner = data.and_then(|data| data.get(name));
        match operand {
            Value::Object(conditions) => matches_object(conditions, inner, &inner_path)?,
            value if is_or_holds(inner, value) => {}
            value => return Err(format!("`{inner_path}` is {}, not {value}", shown(inner))),
        }
    }
    Ok(())
}

/// One condition on what stands at `path`.
fn holds(condition: &str, operand: &Value, data: Option<&Value>, path: &str) -> Result<(), String> {
    let filters = || operand.as_array().into_iter().flatten().filter_map(Value::as_object);
    let fine = match condition {
        "$eq" => is_or_holds(data, operand),
        "$ne" => !is_or_holds(data, operand),
        "$gt" => compare(data, operand).is_some_and(Ordering::is_gt),
        "$gte" => compare(data, operand).is_some_and(Ordering::is_ge),
        "$lt" => compare(data, operand).is_some_and(Ordering::is_lt),
        "$lte" => compare(data, operand).is_some_and(Ordering::is_le),
        "$in" => operand.as_array().is_some_and(|list| list.iter().any(|one| is_or_holds(data, one))),
        "$nin" => !operand.as_array().is_some_and(|list| list.iter().any(|one| is_or_holds(data, one))),
        "$startsWith" => texts(data, operand).is_some_and(|(text, part)| text.starts_with(part)),
        "$endsWith" => texts(data, operand).is_some_and(|(text, part)| text.ends_with(part)),
        "$contains" => {
            texts(data, operand).is_some_and(|(text, part)| text.contains(part))
                || data.and_then(Value::as_array).is_some_and(|list| list.contains(operand))
        }
        "$exists" => operand.as_bool() == Some(data.is_some_and(|data| !data.is_null())),
        "$and" => {
            for filter in filters() {
                matches_object(filter, data, path)?;
            }
            true
        }
        "$or" => filters().any(|filter| matches_object(filter, data, path).is_ok()),
        "$not" => operand.as_object().is_some_and(|filter| matches_object(filter, data, path).is_err()),
        _ => false,
    };
    if fine {
        return Ok(());
    }
    let place = if path.is_empty() { "the data".to_owned() } else { format!("`{path}`") };
    Err(format!("{place} is {}, and {condition} {} does not hold", shown(data), short(operand)))
}

/// Nothing and null are the same; a list is also what it holds.
fn is_or_holds(data: Option<&Value>, wanted: &Value) -> bool {
    match data {
        None => wanted.is_null(),
        Some(Value::Array(list)) if !wanted.is_array() => list.iter().any(|one| is(one, wanted)),
        Some(data) => is(data, wanted),
    }
}

fn is(data: &Value, wanted: &Value) -> bool {
    data == wanted || compare(Some(data), wanted).is_some_and(Ordering::is_eq)
}

/// Numbers with numbers and texts with texts; nothing else compares.
fn compare(data: Option<&Value>, operand: &Value) -> Option<Ordering> {
    match (data?, operand) {
        (Value::Number(data), Value::Number(operand)) => match (data.as_i64(), operand.as_i64()) {
            (Some(data), Some(operand)) => Some(data.cmp(&operand)),
            _ => data.as_f64()?.partial_cmp(&operand.as_f64()?),
        },
        (Value::String(data), Value::String(operand)) => Some(data.cmp(operand)),
        _ => None,
    }
}

fn texts<'a>(data: Option<&'a Value>, operand: &'a Value) -> Option<(&'a str, &'a str)> {
    Some((data?.as_str()?, operand.as_str()?))
}

fn shown(data: Option<&Value>) -> String {
    data.map_or_else(|| "not there".to_owned(), short)
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATA: &str =
        r#"{"country":"DE","deal":{"amount":1500.5,"id":9007199254740993,"tags":["new","big"]},"gone":null}"#;

    #[test]
    fn conditions_hold_or_do_not() {
        for (filter, expected) in [
            (r#"{}"#, true),
            (r#"{"country":"DE"}"#, true),
            (r#"{"country":"de"}"#, false),
            (r#"{"deal":{"amount":{"$gte":1000,"$lt":2000}}}"#, true),
            (r#"{"deal":{"amount":{"$gt":1500.5}}}"#, false),
            (r#"{"deal":{"id":9007199254740993}}"#, true),
            (r#"{"deal":{"id":9007199254740992}}"#, false),
            (r#"{"deal":{"tags":"big"}}"#, true),
            (r#"{"deal":{"tags":{"$contains":"small"}}}"#, false),
            (r#"{"deal":{"tags":["new","big"]}}"#, true),
            (r#"{"country":{"$in":["FR","DE"]}}"#, true),
            (r#"{"country":{"$nin":["FR","DE"]}}"#, false),
            (r#"{"country":{"$ne":"FR"}}"#, true),
            (r#"{"missing":{"$ne":"FR"}}"#, true),
            (r#"{"country":{"$startsWith":"D"}}"#, true),
            (r#"{"country":{"$endsWith":"D"}}"#, false),
            (r#"{"gone":{"$exists":false}}"#, true),
            (r#"{"gone":null}"#, true),
            (r#"{"country":{"$exists":true}}"#, true),
            (r#"{"$or":[{"country":"FR"},{"deal":{"amount":{"$gt":1000}}}]}"#, true),
            (r#"{"$and":[{"country":"DE"},{"country":"FR"}]}"#, false),
            (r#"{"$not":{"country":"FR"}}"#, true),
            (r#"{"country":{"$not":{"$eq":"DE"}}}"#, false),
            (r#"{"country":{"deeper":"x"}}"#, false),
            (r#"{"country":{"$gt":1}}"#, false),
        ] {
            let found = Filter::parse(filter).unwrap().matches_text(DATA);
            assert_eq!(found.is_ok(), expected, "{filter}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_when_it_is_saved() {
        for filter in [
            "[]",
            "1",
            "{",
            r#"{"a":{"$like":"x"}}"#,
            r#"{"a":{"$in":"x"}}"#,
            r#"{"a":{"$gt":null}}"#,
            r#"{"a":{"$exists":1}}"#,
            r#"{"$or":{"a":1}}"#,
            r#"{"$or":[1]}"#,
            r#"{"a":{"$eq":1,"b":2}}"#,
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(20), "}".repeat(20));
        assert_eq!(Filter::parse(&deep), Err(FilterError::TooLarge));
    }

    #[test]
    fn a_refusal_names_the_place() {
        let filter = Filter::parse(r#"{"deal":{"amount":{"$gt":2000}}}"#).unwrap();
        let why = filter.matches_text(DATA).unwrap_err();
        assert!(why.contains("deal.amount") && why.contains("1500.5") && why.contains("$gt"), "{why}");
    }

    proptest! {
        #[test]
        fn a_filter_and_its_opposite_never_agree(text in "[a-z]{0,3}", number in any::<i32>()) {
            let data = serde_json::json!({ "text": text, "number": number });
            for inner in [r#"{"text":"ab"}"#, r#"{"number":{"$gt":0}}"#, r#"{"text":{"$startsWith":"a"}}"#] {
                let plain = Filter::parse(inner).unwrap().matches(&data).is_ok();
                let not = Filter::parse(&format!(r#"{{"$not":{inner}}}"#)).unwrap().matches(&data).is_ok();
                prop_assert_ne!(plain, not);
            }
        }
    }
}
