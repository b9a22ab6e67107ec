//! The keys: one table, from which flags, variables, the file and `hookyard config` are read and checked.
//!
//! A value is text until it is set, whatever source it came from, so that all three spell it alike: a list in a file
//! is an array, in the environment a line with commas, on the command line a flag that is repeated.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use hookyard_egress::Reroute;
use hookyard_model::secret::{Secret, SecretFormat};
use hookyard_store::{Database, MasterKey};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::Config;
use crate::telemetry::LogFormat;

/// The shortest operator's key that is taken, in characters: it opens everything, and guessing it is free.
const OPERATOR_KEY_CHARS_MIN: usize = 24;
/// More threads than any machine that this will run on has cores.
const SANDBOX_THREADS_MAX: usize = 512;
const FOREVER: &str = "forever";

/// One key.
pub struct Setting {
    /// As in the file and, behind two hyphens, on the command line.
    pub key: &'static str,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether it is never shown, and has no flag.
    pub is_secret: bool,
    /// What a value is, to end the sentence "`x` is not …".
    pub expected: &'static str,
    /// Sets it; gives back what did not fit.
    pub(super) set: fn(&mut Config, &[String]) -> Result<(), String>,
    /// Its value as it could be written.
    pub(super) show: fn(&Config) -> String,
}

impl Setting {
    /// The key's spelling in the environment.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("HOOKYARD_{}", self.key.to_ascii_uppercase().replace('-', "_"))
    }
}

/// The setting of this key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// All of them, in the order in which an operator meets them.
pub static SETTINGS: [Setting; 18] = [
    Setting {
        expected: "an address and port, such as 127.0.0.1:8080",
        set: |config, values| one(values).map(|address| config.listen = address),
        show: |config| config.listen.to_string(),
        ..value("listen")
    },
    Setting {
        expected: "an address and port, such as 127.0.0.1:9090",
        set: |config, values| one(values).map(|address| config.admin_listen = Some(address)),
        show: |config| optional(config.admin_listen.as_ref()),
        ..value("admin-listen")
    },
    Setting {
        expected: "the path of a folder",
        set: |config, values| one(values).map(|path| config.data = path),
        show: |config| config.data.display().to_string(),
        ..value("data")
    },
    Setting {
        expected: "a URL like postgres://user:password@host/database",
        set: |config, values| one_if(values, is_postgres).map(|url| config.database = Some(url)),
        show: |config| match config.store_database() {
            Database::Postgres { url } => without_password(&url),
            Database::Sqlite { path } => path.display().to_string(),
        },
        ..value("database")
    },
    Setting {
        expected: "a URL like https://hooks.example.com, without a query",
        set: |config, values| {
            let url = one_if(values, is_base_url)?;
            config.public_url = Some(url.trim_end_matches('/').to_owned());
            Ok(())
        },
        show: |config| config.public_url.clone().unwrap_or_else(|| config.public_url(config.listen)),
        ..value("public-url")
    },
    Setting {
        expected: "`true` or `false`",
        set: |config, values| one(values).map(|allowed| config.allow_http = allowed),
        show: |config| config.allow_http.to_string(),
        ..value("allow-http")
    },
    Setting {
        is_list: true,
        expected: "a network like 10.0.0.0/8; one address is 10.0.0.5/32",
        set: |config, values| all::<IpNet>(values).map(|networks| config.allow_private_network = networks),
        show: |config| list(&config.allow_private_network),
        ..value("allow-private-network")
    },
    Setting {
        is_list: true,
        expected: "a port from 1 to 65535",
        set: |config, values| {
            config.allow_port = all::<std::num::NonZeroU16>(values)?.into_iter().map(u16::from).collect();
            Ok(())
        },
        show: |config| list(&config.allow_port),
        ..value("allow-port")
    },
    Setting {
        is_list: true,
        expected: "a host and a base URL, such as graph.facebook.com=http://127.0.0.1:9000",
        set: |config, values| all::<Reroute>(values).map(|reroutes| config.provider_host = reroutes),
        show: |config| {
            let reroutes = config.provider_host.iter();
            list(&reroutes.map(|reroute| format!("{}={}", reroute.host, reroute.to)).collect::<Vec<_>>())
        },
        ..value("provider-host")
    },
    Setting {
        is_secret: true,
        expected: "a key of at least 24 letters, digits and signs, without a blank",
        set: |config, values| {
            let text: String = one_if(values, is_operator_key)?;
            config.operator_key = Secret::from_pasted(&text, SecretFormat::Text).map(Some).map_err(|_| text)?;
            Ok(())
        },
        show: |config| redacted(config.operator_key.is_some()),
        ..value("operator-key")
    },
    Setting {
        is_secret: true,
        expected: "32 bytes in base64 or hexadecimal, as `openssl rand -base64 32` makes them",
        set: |config, values| {
            let text: String = one(values)?;
            config.master_key = MasterKey::from_text(&text).map(Some).map_err(|_| text)?;
            Ok(())
        },
        show: |config| redacted(config.master_key.is_some()),
        ..value("master-key")
    },
    Setting {
        expected: "a log filter, such as `info` or `hookyard=debug,warn`",
        set: |config, values| one_if(values, |filter| EnvFilter::try_new(filter).is_ok()).map(|log| config.log = log),
        show: |config| config.log.clone(),
        ..value("log")
    },
    Setting {
        expected: "`text` or `json`",
        set: |config, values| {
            let text: String = one(values)?;
            config.log_format = LogFormat::from_str(&text, false).map_err(|_| text)?;
            Ok(())
        },
        show: |config| match config.log_format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        },
        ..value("log-format")
    },
    Setting {
        expected: "a number of threads from 1 to 512",
        set: |config, values| {
            let threads = one_if(values, |text| {
                text.parse::<usize>().is_ok_and(|threads| (1..=SANDBOX_THREADS_MAX).contains(&threads))
            })?;
            config.sandbox_threads = threads.parse().map_err(|_| threads)?;
            Ok(())
        },
        show: |config| config.sandbox_threads.to_string(),
        ..value("sandbox-threads")
    },
    Setting {
        expected: "a number of seconds",
        set: |config, values| {
            config.shutdown_timeout = Duration::from_secs(u64::from(one::<u32>(values)?));
            Ok(())
        },
        show: |config| config.shutdown_timeout.as_secs().to_string(),
        ..value("shutdown-timeout")
    },
    Setting {
        expected: "a number of days, at least 1, or `forever`",
        set: |config, values| {
            let text: String = one(values)?;
            config.retention_days = match text.as_str() {
                FOREVER => None,
                days => Some(days.parse::<std::num::NonZeroU32>().map_err(|_| text)?.get()),
            };
            Ok(())
        },
        show: |config| config.retention_days.map_or_else(|| FOREVER.to_owned(), |days| days.to_string()),
        ..value("retention-days")
    },
    Setting {
        expected: "a folder",
        set: |config, values| {
            config.plugins = Some(one(values)?);
            Ok(())
        },
        show: |config| config.plugins.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default(),
        ..value("plugins")
    },
    Setting {
        expected: "a number of runs, at least 1",
        set: |config, values| {
            config.runs_per_day = one::<std::num::NonZeroU32>(values)?.get();
            Ok(())
        },
        show: |config| config.runs_per_day.to_string(),
        ..value("runs-per-day")
    },
];

