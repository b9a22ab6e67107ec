//! Names whose answers lie, change, or are partly good.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hookyard_egress::{Config, Purpose, Refused, ResolverChoice, SendError};
use proptest::prelude::*;

use crate::support::{OK, Receiver, Trap, fixed, loopback, post, strict};

fn open(port: u16, resolver: ResolverChoice) -> Config {
    Config { allow_http: true, allowed_ports: vec![port], resolver, ..Config::default() }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let trap = Trap::set();
    let egress = strict(open(trap.port(), fixed([("inside.example", &[&["127.0.0.1"]])])));
    let url = format!("http://inside.example:{}/", trap.port());
    assert!(egress.vet(&url).is_ok(), "the name alone tells nothing");
    let attempted = egress.send(post(&url)).await;
    assert!(matches!(attempted.outcome, Err(SendError::Refused(Refused::Address))), "{attempted:?}");
    trap.assert_untouched(&url);
}

#[tokio::test]
async fn one_private_address_among_public_ones_refuses_the_name() {
    let trap = Trap::set();
    for bad in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "168.63.129.16", "64:ff9b::7f00:1"] {
        for answer in [["8.8.8.8", "2606:4700:4700::1111", bad], [bad, "8.8.8.8", "1.1.1.1"]] {
            let egress = strict(open(trap.port(), fixed([("mixed.example", &[&answer])])));
            let attempted = egress.send(post(&format!("http://mixed.example:{}/", trap.port()))).await;
            assert!(matches!(attempted.outcome, Err(SendError::Refused(Refused::Address))), "{bad}: {attempted:?}");
            assert_eq!(attempted.address, None, "{bad}");
            trap.assert_untouched(bad);
        }
    }
}

#[tokio::test]
async fn a_name_that_is_rebound_is_refused_at_the_second_attempt() {
    let receiver = Receiver::answering(OK).await;
    let trap = Trap::set();
    let egress = strict(Config {
        allowed_networks: vec!["127.0.0.1/32".parse().expect("a network")],
        resolver: fixed([("rebound.example", &[&["127.0.0.1"], &["127.0.0.2"]])]),
        ..Config::default()
    });
    let url = format!("http://rebound.example:{}/", receiver.address.port());
    assert!(egress.send(post(&url)).await.outcome.is_ok());
    let second = egress.send(post(&url)).await;
    assert!(matches!(second.outcome, Err(SendError::Refused(Refused::Address))), "{second:?}");
    assert_eq!(receiver.accepted(), 1, "the waiting connection belongs to the old address");
    trap.assert_untouched("another port");
}

#[tokio::test]
async fn a_public_first_answer_does_not_open_loopback_for_the_next() {
    let trap = Trap::set();
    let egress = strict(open(trap.port(), fixed([("flips.example", &[&["192.0.2.1"], &["127.0.0.1"]])])));
    let url = format!("http://flips.example:{}/", trap.port());
    for _ in 0..3 {
        let attempted = egress.send(post(&url)).await;
        assert!(matches!(attempted.outcome, Err(SendError::Refused(Refused::Address))), "{attempted:?}");
    }
    trap.assert_untouched(&url);
}

#[tokio::test]
async fn only_the_address_that_was_judged_is_dialled() {
    // The second answer would be taken by a lookup between the check and the connect.
    let receiver = Receiver::answering(OK).await;
    let resolver = fixed([("once.example", &[&["127.0.0.1"], &["10.0.0.1"]])]);
    let egress = strict(Config { resolver, ..loopback() });
    let attempted = egress.send(post(&format!("http://once.example:{}/", receiver.address.port()))).await;
    assert!(attempted.outcome.is_ok(), "{attempted:?}");
    assert_eq!(attempted.address, Some(receiver.address));
}

