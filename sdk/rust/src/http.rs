//! Outbound HTTP as a guest sees it, and reading the requests and responses that it is shown.
//!
//! [`Request::send`] looks as if it blocked. It does not: the host ends the instance there, sends the request itself,
//! with the named credentials attached, and runs the call again with the reply at hand. So everything before it
//! happens again, and must come out the same. There is no client, no pool, no timeout to set, no redirect followed.
//!
//! ```no_run
//! # fn f() -> Result<(), hookyard_sdk::Failure> {
//! let response = hookyard_sdk::http::get("https://graph.facebook.com/v25.0/1?fields=id")
//!     .credential("access_token")
//!     .send()?;
//! # Ok(()) }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Failure, Field, HttpError, HttpRequest, HttpResponse, form};

/// A request in the making. URLs are sent as written: encode what goes into them, by [`query`](Self::query)
/// or by [`form::encode`].
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    request: HttpRequest,
    credentials: Vec<String>,
}

/// Starts a GET request.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// Starts a POST request.
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// Starts a PUT request.
pub fn put(url: impl Into<String>) -> Request {
    request("PUT", url)
}

/// Starts a PATCH request.
pub fn patch(url: impl Into<String>) -> Request {
    request("PATCH", url)
}

/// Starts a DELETE request.
pub fn delete(url: impl Into<String>) -> Request {
    request("DELETE", url)
}

/// Starts a request of any method.
pub fn request(method: impl Into<String>, url: impl Into<String>) -> Request {
    Request {
        request: HttpRequest { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() },
        credentials: Vec::new(),
    }
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push(Field { name: name.into(), value: value.into() });
        self
    }

    /// Adds a query parameter, percent-encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.request.url.contains('?') { '&' } else { '?' };
        self.request.url.push(separator);
        form::encode_pair(&mut self.request.url, name, value);
        self
    }

    /// Has the host attach the named credential, where the manifest says it goes.
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credentials.push(name.into());
        self
    }

    /// Sets the body's exact bytes. Say what they are with a `content-type` header.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = body.into();
        self
    }

    /// Sets the body to this value's JSON, and the content type with it.
    pub fn json(self, body: &impl Serialize) -> Self {
        let text = crate::json::text(body);
        self.header("content-type", "application/json").body(text)
    }

    /// Sets the body to form fields, and the content type with it.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (name, value) in fields {
            if !text.is_empty() {
                text.push('&');
            }
            form::encode_pair(&mut text, name, value);
        }
        self.header("content-type", "application/x-www-form-urlencoded").body(text)
    }

    /// Asks the host to send it. Any status is an answer; an error means that there was none.
    pub fn send(self) -> Result<HttpResponse, HttpError> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::provider::hookyard::plugin::http::fetch(&self.request, &self.credentials);
        #[cfg(not(target_arch = "wasm32"))]
        crate::fixtures::host::fetch(&self.request, &self.credentials)
    }
}

impl HttpRequest {
    /// The header of this name, whatever its case. Where the same name came twice with different values, which is
    /// how requests are smuggled past a check, there is no telling which was meant.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Conflict> {
        sole(named(&self.headers, name)).map_err(|()| Conflict(name.to_owned()))
    }

    /// The query parameter of this exact name, decoded; dots and brackets in a name are kept.
    pub fn query(&self, name: &str) -> Result<Option<String>, Conflict> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let values = form::parse(query).filter(|field| field.name == name).map(|field| field.value);
        sole(values).map_err(|()| Conflict(name.to_owned()))
    }

    /// The body as text, or `None` where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }
}

