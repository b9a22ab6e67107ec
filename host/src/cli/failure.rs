//! How a command ends when it does not end well: what, where, why, and what to do.

use std::error::Error;
use std::process::ExitCode;

use hookyard_egress::api_client::ApiError;
use serde_json::Value;

use crate::config::ConfigError;

/// The codes that a script can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Fine,
    /// The user's own code, tests or signature.
    Failed,
    /// What was typed or configured.
    Usage,
    /// No key, or not the right one.
    Auth,
    /// There is no such thing.
    NotFound,
    /// The host failed, or cannot be reached.
    Host,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Auth => 3,
            Exit::NotFound => 4,
            Exit::Host => 5,
        })
    }
}

/// A failure in words. Only `what` is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// What could not be done.
    pub(super) what: String,
    /// The file, field or URL.
    pub(super) at: Option<String>,
    /// The reason.
    pub(super) why: Option<String>,
    /// A command, or what to change.
    pub(super) fix: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), at: None, why: None, fix: None }
    }

    pub(super) fn user(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    pub(super) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub(super) fn host(what: impl Into<String>) -> Self {
        Self::new(Exit::Host, what)
    }

    pub(super) fn at(self, at: impl Into<String>) -> Self {
        Self { at: Some(at.into()), ..self }
    }

    /// An error and its sources, or words.
    pub(super) fn why(self, why: impl ToString) -> Self {
        Self { why: Some(why.to_string()), ..self }
    }

    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// An error's text and its sources', which no text repeats.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(chain(&error)).fix("`hookyard config --help` says how to write the settings")
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let text = chain(&error);
        match error {
            ApiError::BaseUrl(_) => Self::usage(text).fix("set --url or HOOKYARD_URL"),
            ApiError::Credential(_) => Self::new(Exit::Auth, text),
            ApiError::Problem { status, problem } => self::problem(status, &problem),
            ApiError::Unreachable { base, source } => {
                let what = format!("could not reach Hookyard at {base}");
                Self::host(what).why(chain(&source)).fix("is it running? start it with `hookyard serve`, or set --url")
            }
            ApiError::NotJson { .. } => Self::host(text).fix("check --url or HOOKYARD_URL"),
            ApiError::Start(_) | ApiError::TimedOut { .. } | ApiError::TooLarge { .. } => Self::host(text),
        }
    }
}

/// A problem document (RFC 9457) as a failure.
fn problem(status: u16, problem: &Value) -> Failure {
    let text = |field: &str| problem.get(field).and_then(Value::as_str).map(str::to_owned);
    let is_component = text("type").is_some_and(|kind| kind.ends_with(":invalid-component"));
    let exit = match status {
        _ if is_component => Exit::Failed,
        401 | 403 => Exit::Auth,
        404 => Exit::NotFound,
        500.. => Exit::Host,
        _ => Exit::Usage,
    };
    let title = text("title").unwrap_or_else(|| "Hookyard refused".to_owned());
    let failure = Failure::new(exit, format!("{title} ({status})"));
    let failure = Failure { at: text("field").map(|field| format!("field `{field}`")), why: text("detail"), ..failure };
    match status {
        401 => failure.fix("set HOOKYARD_KEY to a tenant's key, or HOOKYARD_OPERATOR_KEY to the operator's"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_document_keeps_its_words_and_gets_its_code() {
        let document = json!({"title": "A value cannot be", "detail": "a name is needed", "field": "name"});
        let failure = problem(422, &document);
        assert_eq!(failure.what, "A value cannot be (422)");
        assert_eq!((failure.at.as_deref(), failure.why.as_deref()), (Some("field `name`"), Some("a name is needed")));
        for (status, exit) in
            [(401, Exit::Auth), (403, Exit::Auth), (404, Exit::NotFound), (409, Exit::Usage), (503, Exit::Host)]
        {
            assert_eq!(problem(status, &json!({})).exit, exit, "{status}");
        }
        let component = json!({"type": "urn:hookyard:problem:invalid-component"});
        assert_eq!(problem(422, &component).exit, Exit::Failed, "the author's code, not the command's use");
    }
}
