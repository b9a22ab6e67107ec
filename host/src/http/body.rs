//! Bodies: bytes within bounds, and JSON that says what is wrong with itself.
//!
//! Whoever sends a body that cannot be used learns which of four things it is: not the kind that is taken (415), too
//! large (413), not JSON (400, with line and column), or JSON that does not fit (422, with the field). Unknown fields
//! do not fit: a misspelt one would otherwise be ignored in silence.
//!
//! No sentence repeats a value, because a value may be a secret that stands in the wrong field.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use hookyard_model::limits;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::problem::Problem;

/// How long a body that is too large may take to be dropped.
const DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// Characters of a field's name that are repeated.
const NAME_CHARS_MAX: usize = 64;

/// JSON, in and out.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// Reads a whole body, within its bytes and its time.
///
/// # Errors
/// 408, 413, 415 where it is compressed, 400 where it breaks off.
pub async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| !plain(value)) {
        return Err(Problem::unsupported("compressed bodies are not taken: send it without `Content-Encoding`"));
    }
    if usize::try_from(body.size_hint().lower()).map_or(true, |bytes| bytes > bytes_max) {
        drain(body, bytes_max).await;
        return Err(Problem::too_large(bytes_max));
    }
    match tokio::time::timeout(limits::REQUEST_BODY_TIMEOUT, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::bad_request("the body broke off: send it whole")),
        Err(_) => Err(Problem::too_slow()),
    }
}

/// Takes a body that is too large and drops it, as long as that is cheap: a sender that is cut off while it writes sees a
/// broken connection, and not the answer that says why.
async fn drain(mut body: Body, bytes_max: usize) {
    let drained = async {
        let mut left = bytes_max.saturating_mul(2);
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whoever takes longer is cut off.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !content_type(&parts.headers).is_some_and(|kind| is_json(&kind)) {
            return Err(Problem::unsupported("send JSON, with `Content-Type: application/json`"));
        }
        parse(&read(&parts.headers, body, limits::API_BODY_BYTES_MAX).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads a component: a body of `application/wasm`. No extractor, because it is large: whoever takes it looks at the
/// caller first.
///
/// # Errors
/// 415 where it is of another kind; see [`read`].
pub async fn component(request: Request) -> Result<Vec<u8>, Problem> {
    let (parts, body) = request.into_parts();
    if content_type(&parts.headers).is_none_or(|kind| kind != "application/wasm") {
        let detail = "send the component's own bytes, with `Content-Type: application/wasm`";
        return Err(Problem::unsupported(detail));
    }
    Ok(read(&parts.headers, body, limits::COMPONENT_INTERPRETED_BYTES_MAX).await?.into())
}

/// Tells null, which takes away, from a field that is not there.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The kind of body, in lowercase and without parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::bad_request("the body is empty: send a JSON object"));
    }
    // Syntax comes first, whatever the fields are: half a document has no wrong fields yet.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| not_json(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            return not_json(&error);
        }
        let (text, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
        let (field, detail) = explain(&path, text.strip_suffix(&place).unwrap_or(&text));
        match field {
            Some(field) => Problem::invalid(&field, detail),
            None => Problem::unfit(detail),
        }
    })
}

fn not_json(error: &serde_json::Error) -> Problem {
    let detail = format!("the body is not JSON: look at line {}, column {}", error.line(), error.column());
    Problem::bad_request(detail)
}

