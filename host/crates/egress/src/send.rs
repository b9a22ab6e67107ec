//! One attempt, from the URL to the last byte of the response.
//!
//! In order: [the rules](crate::url_rules) admit the URL; [the resolver](crate::resolve) is asked once; the rules judge
//! every address; [the pool](crate::pool) offers a connection to one of them, or one is [dialled](crate::dial); the
//! request goes out; the response is read up to its bound. One deadline lies around all of it, and dropping the future
//! at any point closes the connection that it holds.
//!
//! A request is sent a second time only if its connection had been used before and ended without a byte of a response,
//! which is how a receiver's own idle timeout looks from here; and then only once, on a new connection.

use std::net::{IpAddr, SocketAddr};

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Uri};
use tokio::time::Instant;
use url::{Position, Url};

use crate::Egress;
use crate::addresses::LOOPBACK;
use crate::connection::{Connection, Fault, Request};
use crate::dial::dial;
use crate::limits::{ADDRESSES_MAX, ATTEMPT_TIMEOUT_MAX};
use crate::message::{Attempted, Outbound, Purpose, Response, SendError, Stage, Timings};
use crate::pool::LaneKey;
use crate::resolve::NotResolved;
use crate::url_rules::{Host, Refused, Target};

/// What an attempt leaves behind even if it is cut off.
struct Progress {
    stage: Stage,
    deadline: Instant,
    timings: Timings,
    address: Option<SocketAddr>,
}

/// Who answers for the addresses of a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Checked,
    /// The operator named it in a reroute.
    Named,
}

impl Egress {
    /// Makes one attempt. Follows no redirect, reads no proxy variable, and ends with the request's timeout at the
    /// latest. Cancel-safe: dropping it closes what it opened.
    pub async fn send(&self, request: Outbound) -> Attempted {
        let started = Instant::now();
        let deadline = started + request.timeout.min(ATTEMPT_TIMEOUT_MAX);
        let mut progress = Progress { stage: Stage::Dns, deadline, timings: Timings::default(), address: None };
        let outcome = match tokio::time::timeout_at(deadline, self.attempt(request, &mut progress)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(SendError::TimedOut { stage: progress.stage }),
        };
        progress.timings.total_micros = micros_since(started);
        Attempted { outcome, timings: progress.timings, address: progress.address }
    }

    async fn attempt(&self, outbound: Outbound, progress: &mut Progress) -> Result<Response, SendError> {
        let rerouted = match outbound.purpose {
            Purpose::Provider => self.inner.reroutes.iter().find_map(|reroute| reroute.apply(&outbound.url)),
            Purpose::Delivery => None,
        };
        let (url, trust) = match rerouted {
            Some(to) => (to, Trust::Named),
            None => (outbound.url, Trust::Checked),
        };
        let target = match trust {
            Trust::Checked => self.inner.rules.admit(&url)?,
            Trust::Named => self.inner.rules.examine(&url)?,
        };
        let repeatable = outbound.purpose == Purpose::Delivery || outbound.method.is_idempotent();
        let request = frame(&url, outbound.method, outbound.headers, outbound.body.into())?;
        let addresses = self.addresses(&target, trust, progress).await?;

        let (mut connection, response) = self.converse(&target, &addresses, request, repeatable, progress).await?;
        progress.stage = Stage::Body;
        let (head, body) = response.into_parts();
        let read = connection.read(body, outbound.response_bytes_max, outbound.overflow).await?;
        if !read.truncated && connection.is_ready().await {
            self.inner.pool.put(lane(&target), connection, Instant::now());
        }
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: read.body, truncated: read.truncated })
    }

    /// The addresses to dial, judged, in order.
    async fn addresses(
        &self,
        target: &Target,
        trust: Trust,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>, SendError> {
        let found = match &target.host {
            // The rules have judged it with the URL.
            Host::Address(address) => return Ok(vec![SocketAddr::new(*address, target.port)]),
            Host::Localhost(_) if trust == Trust::Named => LOOPBACK.to_vec(),
            Host::Localhost(_) => self.inner.rules.networks.loopback().collect(),
            Host::Name(name) => {
                let started = Instant::now();
                let found = self.inner.resolver.lookup(name).await;
                // Measured for a failure too: what is refused must not differ from what does not exist.
                progress.timings.dns_micros = Some(micros_since(started));
                found.map_err(|NotResolved| SendError::Dns)?
            }
        };
        if trust == Trust::Checked {
            self.inner.rules.judge(target, &found)?;
        }
        Ok(in_dialling_order(&found, target.port))
    }

    /// Sends the request over a waiting connection or a new one, and returns with the head of the response.
    async fn converse(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
        request: Request,
        repeatable: bool,
        progress: &mut Progress,
    ) -> Result<(Box<Connection>, hyper::Response<Incoming>), SendError> {
        let mut request = request;
        if let Some(mut connection) = self.waiting(target, addresses).await {
            progress.address = Some(connection.address);
            let spare = request.clone();
            match exchange(&mut connection, request, progress).await {
                Ok(response) => return Ok((connection, response)),
                Err(fault) if fault.unsent || (repeatable && !fault.heard) => request = spare,
                Err(fault) => return Err(fault.error.into()),
            }
        }
        progress.stage = Stage::Connect;
        let started = Instant::now();
        // Boxed, because dialling is rare and TLS is large: the future of an attempt stays small without it.
        let dialling = dial(target, addresses, &self.inner.tls, progress.deadline, &mut progress.address);
        let mut connection = Box::new(Box::pin(dialling).await?);
        progress.timings.connect_micros = Some(micros_since(started));
        match exchange(&mut connection, request, progress).await {
            Ok(response) => Ok((connection, response)),
            Err(fault) => Err(fault.error.into()),
        }
    }

    /// A waiting connection to one of the addresses that the other side has not closed meanwhile.
    async fn waiting(&self, target: &Target, addresses: &[SocketAddr]) -> Option<Box<Connection>> {
        let now = Instant::now();
        for address in addresses {
            while let Some(mut connection) = self.inner.pool.take(*address, lane(target), now) {
                if connection.is_ready().await {
                    return Some(connection);
                }
            }
        }
        None
    }
}

