//! Parameters: what stands in a path and behind its question mark.
//!
//! An id that cannot be one is answered like one that never was: 404 of its noun, so that nobody learns from the
//! difference. A query parameter that is unknown or unreadable is a 400 that names it.

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use hookyard_model::id::{Id, Noun};
use hookyard_model::instant::Instant;
use serde::de::DeserializeOwned;

use crate::http::body::explain;
use crate::http::problem::Problem;

/// What axum puts in front of serde's words.
const PREFIX: &str = "Failed to deserialize query string: ";

/// One part of a path, or two of them.
#[derive(Debug, Clone)]
pub struct InPath<T>(pub T);

/// The query.
#[derive(Debug, Clone)]
pub struct InQuery<T>(pub T);

/// What can stand between two slashes.
pub trait Segment: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// 404.
    fn read(text: &str) -> Result<Self, Problem>;
}

impl<N: Noun> Segment for Id<N> {
    fn read(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|_| Problem::not_found(N::NAME))
    }
}

/// A provider's name; whether there is one is found out later.
impl Segment for String {
    fn read(text: &str) -> Result<Self, Problem> {
        Ok(text.to_owned())
    }
}

impl<A: Segment, S: Sync> FromRequestParts<S> for InPath<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let params = params(parts).await?;
        segment(&params, 0).map(Self)
    }
}

impl<A: Segment, B: Segment, S: Sync> FromRequestParts<S> for InPath<(A, B)> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let params = params(parts).await?;
        Ok(Self((segment(&params, 0)?, segment(&params, 1)?)))
    }
}

async fn params(parts: &mut Parts) -> Result<Vec<String>, Problem> {
    // What is no UTF-8 once it is decoded names nothing.
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Problem::no_route())?;
    Ok(params.iter().map(|(_, value)| value.to_owned()).collect())
}

fn segment<A: Segment>(params: &[String], index: usize) -> Result<A, Problem> {
    params.get(index).ok_or_else(Problem::no_route).and_then(|text| A::read(text))
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(unreadable(&rejection.body_text())),
        }
    }
}

fn unreadable(text: &str) -> Problem {
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let (path, text) = text.split_once(": ").filter(|(path, _)| is_name(path)).unwrap_or(("", text));
    let (field, detail) = explain(path, text);
    let problem = Problem::bad_request(format!("the query cannot be read: {detail}"));
    match field {
        Some(field) => problem.about(&field),
        None => problem,
    }
}

/// Reads an id that a query or a body names.
///
/// # Errors
/// 400 with the field.
pub fn read_id<N: Noun>(field: &str, text: Option<&str>) -> Result<Option<Id<N>>, Problem> {
    let bad = || {
        let detail = format!("an id is wanted here: `{}` and 26 lowercase letters and digits", N::PREFIX);
        Problem::bad_request(detail).about(field)
    };
    text.map(|text| text.parse().map_err(|_| bad())).transpose()
}

/// Reads a time that a query names.
///
/// # Errors
/// 400 with the field.
pub fn read_time(field: &str, text: Option<&str>) -> Result<Option<Instant>, Problem> {
    let bad = || {
        let detail = "a time is RFC 3339, such as 2026-11-21T09:30:00Z (in a query, a plus is written %2B)";
        Problem::bad_request(detail).about(field)
    };
    text.map(|text| Instant::from_rfc3339(text).ok_or_else(bad)).transpose()
}

/// Reads a status that a query names, in whichever case.
///
/// # Errors
/// 400 with the field and what there is.
pub fn read_status<T>(
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    all: &[&str],
) -> Result<Option<T>, Problem> {
    let bad = || Problem::bad_request(format!("a status is one of `{}`", all.join("`, `"))).about("status");
    text.map(|text| read(&text.to_ascii_uppercase()).ok_or_else(bad)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use hookyard_model::id::EventId;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        limit: Option<u32>,
    }

    async fn query(uri: &str) -> Result<Option<u32>, Problem> {
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        InQuery::<Wanted>::from_request_parts(&mut parts, &()).await.map(|query| query.0.limit)
    }

    #[tokio::test]
    async fn a_query_that_cannot_be_read_names_the_parameter() {
        assert_eq!(query("/?limit=5").await, Ok(Some(5)));
        assert_eq!(query("/").await, Ok(None));
        for (uri, field) in
            [("/?nope=1", "nope"), ("/?limit=x", "limit"), ("/?limit=1&limit=2", "limit"), ("/?limit=-1", "limit")]
        {
            let problem = query(uri).await.unwrap_err();
            assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)), "{uri}: {}", problem.detail);
        }
    }

    #[test]
    fn an_id_that_cannot_be_one_is_not_found() {
        let problem = EventId::read("lead_1").unwrap_err();
        assert_eq!((problem.status, problem.detail.contains("no such event")), (404, true));
    }

    #[test]
    fn times_and_statuses_are_read_or_explained() {
        assert!(read_time("since", Some("yesterday")).unwrap_err().detail.contains("RFC 3339"));
        let read = |text: &str| (text == "FAILED").then_some(());
        assert_eq!(read_status(Some("failed"), read, &["FAILED"]), Ok(Some(())));
        assert!(read_status(Some("nope"), read, &["FAILED"]).unwrap_err().detail.contains("`FAILED`"));
    }
}