/// The field and the sentence for what serde says of a value at `path`, without the value.
pub(super) fn explain(path: &str, text: &str) -> (Option<String>, String) {
    let path: String = path.chars().take(4 * NAME_CHARS_MAX).collect();
    let parent = Some(path.as_str()).filter(|path| !path.is_empty() && *path != ".");
    let named = text.split('`').nth(1).map(|name| name.chars().take(NAME_CHARS_MAX).collect::<String>());
    let below = |name: &str| match parent {
        Some(parent) if parent == name || parent.ends_with(&format!(".{name}")) => parent.to_owned(),
        Some(parent) => format!("{parent}.{name}"),
        None => name.to_owned(),
    };
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    match (named, expected) {
        (Some(name), Some(expected)) if text.starts_with("unknown field") => {
            let known = expected.strip_prefix("one of ").unwrap_or(expected);
            (Some(below(&name)), format!("there is no `{name}` here, but {known}"))
        }
        (Some(name), None) if text.starts_with("unknown field") => {
            (Some(below(&name)), format!("there is no `{name}` here, nor any other field"))
        }
        (Some(name), _) if text.starts_with("missing field") => {
            (Some(below(&name)), format!("`{name}` is missing: it has to be given"))
        }
        (Some(name), _) if text.starts_with("duplicate field") => {
            (Some(below(&name)), format!("`{name}` is given twice: give it once"))
        }
        (_, Some(expected)) => {
            let expected = if expected.starts_with("struct ") { "a JSON object" } else { expected };
            (parent.map(str::to_owned), format!("this has to be {expected}"))
        }
        (_, None) => (parent.map(str::to_owned), text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Wanted {
        #[serde(alias = "callback_url")]
        callback_url: String,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        settings: Option<Box<serde_json::value::RawValue>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u32,
    }

    fn problem(text: &str) -> (u16, Option<String>, String) {
        let problem = parse::<Wanted>(text.as_bytes()).unwrap_err();
        (problem.status, problem.field, problem.detail)
    }

    #[test]
    fn what_is_not_json_is_told_by_line_and_column() {
        let (status, _, detail) = problem("{\n  \"callbackUrl\": oops}");
        assert_eq!((status, detail.as_str()), (400, "the body is not JSON: look at line 2, column 18"));
        for text in ["", " \n", "hello", "{\"callbackUrl\":1", "{\"nope\":1,]", "{} {}", "\"\\ud800\""] {
            assert_eq!(problem(text).0, 400, "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_field() {
        for (text, field, says) in [
            (r#"{"callbackUrl":"a","nope":1}"#, "nope", "there is no `nope` here, but `callbackUrl`"),
            (r#"{"callbackUrl":"a","tenant_id":"ten_1"}"#, "tenant_id", "there is no `tenant_id`"),
            (r#"{}"#, "callbackUrl", "`callbackUrl` is missing"),
            (r#"{"callbackUrl":1}"#, "callbackUrl", "this has to be a string"),
            (r#"{"callbackUrl":"a","callback_url":"b"}"#, "callbackUrl", "given twice"),
            (r#"{"callbackUrl":"a","inner":{}}"#, "inner.count", "`count` is missing"),
            (r#"{"callbackUrl":"a","inner":{"count":-1}}"#, "inner.count", "this has to be u32"),
            (r#"{"callbackUrl":"a","inner":{"x":1}}"#, "inner.x", "there is no `x`"),
        ] {
            let (status, found, detail) = problem(text);
            assert_eq!((status, found.as_deref()), (422, Some(field)), "{text}: {detail}");
            assert!(detail.contains(says), "{text}: {detail}");
        }
        assert_eq!(problem("[]").2, "this has to be a JSON object");
    }

    #[test]
    fn no_sentence_repeats_a_value() {
        for text in [r#"{"callbackUrl":"a","inner":"hunter2"}"#, r#""hunter2""#, r#"{"callbackUrl":["hunter2"]}"#] {
            assert!(!problem(text).2.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn raw_json_keeps_its_digits_and_either_spelling_is_taken() {
        let text = r#"{"callback_url":"a","settings":{"id":900719925474099312345}}"#;
        let wanted: Wanted = parse(text.as_bytes()).unwrap();
        assert_eq!(wanted.callback_url, "a");
        assert_eq!(wanted.settings.unwrap().get(), r#"{"id":900719925474099312345}"#);
        assert!(wanted.inner.is_none_or(|inner| inner.count == 0));
    }

    #[test]
    fn json_is_known_by_its_kind() {
        for (kind, expected) in [
            ("application/json", true),
            ("application/cloudevents+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("text/json", false),
        ] {
            assert_eq!(is_json(kind), expected, "{kind}");
        }
    }
}
