//! The way to a host: its URL, a key, and on whose behalf.
//!
//! Keys come from the environment alone, for a command line is seen by other users of the machine and kept by shells.

use clap::Args;
use hookyard_egress::api_client::ApiClient;

use super::failure::{Exit, Failure};

const URL: &str = "http://127.0.0.1:8080";
const TENANTS_KEY: &str = "HOOKYARD_KEY";
const OPERATORS_KEY: &str = "HOOKYARD_OPERATOR_KEY";

/// Where the host is.
#[derive(Debug, Args)]
#[command(next_help_heading = "The host (its key is HOOKYARD_KEY or HOOKYARD_OPERATOR_KEY)")]
pub(super) struct Remote {
    /// Its URL [default: http://127.0.0.1:8080]
    #[arg(long, env = "HOOKYARD_URL", hide_env_values = true)]
    url: Option<String>,
}

/// Where the host is, and on whose behalf.
#[derive(Debug, Args)]
pub(super) struct OnBehalf {
    /// On whose behalf, with the operator's key
    #[arg(long, env = "HOOKYARD_TENANT", value_name = "ten_…", hide_env_values = true)]
    tenant: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Whose key a command would rather use, where both are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefer {
    Tenants,
    Operators,
}

impl Remote {
    /// A client with the key of the environment; with `tenant`, on its behalf.
    pub(super) fn client(&self, prefer: Prefer, tenant: Option<&str>) -> Result<ApiClient, Failure> {
        let url = self.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(URL);
        let key = key(prefer, |name| std::env::var(name).ok())?;
        let client = match tenant {
            Some(tenant) => ApiClient::for_tenant(url, &key, tenant, &[])?,
            None => ApiClient::new(url, &key, &[])?,
        };
        Ok(client)
    }
}

impl OnBehalf {
    /// A client that acts for a tenant.
    pub(super) fn client(&self) -> Result<ApiClient, Failure> {
        self.remote.client(Prefer::Tenants, self.tenant.as_deref().filter(|tenant| !tenant.is_empty()))
    }
}

fn key(prefer: Prefer, variable: impl Fn(&str) -> Option<String>) -> Result<String, Failure> {
    let names = match prefer {
        Prefer::Tenants => [TENANTS_KEY, OPERATORS_KEY],
        Prefer::Operators => [OPERATORS_KEY, TENANTS_KEY],
    };
    let found = names.iter().filter_map(|name| variable(name)).find(|key| !key.trim().is_empty());
    found.map(|key| key.trim().to_owned()).ok_or_else(|| {
        let [first, other] = names;
        Failure::new(Exit::Auth, format!("there is no API key: neither {first} nor {other} is set"))
            .fix(format!("export {first}=hy_…; the operator's was printed by the first `hookyard serve`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_fits_the_command_is_used_first() {
        let both = |name: &str| Some(format!(" {name} "));
        assert_eq!(key(Prefer::Tenants, both).unwrap(), TENANTS_KEY);
        assert_eq!(key(Prefer::Operators, both).unwrap(), OPERATORS_KEY);
        let one = |name: &str| (name == OPERATORS_KEY).then(|| "k".to_owned());
        assert_eq!(key(Prefer::Tenants, one).unwrap(), "k");
        assert_eq!(key(Prefer::Tenants, |_| Some(String::new())).unwrap_err().exit, Exit::Auth);
    }
}
