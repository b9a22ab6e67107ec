//! Hookyard's way out: the only crate that opens an outbound socket.
//!
//! # Why it exists
//!
//! A webhook gateway is a machine that calls whatever URL a stranger typed, from inside somebody's network. Unless it
//! takes care, it is also a tool to read that network: the metadata service of the cloud, the database next door, the
//! admin page on loopback. Every request that Hookyard makes on behalf of others (deliveries, plugins' fetches,
//! pushes to CRMs, OAuth) goes through [`Egress`], and the rest of the host has no other way out.
//!
//! # Theory of operation
//!
//! Two checks, because there are two moments at which somebody can lie. [`Egress::vet`] looks at a URL's text when it
//! is saved; it is there to be helpful. [`Egress::send`] looks again, resolves the name once, refuses the host if *any*
//! of its addresses is not public, and dials exactly the addresses that it has judged; it is the one that protects.
//! A name that resolves differently a second later changes nothing, because there is no second lookup.
//!
//! What the operator allows (`--allow-private-network`) is a network, not a host: inside it private addresses, plain
//! `http` and any port are fine; outside it nothing is changed.
//!
//! An attempt is over at its deadline, whatever the other side does, and what it read is bounded. Connections are kept
//! and used again, per vetted address. No task runs in the background: what is not being polled does not exist.
//!
//! # What it refuses to know
//!
//! Redirects, cookies, proxies, content encodings, HTTP/2. Retries and their schedule: an attempt is one attempt, and
//! its failure is a class that the caller decides on. Subscriptions, signatures, secrets: headers and bodies are bytes.
//! [`api_client`] stands apart: it is the command line's, for a URL that the person at the keyboard typed.
//!
//! Read in the order in which a request meets it.

pub mod limits;

mod url_rules;
mod addresses;
mod reroute;
mod resolve;
mod tls;
mod dial;
mod connection;
mod pool;
mod message;
mod send;

pub mod api_client;

use std::sync::Arc;

use ipnet::IpNet;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::Url;

pub use self::message::{Attempted, Outbound, Overflow, Purpose, Response, SendError, Stage, Timings};
pub use self::reroute::{ReadRerouteError, Reroute};
pub use self::resolve::ResolverChoice;
pub use self::url_rules::Refused;

use self::addresses::Networks;
use self::pool::Pool;
use self::resolve::Resolver;
use self::url_rules::UrlRules;

/// The way out. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

/// What the operator decides. The default is the strict one.
#[derive(Debug, Default)]
pub struct Config {
    /// Plain `http` to public addresses.
    pub allow_http: bool,
    /// Networks in which private addresses, plain `http` and any port are allowed.
    pub allowed_networks: Vec<IpNet>,
    /// Ports beyond [`limits::PORTS`].
    pub allowed_ports: Vec<u16>,
    /// Providers' hosts that something else answers for, in tests and development. [`Purpose::Provider`] only.
    pub reroutes: Vec<Reroute>,
    /// Certificates to trust besides Mozilla's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Who answers for names.
    pub resolver: ResolverChoice,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One of the extra roots is no certificate.
    #[error("could not set up TLS with the extra root certificates")]
    Tls(#[source] rustls::Error),
}

struct Inner {
    rules: UrlRules,
    reroutes: Vec<Reroute>,
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    pool: Pool,
}

impl Egress {
    /// Opens nothing yet. A machine without a DNS server is warned about, and can still call addresses.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let inner = Inner {
            rules: UrlRules {
                allow_http: config.allow_http,
                allowed_ports: config.allowed_ports,
                networks: Networks::new(config.allowed_networks),
            },
            reroutes: config.reroutes,
            resolver: Resolver::new(config.resolver),
            tls: Arc::new(tls::client_config(&config.extra_roots).map_err(StartError::Tls)?),
            pool: Pool::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks a URL that somebody wants called, when it is saved: its text and, if it has one, its literal address.
    /// Asks no resolver, so a name passes here and is judged by its addresses at every [`Egress::send`].
    ///
    /// The URL to store is the one that is returned: it is what will be dialled.
    pub fn vet(&self, url: &str) -> Result<Url, Refused> {
        self.inner.rules.vet(url)
    }
}
