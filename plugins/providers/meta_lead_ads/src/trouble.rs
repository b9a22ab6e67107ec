//! What Meta's errors mean: by their code, for the HTTP status that carries them says little.
//!
//! Meta's own message is repeated only where it cannot hold a token: it quotes a malformed one in full.

use hookyard_sdk::{Failure, HttpResponse};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Meta counts calls over a rolling hour; where it does not say how long to wait, a twelfth of it frees enough.
const APP_LIMIT_WAIT_MS: u64 = 5 * 60 * 1000;
/// How much of Meta's own message is repeated.
const MESSAGE_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
struct Answer {
    error: Option<GraphError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GraphError {
    message: String,
    code: i64,
    error_subcode: Option<i64>,
    is_transient: bool,
    fbtrace_id: Option<String>,
}

/// The failure that an answer stands for, if it does.
pub(crate) fn of(response: &HttpResponse) -> Option<Failure> {
    match response.json::<Answer>() {
        Ok(Answer { error: Some(error) }) => Some(of_error(&error, response)),
        Ok(Answer { error: None }) if response.is_success() => None,
        Ok(Answer { error: None }) | Err(_) => Some(of_status(response)),
    }
}

fn of_error(error: &GraphError, response: &HttpResponse) -> Failure {
    let details = error.details();
    match error.code {
        1 | 2 => Failure::retry(format!("Meta is temporarily unavailable ({details})")),
        // The last are the limits of each business use case: 80001 of pages, 80005 of leads, and their neighbours.
        4 | 17 | 32 | 341 | 613 | 80000..=80014 => rate_limited(&details, response),
        10 | 200..=299 => Failure::permanent(format!(
            "a permission is missing: reconnect the account and allow what is asked, or have Leads Access Manager give this app access to the page's leads ({details}): {}",
            error.short_message()
        )),
        100 => Failure::permanent(format!(
            "Meta does not show this lead: it expired or was deleted, or Leads Access Manager withholds it from this app ({details}): {}",
            error.short_message()
        )),
        102 | 190 => Failure::unauthorized(format!(
            "the page's token no longer works, for {}: reconnect the account ({details})",
            error.why_unauthorized()
        )),
        368 => {
            Failure::permanent(format!("Meta has blocked the app or the page for a breach of its policies ({details})"))
        }
        _ if error.is_transient || response.status >= 500 => {
            Failure::retry(format!("Meta could not answer ({details})"))
        }
        _ if response.status == 429 => rate_limited(&details, response),
        _ => Failure::permanent(format!("Meta refused the request ({details}): {}", error.short_message())),
    }
}

/// No error of Meta's own: a proxy's page, or half an answer.
fn of_status(response: &HttpResponse) -> Failure {
    let status = response.status;
    match status {
        200..=299 => Failure::retry(format!("Meta answered {status} with something that is no JSON object")),
        401 => Failure::unauthorized("Meta answered 401: reconnect the account"),
        429 => rate_limited("HTTP 429", response),
        408 | 500..=599 => Failure::retry(format!("Meta answered {status}")),
        _ => Failure::permanent(format!("Meta answered {status}")),
    }
}

fn rate_limited(details: &str, response: &HttpResponse) -> Failure {
    let failure = Failure::retry(format!("Meta's rate limit is reached ({details})"));
    match wait_ms(response) {
        Some(wait_ms) => failure.after_ms(wait_ms),
        None => failure,
    }
}

/// One kind of use, in per cent of what is allowed.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    call_count: f64,
    total_time: f64,
    total_cputime: f64,
    /// Minutes.
    estimated_time_to_regain_access: u64,
}

impl Usage {
    fn is_spent(&self) -> bool {
        [self.call_count, self.total_time, self.total_cputime].iter().any(|percent| *percent >= 100.0)
    }
}

/// How long Meta wants to be left alone, as far as its headers tell.
fn wait_ms(response: &HttpResponse) -> Option<u64> {
    let business: BTreeMap<String, Vec<Usage>> = usage(response, "X-Business-Use-Case-Usage");
    let minutes = business
        .values()
        .flatten()
        .map(|usage| usage.estimated_time_to_regain_access)
        .max()
        .filter(|minutes| *minutes > 0);
    let app: Usage = usage(response, "X-App-Usage");
    minutes.map(|minutes| minutes.saturating_mul(60_000)).or_else(|| app.is_spent().then_some(APP_LIMIT_WAIT_MS))
}

fn usage<T: serde::de::DeserializeOwned + Default>(response: &HttpResponse, name: &str) -> T {
    response.header(name).and_then(|value| serde_json::from_str(value).ok()).unwrap_or_default()
}

impl GraphError {
    /// What support asks for.
    fn details(&self) -> String {
        let mut details = format!("code {}", self.code);
        if let Some(subcode) = self.error_subcode {
            details.push_str(&format!(", subcode {subcode}"));
        }
        if let Some(trace) = &self.fbtrace_id {
            details.push_str(", trace ");
            details.extend(trace.chars().take(64));
        }
        details
    }

    fn short_message(&self) -> String {
        self.message.chars().take(MESSAGE_CHARS_MAX).collect()
    }

    fn why_unauthorized(&self) -> &'static str {
        match self.error_subcode {
            Some(458) => "the person removed the app",
            Some(459) => "Facebook wants the person to log in and confirm something",
            Some(460) => "the person's password was changed",
            Some(463) => "it expired",
            Some(464) => "the person's user is not confirmed",
            Some(467) => "it was made invalid",
            _ => "the session is invalid",
        }
    }
}
