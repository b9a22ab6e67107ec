//! Which URLs may be called: the rules that need no network.
//!
//! `url::Url` is the only parser. It turns every spelling of an address (decimal, octal, hexadecimal, circled digits,
//! percent signs, a trailing dot) into the address itself, and what it made of the host is both what is judged here
//! and what is dialled later. Nothing ever looks at the text again.
//!
//! A URL that breaks a rule for public hosts (plain `http`, an unusual port, a name of one label) may still be meant
//! for a network that the operator allowed. Such a rule becomes a [`Target::condition`]: it holds unless every address
//! of the host lies in an allowed network, which is known once [the resolver](crate::resolve) has answered.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::HeaderName;
use tracing::debug;
use url::{ParseError, Url};

use crate::addresses::{Networks, Verdict};
use crate::limits::{HOST_BYTES_MAX, PORTS, URL_BYTES_MAX};

/// Why a request is not sent at all. The text may be shown to a tenant: it names no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The parser gave up.
    #[error("the URL cannot be read: write it like https://hooks.example.com/path")]
    Unreadable(#[source] ParseError),
    /// Neither `https` nor, where it is allowed, `http`.
    #[error("the scheme `{0}` is refused: use https")]
    Scheme(String),
    /// Something that has no place in a URL to call.
    #[error("the URL carries {0}, which is refused: leave it out")]
    Part(&'static str),
    /// No host, or a name that only a local network could know.
    #[error("the host is missing or is not a full domain name: write it like hooks.example.com")]
    Host,
    /// A port that is neither usual nor allowed.
    #[error("port {0} is refused: use 443, 80 or 8443, or ask the operator to allow it")]
    Port(u16),
    /// An address that is not public. Says the same as a name that does not resolve, so that nobody can find out
    /// which names a private network knows.
    #[error("the host has no public address: it does not resolve, or it is in a private or reserved network")]
    Address,
    /// A header that frames or routes the request.
    #[error("the header `{0}` is Hookyard's own to set: leave it out")]
    Header(HeaderName),
    /// A method that is no plain request.
    #[error("the method `{0}` is refused: use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS")]
    Method(Method),
}

impl Refused {
    /// The stable name of the reason, for attempt records and problem documents.
    pub fn class(&self) -> &'static str {
        match self {
            Refused::Unreadable(_) => "url_unreadable",
            Refused::Scheme(_) => "scheme_refused",
            Refused::Part(_) => "url_part_refused",
            Refused::Host => "host_refused",
            Refused::Port(_) => "port_refused",
            Refused::Address => "no_public_address",
            Refused::Header(_) => "header_refused",
            Refused::Method(_) => "method_refused",
        }
    }
}

/// Where a request goes, as far as the URL tells.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) tls: bool,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// The rule that holds unless every address is in an allowed network.
    condition: Option<Refused>,
}

/// A host, without brackets and trailing dot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Address(IpAddr),
    /// `localhost` or a name under it: this machine, whatever a resolver might say (RFC 6761).
    Localhost(String),
    Name(String),
}

/// What the operator set, ready for use.
#[derive(Debug)]
pub(crate) struct UrlRules {
    pub(crate) allow_http: bool,
    pub(crate) allowed_ports: Vec<u16>,
    pub(crate) networks: Networks,
}

impl UrlRules {
    /// The check at save: strict about the text, because somebody is there to correct it.
    pub(crate) fn vet(&self, text: &str) -> Result<Url, Refused> {
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(Refused::Part("white space"));
        }
        if text.contains('\\') {
            // Where the host ends is then a matter of opinion, and other programs read this URL too.
            return Err(Refused::Part("a backslash"));
        }
        let url = Url::parse(text).map_err(Refused::Unreadable)?;
        if url.fragment().is_some() {
            return Err(Refused::Part("a fragment"));
        }
        let target = self.admit(&url)?;
        // A name could lie in any allowed network, but whoever allows loopback alone means `localhost`.
        match target.condition {
            Some(refused) if matches!(target.host, Host::Name(_)) && !self.networks.reach_beyond_loopback() => {
                Err(refused)
            }
            Some(_) | None => Ok(url),
        }
    }

    /// The check before any lookup: refuses what no answer of the resolver could make right.
    pub(crate) fn admit(&self, url: &Url) -> Result<Target, Refused> {
        let target = self.examine(url)?;
        match (&target.host, &target.condition) {
            (Host::Address(address), _) => self.judge(&target, &[*address])?,
            (Host::Localhost(_), _) if self.networks.loopback().next().is_none() => return Err(Refused::Host),
            (Host::Name(_), Some(refused)) if self.networks.is_empty() => return Err(refused.clone()),
            (Host::Localhost(_) | Host::Name(_), _) => {}
        }
        Ok(target)
    }

    /// The check of the addresses: one that is denied refuses the host, whatever stands beside it.
    pub(crate) fn judge(&self, target: &Target, addresses: &[IpAddr]) -> Result<(), Refused> {
        let mut all_allowed = true;
        for address in addresses {
            match self.networks.judge(*address) {
                Verdict::Allowed => {}
                Verdict::Public => all_allowed = false,
                Verdict::Denied(reason) => {
                    debug!(host = ?target.host, %address, reason, "refused to call {address}: {reason}");
                    return Err(Refused::Address);
                }
            }
        }
        match &target.condition {
            Some(refused) if !all_allowed => Err(refused.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// Reads a URL into a target, with no opinion on its addresses.
    pub(crate) fn examine(&self, url: &Url) -> Result<Target, Refused> {
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(Refused::Part("more than 8192 bytes"));
        }
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(Refused::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Part("a user name or password"));
        }
        let host = Host::of(url)?;
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 {
            return Err(Refused::Port(port));
        }
        let condition = self.condition(tls, port, &host);
        Ok(Target { tls, host, port, condition })
    }

    fn condition(&self, tls: bool, port: u16, host: &Host) -> Option<Refused> {
        if matches!(host, Host::Name(name) if !name.contains('.')) {
            return Some(Refused::Host);
        }
        if !tls && !self.allow_http {
            return Some(Refused::Scheme("http".to_owned()));
        }
        (!PORTS.contains(&port) && !self.allowed_ports.contains(&port)).then_some(Refused::Port(port))
    }
}

impl Host {
    fn of(url: &Url) -> Result<Self, Refused> {
        match url.host() {
            Some(url::Host::Ipv4(address)) => Ok(Host::Address(address.into())),
            Some(url::Host::Ipv6(address)) => Ok(Host::Address(IpAddr::V6(address).to_canonical())),
            Some(url::Host::Domain(name)) => Self::named(name.strip_suffix('.').unwrap_or(name)),
            None => Err(Refused::Host),
        }
    }

    fn named(name: &str) -> Result<Self, Refused> {
        if name.is_empty() || name.len() > HOST_BYTES_MAX || name.split('.').any(str::is_empty) {
            return Err(Refused::Host);
        }
        let local = name == "localhost" || name.ends_with(".localhost");
        Ok(if local { Host::Localhost(name.to_owned()) } else { Host::Name(name.to_owned()) })
    }

    /// What tells hosts at one address apart. An address needs nothing: it is its own.
    pub(crate) fn as_lane(&self) -> &str {
        match self {
            Host::Address(_) => "",
            Host::Localhost(name) | Host::Name(name) => name,
        }
    }
}
