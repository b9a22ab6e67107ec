//! Checks of single values: what a name, an account key, a country, a URL or an event type may be.
//!
//! Each answers with the value as it is kept, or a 422 of the field that says what to write instead. What is checked
//! here is trusted ever after.

use hookyard_egress::{Egress, Refused};
use hookyard_model::instant::Instant;
use hookyard_model::subscription::is_pattern;
use hookyard_model::{clean, limits};

use crate::http::problem::Problem;

/// Longest name of a tenant, key or account, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// A name for people, without white space around it.
///
/// # Errors
/// 422: empty, too long, or with control characters.
pub fn name(field: &str, text: &str) -> Result<String, Problem> {
    line(field, text.trim(), NAME_BYTES_MAX)
}

/// The provider's own word for an account: a page id, a shop domain. Nothing is trimmed that the provider may mean.
///
/// # Errors
/// 422: empty, too long, or with control characters.
pub fn account_key(field: &str, text: &str) -> Result<String, Problem> {
    line(field, text, limits::ACCOUNT_KEY_BYTES_MAX)
}

/// An event's type, as it is published.
///
/// # Errors
/// 422: empty, too long, or with control characters.
pub fn event_type(field: &str, text: &str) -> Result<String, Problem> {
    line(field, text, limits::EVENT_TYPE_BYTES_MAX)
}

/// A text of so many bytes at most, in one line.
///
/// # Errors
/// 422: empty, too long, or with control characters.
pub fn line(field: &str, text: &str, bytes_max: usize) -> Result<String, Problem> {
    if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
        let detail = format!("this is a text of 1 to {bytes_max} bytes without control characters");
        return Err(Problem::invalid(field, detail));
    }
    Ok(text.to_owned())
}

/// A country by its ISO 3166 code, in capitals.
///
/// # Errors
/// 422: there is none of this code.
pub fn country(field: &str, code: &str) -> Result<String, Problem> {
    if clean::is_country(code) {
        return Ok(code.to_ascii_uppercase());
    }
    Err(Problem::invalid(field, "this is a country by its two letters (ISO 3166), such as `DE`"))
}

/// A URL that deliveries may go to, as it will be dialled.
///
/// # Errors
/// 422 with what to write instead: https, a public address.
pub fn receiver_url(egress: &Egress, field: &str, url: &str) -> Result<String, Problem> {
    match egress.vet(url) {
        Ok(url) => Ok(url.into()),
        Err(refused @ Refused::Scheme(_)) => {
            Err(Problem::invalid(field, format!("{refused}, as in https://hooks.example.com/path")))
        }
        Err(refused @ (Refused::Address | Refused::Host)) => {
            let detail = format!("{refused}. Deliveries go to public addresses, unless the operator allows a network");
            Err(Problem::invalid(field, detail))
        }
        Err(refused) => Err(Problem::invalid(field, refused.to_string())),
    }
}

/// Event types that a subscription may ask for, each once.
///
/// # Errors
/// 422: none, too many, or one that is no event type.
pub fn event_types(field: &str, texts: Vec<String>) -> Result<Vec<String>, Problem> {
    if texts.is_empty() || texts.len() > limits::SUBSCRIPTION_EVENT_TYPES_MAX {
        let most = limits::SUBSCRIPTION_EVENT_TYPES_MAX;
        return Err(Problem::invalid(field, format!("name 1 to {most} event types; `*` is all of them")));
    }
    let mut kept: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        if !is_pattern(&text) {
            let detail = "an event type is letters, digits and `._-:/`, such as `leadgen`; `deal.*` is all that begin \
                          with `deal.`, and `*` is all";
            return Err(Problem::invalid(field, detail));
        }
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    Ok(kept)
}

/// A moment that is still to come.
///
/// # Errors
/// 422: it is past.
pub fn future(field: &str, at: Instant, now: Instant) -> Result<Instant, Problem> {
    if at > now {
        return Ok(at);
    }
    Err(Problem::invalid(field, "this is past: name a moment that is still to come, or leave it out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded_and_account_keys_are_left_alone() {
        assert_eq!(name("name", " Shop "), Ok("Shop".to_owned()));
        assert_eq!(account_key("accountKey", " 1 "), Ok(" 1 ".to_owned()));
        for text in ["", "  ", "a\0b", "a\nb", &"a".repeat(201)] {
            assert_eq!(name("name", text).unwrap_err().field.as_deref(), Some("name"), "{text:?}");
        }
    }

    #[test]
    fn a_country_is_kept_in_capitals_and_an_unknown_one_is_refused() {
        assert_eq!(country("defaultCountry", "de"), Ok("DE".to_owned()));
        for code in ["", "D", "XX", "DEU", "Germany"] {
            assert!(country("defaultCountry", code).is_err(), "{code:?}");
        }
    }

    #[test]
    fn a_url_that_is_refused_is_told_what_to_be() {
        let egress = Egress::new(hookyard_egress::Config::default()).unwrap();
        let vet = |url: &str| receiver_url(&egress, "callbackUrl", url);
        assert_eq!(vet("https://hooks.example.com/a"), Ok("https://hooks.example.com/a".to_owned()));
        for (url, says) in [
            ("http://hooks.example.com/", "use https"),
            ("https://127.0.0.1/", "public address"),
            ("https://169.254.169.254/", "public address"),
            ("https://localhost/", "full domain name"),
            ("ftp://hooks.example.com/", "use https"),
            ("hooks.example.com", "write it like https://"),
        ] {
            let problem = vet(url).unwrap_err();
            assert_eq!((problem.status, problem.field.as_deref()), (422, Some("callbackUrl")));
            assert!(problem.detail.contains(says), "{url}: {}", problem.detail);
        }
    }

    #[test]
    fn event_types_are_checked_and_kept_once() {
        let types = |texts: &[&str]| event_types("events", texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(types(&["a", "deal.*", "a"]), Ok(vec!["a".to_owned(), "deal.*".to_owned()]));
        for texts in [&[][..], &["a b"], &["deal*"], &["x"; 101]] {
            assert!(types(texts).is_err(), "{texts:?}");
        }
    }
}