async fn exchange(
    connection: &mut Connection,
    request: Request,
    progress: &mut Progress,
) -> Result<hyper::Response<Incoming>, Fault> {
    progress.stage = Stage::Response;
    let started = Instant::now();
    let response = connection.exchange(request).await?;
    progress.timings.first_byte_micros = Some(micros_since(started));
    Ok(response)
}

fn lane(target: &Target) -> LaneKey<'_> {
    LaneKey { tls: target.tls, host: target.host.as_lane() }
}

/// IPv4 and IPv6 in turn, so that a machine with only one of them finds it among the few that are tried.
fn in_dialling_order(found: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let canonical = || found.iter().map(IpAddr::to_canonical);
    let mut six = canonical().filter(IpAddr::is_ipv6);
    let mut order = Vec::with_capacity(ADDRESSES_MAX);
    for four in canonical().filter(IpAddr::is_ipv4) {
        order.push(four);
        order.extend(six.next());
    }
    order.extend(six);
    order.into_iter().take(ADDRESSES_MAX).map(|address| SocketAddr::new(address, port)).collect()
}

/// Builds the request: the caller's headers, and around them what only the URL and the body may decide.
fn frame(
    url: &Url,
    method: Method,
    mut headers: HeaderMap,
    body: Full<hyper::body::Bytes>,
) -> Result<Request, Refused> {
    if let Some(name) = headers.keys().find(|name| is_ours(name.as_str())) {
        return Err(Refused::Header(name.clone()));
    }
    let expects_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
    let plain = matches!(method, Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS);
    if !expects_body && !plain {
        return Err(Refused::Method(method));
    }
    headers.insert(header::HOST, authority(url)?);
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    if expects_body && hyper::body::Body::is_end_stream(&body) {
        // Without it some servers answer 411; hyper leaves it out for an empty body.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery])
        .map_err(|_| Refused::Part("a character that HTTP has no room for"))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The host as the receiver knows it: the port only where it is not the scheme's own, and no trailing dot.
fn authority(url: &Url) -> Result<HeaderValue, Refused> {
    let host = &url[Position::BeforeHost..Position::AfterHost];
    let written = match (host.strip_suffix('.'), url.port()) {
        (None, _) => HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]),
        (Some(host), None) => HeaderValue::from_str(host),
        (Some(host), Some(port)) => HeaderValue::try_from(format!("{host}:{port}")),
    };
    written.map_err(|_| Refused::Host)
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Hookyard/", env!("CARGO_PKG_VERSION")));

/// Headers that frame or route a request: two answers to where it ends would be one too many.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "expect"
            | "host"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn micros_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_four_addresses_are_enough() {
        let order = |found: &[&str]| -> Vec<String> {
            let found: Vec<IpAddr> = found.iter().map(|text| text.parse().expect("an address")).collect();
            in_dialling_order(&found, 443).iter().map(|address| address.ip().to_string()).collect()
        };
        let six = ["2a00::1", "2a00::2", "2a00::3", "2a00::4", "2a00::5"];
        let four = ["1.0.0.1", "1.0.0.2", "1.0.0.3"];
        assert_eq!(order(&[&six[..], &four[..]].concat()), ["1.0.0.1", "2a00::1", "1.0.0.2", "2a00::2"]);
        assert_eq!(order(&[&six[..1], &four[..]].concat()), ["1.0.0.1", "2a00::1", "1.0.0.2", "1.0.0.3"]);
        assert_eq!(order(&six), six[..4]);
        assert_eq!(order(&["::ffff:1.0.0.1"]), ["1.0.0.1"]);
        assert!(order(&[]).is_empty());
    }
}
