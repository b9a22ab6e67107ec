//! Addresses in every spelling, at save and at send.

use hookyard_egress::{Config, Refused, SendError};

use crate::support::{Trap, loopback, post, strict};

/// Loopback, metadata and the rest of the special registries, as somebody hostile would write them.
const HOSTS: &[&str] = &[
    // Loopback and its spellings.
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "2130706433.",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.0.1",
    "127.0.0.1%2e",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "127。0。0。1",
    "127.0.0。1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:1::1]",
    "[2001:0:0:0:0:0:80ff:fffe]",
    "[2001:470::5efe:7f00:1]",
    // Unspecified.
    "0",
    "0.0.0.0",
    "0x0",
    "00",
    "0.1",
    "[::]",
    "[::ffff:0.0.0.0]",
    // Metadata services.
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "168.63.129.16",
    "0xa83f8110",
    "[::ffff:168.63.129.16]",
    "[64:ff9b::a83f:8110]",
    "[2002:a83f:8110::]",
    "100.100.100.200",
    "192.0.0.192",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    // Private, shared, link-local.
    "10.0.0.1",
    "10.255.255.255",
    "167772161",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.0.1",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[febf::1]",
    "[fec0::1]",
    "[feff::1]",
    "[::10.0.0.1]",
    "[2002:a00:1::]",
    "[64:ff9b::a00:1]",
    // Reserved for something else.
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[ff02::1]",
    "[ff0e::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[3fff:fff::1]",
    "[5f00::1]",
    "[100::1]",
    "[2001:2::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:1ff::1]",
    "[2620:4f:8000::1]",
    "[4000::1]",
    "[8000::1]",
    "[e000::1]",
];

