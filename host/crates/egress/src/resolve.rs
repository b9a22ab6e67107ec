//! Names into addresses: one lookup per attempt, no search list, two seconds.
//!
//! Names are always fully qualified, so the machine's search list never turns `kubernetes` into something internal.
//! The answer is handed on whole: [the rules](crate::url_rules) refuse a host for its worst address, so nothing may be
//! filtered here. What went wrong stays here too, in the log: a tenant who saw the resolver's words could chart a
//! private zone with them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tracing::{debug, warn};

use crate::limits::{DNS_RETRIES_MAX, DNS_TIMEOUT, DNS_TRY_TIMEOUT};

/// Who answers for names.
#[derive(Debug, Default)]
pub enum ResolverChoice {
    /// The DNS servers and the hosts file of this machine.
    #[default]
    System,
    /// Fixed answers, for tests: each lookup of a name takes the next of its answers, and stays with the last.
    Fixed(HashMap<String, Vec<Vec<IpAddr>>>),
}

/// A name without an address, or without an answer in time.
#[derive(Debug)]
pub(crate) struct NotResolved;

pub(crate) enum Resolver {
    System(Box<TokioResolver>),
    /// This machine names no DNS server, so no name resolves; addresses still work.
    Absent,
    Fixed(Mutex<HashMap<String, Answers>>),
}

/// The answers that are left for a name, in turn.
pub(crate) struct Answers {
    turns: Vec<Vec<IpAddr>>,
    next: usize,
}

impl Resolver {
    pub(crate) fn new(choice: ResolverChoice) -> Self {
        match choice {
            ResolverChoice::System => system().map_or_else(
                |error| {
                    warn!(%error, "no DNS server can be asked, so no host name can be called: {error}");
                    Resolver::Absent
                },
                |resolver| Resolver::System(Box::new(resolver)),
            ),
            ResolverChoice::Fixed(names) => {
                let answers = |(name, turns)| (name, Answers { turns, next: 0 });
                Resolver::Fixed(Mutex::new(names.into_iter().map(answers).collect()))
            }
        }
    }

    /// All addresses of a name that has no trailing dot. Cancel-safe.
    pub(crate) async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, NotResolved> {
        let addresses = match self {
            Resolver::System(resolver) => ask(resolver, name).await?,
            Resolver::Absent => Vec::new(),
            Resolver::Fixed(names) => {
                let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
                names.get_mut(name).map(Answers::take).unwrap_or_default()
            }
        };
        if addresses.is_empty() { Err(NotResolved) } else { Ok(addresses) }
    }
}

impl Answers {
    fn take(&mut self) -> Vec<IpAddr> {
        let answer = self.turns.get(self.next).or(self.turns.last()).cloned().unwrap_or_default();
        self.next += 1;
        answer
    }
}

fn system() -> Result<TokioResolver, NetError> {
    within_budget(TokioResolver::builder_tokio()?)
}

fn within_budget(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<TokioResolver, NetError> {
    let options = builder.options_mut();
    options.timeout = DNS_TRY_TIMEOUT;
    options.attempts = DNS_RETRIES_MAX;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build()
}

async fn ask(resolver: &TokioResolver, name: &str) -> Result<Vec<IpAddr>, NotResolved> {
    // The final dot is what keeps the search list out.
    let lookup = resolver.lookup_ip(format!("{name}."));
    match tokio::time::timeout(DNS_TIMEOUT, lookup).await {
        Ok(Ok(found)) => Ok(found.iter().collect()),
        Ok(Err(error)) => {
            debug!(host = name, %error, "could not resolve {name}");
            Err(NotResolved)
        }
        Err(_elapsed) => {
            debug!(host = name, "gave up resolving {name}");
            Err(NotResolved)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use tokio::net::UdpSocket;
    use tokio::time::Instant;

    /// The name that a query asks for, and the record type.
    fn question(query: &[u8]) -> (String, u8) {
        let mut name = String::new();
        let mut rest = &query[12..];
        while rest[0] > 0 {
            let (label, after) = rest[1..].split_at(rest[0].into());
            name.push_str(std::str::from_utf8(label).expect("ASCII"));
            name.push('.');
            rest = after;
        }
        (name, rest[2])
    }

    async fn asking(server: &UdpSocket, hosts: &str) -> Resolver {
        let mut connection = ConnectionConfig::udp();
        let address = server.local_addr().expect("an address");
        connection.port = address.port();
        let servers = vec![NameServerConfig::new(address.ip(), true, vec![connection])];
        let search = vec!["cluster.local.".parse().expect("a domain")];
        let config = ResolverConfig::from_parts(search.first().cloned(), search, servers);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let mut resolver = within_budget(builder).expect("a resolver");
        let mut names = hickory_resolver::Hosts::default();
        names.read_hosts_conf(hosts.as_bytes()).expect("a hosts file");
        resolver.set_hosts(std::sync::Arc::new(names));
        Resolver::System(Box::new(resolver))
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_costs_two_seconds_and_no_search_list_is_tried() {
        let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let resolver = asking(&server, "").await;
        let started = Instant::now();
        assert!(resolver.lookup("kubernetes").await.is_err());
        assert!(started.elapsed() <= DNS_TIMEOUT, "{:?}", started.elapsed());
        let mut query = [0; 512];
        let mut asked = Vec::new();
        while let Ok(length) = server.try_recv(&mut query) {
            asked.push(question(&query[..length]));
        }
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|(name, _)| name == "kubernetes."), "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_in_the_hosts_file_has_its_address_though_no_server_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let resolver = asking(&server, "192.0.2.7 receiver.test\n").await;
        let found = resolver.lookup("receiver.test").await.expect("an address");
        assert_eq!(found, ["192.0.2.7".parse::<IpAddr>().expect("an address")]);
    }

    #[tokio::test]
    async fn fixed_answers_come_in_turn_and_stay_with_the_last() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let (first, last) = (address("192.0.2.1"), address("127.0.0.1"));
        let names = HashMap::from([("a.example".to_owned(), vec![vec![first], vec![last]])]);
        let resolver = Resolver::new(ResolverChoice::Fixed(names));
        for expected in [first, last, last] {
            assert_eq!(resolver.lookup("a.example").await.expect("an answer"), [expected]);
        }
        assert!(resolver.lookup("b.example").await.is_err());
    }
}