impl HttpResponse {
    /// A plain-text reply.
    #[must_use]
    pub fn plain_text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![Field { name: "content-type".to_owned(), value: "text/plain".to_owned() }],
            body: body.into().into_bytes(),
        }
    }

    /// A JSON reply.
    #[must_use]
    pub fn json_reply(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: vec![Field { name: "content-type".to_owned(), value: "application/json".to_owned() }],
            body: crate::json::text(body).into_bytes(),
        }
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        named(&self.headers, name).next()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The response where its status is 2xx, and otherwise the failure that its status commonly means: 401 asks for a
    /// person; 408, 425, 429 and 5xx are tried again, not before `Retry-After` says; all else is permanent. `peer` opens
    /// the sentence: "the company API". Look at the statuses that a peer uses in a way of its own before this.
    pub fn or_failure(self, peer: &str) -> Result<Self, Failure> {
        let status = self.status;
        let answered = format!("{peer} answered {status}");
        match status {
            200..=299 => Ok(self),
            401 => Err(Failure::unauthorized(answered)),
            408 | 425 | 429 | 500..=599 => {
                let failure = Failure::retry(answered);
                Err(self.retry_after_ms().into_iter().fold(failure, Failure::after_ms))
            }
            _ => Err(Failure::permanent(answered)),
        }
    }

    /// How long to wait, where `Retry-After` says so in seconds. One that names a date is left to the host's own backoff.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.header("retry-after")?.parse::<u64>().ok()?.checked_mul(1000)
    }

    /// The body as text, or `None` where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The body in a shape of the author's.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// The same name came more than once, with different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict(pub String);

impl std::fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}` came twice, with different values", self.0)
    }
}

impl std::error::Error for Conflict {}

impl From<Conflict> for crate::Malformed {
    fn from(conflict: Conflict) -> Self {
        Self(conflict.to_string())
    }
}

fn named<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
}

/// The one value that all occurrences agree on, if there is any.
fn sole<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Result<Option<T>, ()> {
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.all(|value| value == first) { Ok(Some(first)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str, headers: &[(&str, &str)]) -> HttpRequest {
        HttpRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| Field { name: (*name).to_owned(), value: (*value).to_owned() })
                .collect(),
            body: Vec::new(),
        }
    }

    #[test]
    fn a_header_is_found_whatever_its_case_and_refused_where_two_disagree() {
        let same = shown("https://h/", &[("X-Sig", "a"), ("x-sig", "a")]);
        let different = shown("https://h/", &[("X-Sig", "a"), ("x-sig", "b")]);
        assert_eq!(same.header("X-SIG"), Ok(Some("a")));
        assert_eq!(same.header("other"), Ok(None));
        assert_eq!(different.header("x-sig"), Err(Conflict("x-sig".to_owned())));
    }

    #[test]
    fn a_dotted_query_parameter_is_found_and_decoded() {
        let request = shown("https://h/p?hub.mode=subscribe&hub.verify_token=a%2Bb+c#hub.mode=x", &[]);
        assert_eq!(request.query("hub.mode"), Ok(Some("subscribe".to_owned())));
        assert_eq!(request.query("hub.verify_token"), Ok(Some("a+b c".to_owned())));
        assert_eq!(shown("https://h/?a=1&a=2", &[]).query("a"), Err(Conflict("a".to_owned())));
    }

    #[test]
    fn a_status_is_an_answer_a_person_s_work_a_wait_or_an_end() {
        let answer = |status| HttpResponse { status, headers: vec![], body: vec![] }.or_failure("it");
        assert_eq!(answer(204).unwrap().status, 204);
        assert_eq!(answer(401), Err(Failure::unauthorized("it answered 401")));
        assert_eq!(answer(404), Err(Failure::permanent("it answered 404")));
        assert_eq!(answer(503), Err(Failure::retry("it answered 503")));
        for (said, wait_ms) in
            [("7", Some(7000)), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("18446744073709551615", None)]
        {
            let headers = vec![Field { name: "Retry-After".to_owned(), value: said.to_owned() }];
            let expected = wait_ms.into_iter().fold(Failure::retry("it answered 429"), Failure::after_ms);
            let answer = HttpResponse { status: 429, headers, body: vec![] };
            assert_eq!(answer.or_failure("it"), Err(expected));
        }
    }

    #[test]
    fn query_parameters_are_encoded_and_joined() {
        let request = get("https://h/p").query("a", "1 [x]").query("b", "é&");
        assert_eq!(request.request.url, "https://h/p?a=1%20%5Bx%5D&b=%C3%A9%26");
    }
}