/// What most keys have in common; each says the rest.
const fn value(key: &'static str) -> Setting {
    Setting { key, is_list: false, is_secret: false, expected: "", set: |_, _| Ok(()), show: |_| String::new() }
}

/// The only value, read.
fn one<T: FromStr>(values: &[String]) -> Result<T, String> {
    match values {
        [value] => value.parse().map_err(|_| value.clone()),
        several => Err(several.join(", ")),
    }
}

fn one_if(values: &[String], fits: impl FnOnce(&str) -> bool) -> Result<String, String> {
    let text: String = one(values)?;
    if fits(&text) { Ok(text) } else { Err(text) }
}

fn all<T: FromStr>(values: &[String]) -> Result<Vec<T>, String> {
    values.iter().map(|value| value.parse().map_err(|_| value.clone())).collect()
}

fn optional<T: Display>(value: Option<&T>) -> String {
    value.map(T::to_string).unwrap_or_default()
}

fn list<T: Display>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn redacted(is_set: bool) -> String {
    if is_set { "[set]".to_owned() } else { String::new() }
}

fn is_postgres(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"))
}

fn is_base_url(text: &str) -> bool {
    let bare =
        |url: &Url| url.has_host() && url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && bare(&url))
}

fn is_operator_key(text: &str) -> bool {
    text.chars().count() >= OPERATOR_KEY_CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A database's URL, its password and its parameters (which may hold one, too) taken out.
fn without_password(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "[set]".to_owned() };
    if url.password().is_some() && url.set_password(Some("REDACTED")).is_err() {
        return "[set]".to_owned();
    }
    if url.query().is_some() {
        url.set_query(Some("REDACTED"));
    }
    url.to_string().replace("REDACTED", "[set]")
}