#[tokio::test]
async fn an_unknown_name_looks_like_a_private_one() {
    let egress = strict(open(80, fixed([("inside.example", &[&["10.0.0.1"]]), ("empty.example", &[&[]])])));
    let mut seen = Vec::new();
    for host in ["inside.example", "unknown.example", "empty.example"] {
        let attempted = egress.send(post(&format!("http://{host}/"))).await;
        let error = attempted.outcome.expect_err(host);
        let timed = attempted.timings.dns_micros.is_some();
        seen.push((error.class(), error.to_string(), timed, attempted.address));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(!seen[0].1.contains("10."), "{seen:?}");
}

#[tokio::test]
async fn a_name_of_one_label_is_never_looked_up_unless_a_network_is_allowed() {
    let answers = || fixed([("kubernetes", &[&["8.8.8.8"], &["127.0.0.1"]])]);
    let egress = strict(Config { allow_http: true, resolver: answers(), ..Config::default() });
    let error = egress.send(post("http://kubernetes/")).await.outcome.expect_err("a refusal");
    assert!(matches!(error, SendError::Refused(Refused::Host)), "{error:?}");

    let receiver = Receiver::answering(OK).await;
    let egress = strict(Config { resolver: answers(), ..loopback() });
    let url = format!("http://kubernetes:{}/", receiver.address.port());
    let public = egress.send(post(&url)).await.outcome.expect_err("a refusal");
    assert!(matches!(public, SendError::Refused(Refused::Host)), "{public:?}");
    assert!(egress.send(post(&url)).await.outcome.is_ok(), "inside the allowed network it is a name like any other");
}

#[tokio::test]
async fn plain_http_and_any_port_hold_for_the_allowed_network_only() {
    let resolver = fixed([("dev.example", &[&["127.0.0.1", "8.8.8.8"], &["8.8.8.8"], &["127.0.0.1"]])]);
    let receiver = Receiver::answering(OK).await;
    let egress = strict(Config { resolver, ..loopback() });
    let url = format!("http://dev.example:{}/", receiver.address.port());
    for _ in 0..2 {
        let error = egress.send(post(&url)).await.outcome.expect_err("a refusal");
        assert!(matches!(error, SendError::Refused(Refused::Scheme(_))), "{error:?}");
    }
    assert_eq!(receiver.accepted(), 0);
    assert!(egress.send(post(&url)).await.outcome.is_ok());
}

#[tokio::test]
async fn localhost_is_this_machine_whatever_a_resolver_says() {
    let receiver = Receiver::answering(OK).await;
    let resolver = fixed([("localhost", &[&["8.8.8.8"]]), ("a.localhost", &[&["8.8.8.8"]])]);
    let egress = strict(Config { resolver, ..loopback() });
    for host in ["localhost", "localhost.", "a.localhost"] {
        let attempted = egress.send(post(&format!("http://{host}:{}/", receiver.address.port()))).await;
        assert!(attempted.outcome.is_ok(), "{host}: {attempted:?}");
        assert_eq!(attempted.address, Some(receiver.address), "{host}");
    }
}

#[tokio::test]
async fn a_dead_address_leaves_time_for_the_next_one() {
    let receiver = Receiver::answering(OK).await;
    let resolver = fixed([("two.example", &[&["127.0.0.77", "127.0.0.1"]])]);
    let egress = strict(Config { resolver, ..loopback() });
    let attempted = egress.send(post(&format!("http://two.example:{}/", receiver.address.port()))).await;
    assert!(attempted.outcome.is_ok(), "{attempted:?}");
    assert_eq!(attempted.address, Some(receiver.address));
}

#[tokio::test]
async fn at_most_four_addresses_are_dialled() {
    let receiver = Receiver::answering(OK).await;
    let answer = ["127.0.0.71", "127.0.0.72", "127.0.0.73", "127.0.0.74", "127.0.0.1"];
    let egress = strict(Config { resolver: fixed([("many.example", &[&answer])]), ..loopback() });
    let attempted = egress.send(post(&format!("http://many.example:{}/", receiver.address.port()))).await;
    assert!(matches!(attempted.outcome, Err(SendError::Connect(_))), "{attempted:?}");
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_error_of_the_system_resolver() {
    let egress = strict(Config { allow_http: true, ..Config::default() });
    let error = egress.send(post("http://no-such-host.invalid/")).await.outcome.expect_err("no address");
    assert!(matches!(error, SendError::Dns), "{error:?}");
}

#[tokio::test]
async fn a_reroute_is_for_providers_alone() {
    let receiver = Receiver::start(|mut peer| async move {
        while let Some(request) = peer.request().await {
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len())).await;
        }
    })
    .await;
    let reroute = format!("graph.example=http://{}/simulator", receiver.address).parse().expect("a reroute");
    let resolver = fixed([("graph.example", &[&["10.0.0.1"]])]);
    let egress = strict(Config { reroutes: vec![reroute], resolver, ..Config::default() });
    let mut request = post("https://graph.example/v21.0/me?fields=id");
    request.purpose = Purpose::Provider;
    let response = egress.send(request.clone()).await.outcome.expect("the simulator's answer");
    assert_eq!(response.body, "/simulator/v21.0/me?fields=id");

    request.purpose = Purpose::Delivery;
    let error = egress.send(request.clone()).await.outcome.expect_err("a tenant's URL goes where it says");
    assert!(matches!(error, SendError::Refused(Refused::Address)), "{error:?}");
    request.purpose = Purpose::Provider;
    request.url = receiver.url().parse().expect("a URL");
    let error = egress.send(request).await.outcome.expect_err("the simulator itself is no public host");
    assert!(matches!(error, SendError::Refused(Refused::Address)), "{error:?}");
    assert_eq!(receiver.accepted(), 1);
}

/// Networks to draw bad addresses from; written down again, so that a row lost from the table is noticed.
const BAD_NETWORKS: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/8",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

fn bad_address() -> impl Strategy<Value = IpAddr> {
    (prop::sample::select(BAD_NETWORKS), any::<u128>()).prop_filter_map("mapped and public", |(network, noise)| {
        let network: ipnet::IpNet = network.parse().expect(network);
        let address = match network {
            ipnet::IpNet::V4(v4) => {
                let noise = u32::try_from(noise >> 96).expect("32 bits");
                Ipv4Addr::from(u32::from(v4.network()) | (noise & u32::from(v4.hostmask()))).into()
            }
            ipnet::IpNet::V6(v6) => {
                IpAddr::V6(Ipv6Addr::from(u128::from(v6.network()) | (noise & u128::from(v6.hostmask()))))
            }
        };
        (address.to_canonical().is_ipv4() == network.addr().is_ipv4()).then_some(address)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_denied_address_is_ever_dialled(bad in bad_address(), good in prop::collection::vec(any::<u32>(), 0..3), at in 0usize..4) {
        let mut answer: Vec<IpAddr> = good.into_iter().map(|bits| Ipv4Addr::from(bits).into()).collect();
        answer.insert(at.min(answer.len()), bad);
        let resolver = ResolverChoice::Fixed(HashMap::from([("any.example".to_owned(), vec![answer])]));
        let egress = strict(Config { allow_http: true, resolver, ..Config::default() });
        let literal = match bad {
            IpAddr::V4(bad) => format!("http://{bad}/"),
            IpAddr::V6(bad) => format!("http://[{bad}]/"),
        };
        prop_assert_eq!(egress.vet(&literal), Err(Refused::Address));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for url in [literal.as_str(), "http://any.example/"] {
            let attempted = runtime.block_on(egress.send(post(url)));
            prop_assert_eq!(attempted.address, None);
            prop_assert!(matches!(attempted.outcome, Err(SendError::Refused(Refused::Address))));
        }
    }
}
