//! A provider's host, answered by something else: a simulator in a test, a recorder in development.
//!
//! The operator names both ends, so the rules for addresses do not apply, and only requests of plugins to providers
//! are rerouted. A tenant's callback never is: it would turn a tenant's URL into a request that the rules never saw.

use std::str::FromStr;

use url::{Host, Url};

/// Sends `https://{host}` to another base URL. Reads from `graph.facebook.com=http://127.0.0.1:9000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reroute {
    /// The provider's host, in lower case.
    pub host: String,
    /// Where its requests go instead. Their path is appended to this one's.
    pub to: Url,
}

/// Why a reroute cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadRerouteError {
    /// No `=` between the two.
    #[error("`{0}` has no `=`: write it like graph.facebook.com=http://127.0.0.1:9000")]
    NoEquals(String),
    /// The left side is no host.
    #[error("`{0}` is not a host name: write it like graph.facebook.com, without scheme, port and path")]
    Host(String),
    /// The right side is no base URL.
    #[error("`{0}` is not a base URL: write it like http://127.0.0.1:9000")]
    Url(String),
}

impl FromStr for Reroute {
    type Err = ReadRerouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, to) = text.split_once('=').ok_or_else(|| ReadRerouteError::NoEquals(text.to_owned()))?;
        let bad_url = || ReadRerouteError::Url(to.to_owned());
        let url = Url::parse(to).map_err(|_| bad_url())?;
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
            return Err(bad_url());
        }
        match Host::parse(host) {
            Ok(Host::Domain(host)) => Ok(Self { host, to: url }),
            Ok(Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => Err(ReadRerouteError::Host(host.to_owned())),
        }
    }
}

impl Reroute {
    /// The URL that is called instead, if this is the host.
    pub(crate) fn apply(&self, url: &Url) -> Option<Url> {
        let host = url.host_str()?;
        let same = host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(&self.host);
        if url.scheme() != "https" || url.port().is_some() || !same {
            return None;
        }
        let mut to = self.to.clone();
        to.set_path(&format!("{}{}", self.to.path().trim_end_matches('/'), url.path()));
        to.set_query(url.query());
        to.set_fragment(None);
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn a_reroute_keeps_path_and_query() {
        let reroute: Reroute = "Graph.Facebook.com=http://127.0.0.1:9000/meta/".parse().expect("a reroute");
        assert_eq!(
            reroute.apply(&url("https://graph.facebook.com/v21.0/1%2F2?fields=a,b&x=%26")),
            Some(url("http://127.0.0.1:9000/meta/v21.0/1%2F2?fields=a,b&x=%26"))
        );
    }

    #[test]
    fn another_host_scheme_or_port_is_not_rerouted() {
        let reroute: Reroute = "graph.facebook.com=http://127.0.0.1:9000".parse().expect("a reroute");
        for other in [
            "https://facebook.com/",
            "https://graph.facebook.com.evil.example/",
            "http://graph.facebook.com/",
            "https://graph.facebook.com:8443/",
        ] {
            assert_eq!(reroute.apply(&url(other)), None, "{other}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Reroute>().expect_err(text).to_string();
        assert!(error("graph.facebook.com").contains("no `=`"));
        assert!(error("https://a.example=http://127.0.0.1:9000").contains("not a host name"));
        assert!(error("=http://127.0.0.1:9000").contains("not a host name"));
        assert!(error("a.example=127.0.0.1:9000").contains("not a base URL"));
        assert!(error("a.example=ftp://127.0.0.1").contains("not a base URL"));
        assert!(error("a.example=http://u:p@127.0.0.1").contains("not a base URL"));
    }
}