/// Allows as much as can be allowed without naming a network, so that nothing but the address is left to refuse.
fn permissive(port: u16) -> Config {
    Config { allow_http: true, allowed_ports: vec![port], ..Config::default() }
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_saved_or_called() {
    let trap = Trap::set();
    let egress = strict(permissive(trap.port()));
    for host in HOSTS {
        for url in [format!("http://{host}:{}/hook", trap.port()), format!("https://{host}/hook")] {
            assert_eq!(egress.vet(&url), Err(Refused::Address), "{url}");
            let attempted = egress.send(post(&url)).await;
            assert!(matches!(attempted.outcome, Err(SendError::Refused(Refused::Address))), "{url}: {attempted:?}");
            assert_eq!(attempted.address, None, "{url}");
            trap.assert_untouched(&url);
        }
    }
}

#[test]
fn what_hides_an_address_in_a_strange_url_is_not_saved() {
    let egress = strict(permissive(9000));
    for url in [
        "http:127.0.0.1",
        "http:/127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http:////127.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1",
        "good.com@127.0.0.1",
        "http://good.com@127.0.0.1/",
        "http://good.com:80@127.0.0.1/",
        "https://good.com\\path",
        "http://127.0.0.1#@good.com/",
        "http://127.0.0.1\\@good.com/",
        "http://good.com\\@127.0.0.1/",
        "http://127.0.0\t.1/",
        "http://127.0.\n0.1/",
        "http://\t127.0.0.1/",
        " http://127.0.0.1/",
        "http://127.0.0.1 /",
        "http://127.0.0.1%00/",
        "http://127.0.0.1%0a/",
        "http://127.0.0.1\0/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1%25lo]/",
        "http://[::1/",
        "http://::1/",
        "http://256.256.256.256/",
        "http://127.0.0.1.1/",
        "http://0x7f.0.0.0x1ff/",
        "http:///hook",
        "http://./",
        "http://../",
        "http://%2e/",
        "http://",
        "https://",
        "",
        "http://.127.0.0.1/",
        "http://a..b/",
        "http://127.0.0.1:80:80/",
        "http://127.0.0.1:99999/",
        "http://good.com:-1/",
        "http://xn--/",
        "http://good.com:0/",
    ] {
        assert!(egress.vet(url).is_err(), "{url:?} was read as {:?}", egress.vet(url));
    }
}

#[test]
fn only_https_is_saved_unless_http_is_allowed() {
    let strict_egress = strict(Config::default());
    let http = strict(Config { allow_http: true, ..Config::default() });
    for url in [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "gopher://good.com/",
        "ftp://good.com/",
        "ws://good.com/",
        "wss://good.com/",
        "dict://good.com/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "unix:/run/docker.sock",
        "mailto:a@good.com",
        "ldap://good.com/",
        "jar:http://good.com!/",
    ] {
        assert!(matches!(strict_egress.vet(url), Err(Refused::Scheme(_))), "{url}");
        assert!(matches!(http.vet(url), Err(Refused::Scheme(_))), "{url}");
    }
    assert_eq!(strict_egress.vet("http://good.com/"), Err(Refused::Scheme("http".into())));
    assert!(strict_egress.vet("HTTPS://good.com/").is_ok());
    assert!(http.vet("http://good.com/").is_ok());
}

#[test]
fn user_info_fragments_and_endless_urls_are_not_saved() {
    let egress = strict(Config::default());
    for url in ["https://user:pass@good.com/", "https://user@good.com/", "https://:pass@good.com/"] {
        assert_eq!(egress.vet(url), Err(Refused::Part("a user name or password")), "{url}");
    }
    assert_eq!(egress.vet("https://good.com/#top"), Err(Refused::Part("a fragment")));
    assert_eq!(egress.vet("https://good.com/#"), Err(Refused::Part("a fragment")));
    let endless = format!("https://good.com/{}", "a".repeat(8 * 1024));
    assert_eq!(egress.vet(&endless), Err(Refused::Part("more than 8192 bytes")));
    assert!(egress.vet("https://good.com/?q=%23").is_ok());
}

#[test]
fn ports_of_other_protocols_are_not_saved() {
    let egress = strict(Config { allowed_ports: vec![9443], ..loopback() });
    for port in [0, 1, 22, 25, 53, 110, 2375, 3306, 5432, 6379, 8080, 9200, 11211, 65535] {
        assert_eq!(egress.vet(&format!("https://good.com:{port}/")), Err(Refused::Port(port)), "{port}");
    }
    for port in [80, 443, 8443, 9443] {
        assert!(egress.vet(&format!("https://good.com:{port}/")).is_ok(), "{port}");
    }
    assert!(egress.vet("http://127.0.0.1:5432/").is_ok(), "an allowed network has no ports");
    assert_eq!(egress.vet("http://127.0.0.1:0/"), Err(Refused::Port(0)));
}

#[test]
fn names_of_one_label_are_not_saved() {
    let egress = strict(Config { allow_http: true, ..Config::default() });
    for host in ["localhost", "LOCALHOST", "localhost.", "foo.localhost", "kubernetes", "metadata", "db.", "ｌocalhost"]
    {
        assert_eq!(egress.vet(&format!("http://{host}/")), Err(Refused::Host), "{host}");
        assert_eq!(egress.vet(&format!("https://{host}/")), Err(Refused::Host), "{host}");
    }
    assert!(egress.vet("https://good.com./").is_ok());
}

#[test]
fn allowing_loopback_allows_localhost_and_no_other_name() {
    let egress = strict(loopback());
    for url in
        ["http://localhost:3000/", "http://127.0.0.1:3000/", "http://[::ffff:127.0.0.1]:3000/", "http://2130706433/"]
    {
        assert!(egress.vet(url).is_ok(), "{url}");
    }
    for url in ["http://kubernetes/", "http://good.com/", "https://good.com:3000/", "http://10.0.0.1/", "http://[::1]/"]
    {
        assert!(egress.vet(url).is_err(), "{url}");
    }
}

#[test]
fn allowing_a_private_network_saves_names_that_may_lie_in_it() {
    let egress =
        strict(Config { allowed_networks: vec!["172.16.0.0/12".parse().expect("a network")], ..Config::default() });
    for url in ["http://receiver:3000/", "http://hooks.internal:3000/", "http://172.20.0.5:3000/"] {
        assert!(egress.vet(url).is_ok(), "{url}");
    }
    for url in ["http://localhost/", "http://127.0.0.1/", "http://10.0.0.1/", "http://8.8.8.8/"] {
        assert!(egress.vet(url).is_err(), "{url}");
    }
}
