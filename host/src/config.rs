//! What an operator decides, and where each decision came from.
//!
//! A [`Config`] is everything that a host needs to start, already read and checked: [`crate::run`] gets one and asks
//! nobody else, so two hosts in one process can differ and a test can write one down. [`load`] makes it out of four
//! sources, the earlier ones first: flags, the environment (`HOOKYARD_…`), a TOML file, defaults. A source that names
//! a key decides it whole: lists are not put together.
//!
//! Every key is one line of the table in [`setting`], and a flag, a variable and a key of the file are three
//! spellings of it. Whatever nobody knows is an error in the file, where it can only be a typo, and a warning in the
//! environment, which is shared. Secrets have no flag, because other users of the machine can read a command line.
//!
//! It refuses to know what the values do; each consumer says so.

pub mod setting;
pub mod source;
mod file;
pub mod nearest;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookyard_egress::Reroute;
use hookyard_model::limits;
use hookyard_model::secret::Secret;
use hookyard_store::{Database, MasterKey};
use ipnet::IpNet;

use self::setting::{SETTINGS, Setting};
pub use self::source::{Given, Source};
use crate::telemetry::LogFormat;

/// The file that is read, if it is there, where nobody names another.
pub const FILE: &str = "hookyard.toml";

/// Everything that a host needs to start. Its `Debug` is what `hookyard config` shows: no secret, no password.
#[derive(Clone)]
pub struct Config {
    /// Where webhooks and the API are answered. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where the operator's endpoints (`/metrics`) are answered instead of on `listen`.
    pub admin_listen: Option<SocketAddr>,
    /// The folder of everything that is kept: database, master key, compiled plugins.
    pub data: PathBuf,
    /// A PostgreSQL URL, password included; without one the database is a file in `data`.
    pub database: Option<String>,
    /// What providers call, as they call it, without a slash at the end; see [`Config::public_url`].
    pub public_url: Option<String>,
    /// Whether deliveries and fetches may use plain `http` to public addresses.
    pub allow_http: bool,
    /// Networks in which private addresses, plain `http` and any port may be called.
    pub allow_private_network: Vec<IpNet>,
    /// Ports that may be called besides 80, 443 and 8443.
    pub allow_port: Vec<u16>,
    /// Providers' hosts that something else answers for.
    pub provider_host: Vec<Reroute>,
    /// The operator's API key; one is made at the first start where none is given.
    pub operator_key: Option<Secret>,
    /// What seals secrets at rest; one is made in `data` at the first start where none is given.
    pub master_key: Option<MasterKey>,
    /// Which log lines are written, in tracing's syntax. Its syntax has been checked.
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
    /// Threads that run plugins. At least one.
    pub sandbox_threads: usize,
    /// How long a stop waits for what is under way.
    pub shutdown_timeout: Duration,
    /// Days after which settled events are removed; for ever where none.
    pub retention_days: Option<u32>,
    /// A folder whose components are the operator's plugins: one that is put there is loaded.
    pub plugins: Option<PathBuf>,
    /// Runs of flows that one tenant may begin in a day.
    pub runs_per_day: u32,
}

/// A [`Config`] and how it came to be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What the operator should hear: misspelled variables, a file that others may read.
    pub warnings: Vec<String>,
    sources: BTreeMap<&'static str, Source>,
}

/// One key with its value, for `hookyard config`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// As it is called in flags and in the file.
    pub key: &'static str,
    /// As it could be written; `[set]` for secrets.
    pub value: String,
    /// `flag --listen`, `HOOKYARD_LISTEN`, `hookyard.toml:3`, `default`.
    pub source: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value cannot be read.
    #[error("could not read `{key}` from {source_name}: {found} is not {expected}")]
    Value {
        /// Which key.
        key: &'static str,
        /// Where it was written.
        source_name: String,
        /// The value in backticks, or what to call it where it is secret.
        found: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// The file has a key that nobody knows.
    #[error("{file}:{line}: there is no key `{key}`{hint}")]
    UnknownKey {
        /// The file.
        file: String,
        /// Where in it.
        line: usize,
        /// What stands there.
        key: String,
        /// The nearest key, in a question.
        hint: String,
    },
    /// The file is not TOML.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words, line and column among them.
        message: String,
    },
    /// The file cannot be read.
    #[error("could not read the configuration file {file}")]
    File {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: None,
            data: PathBuf::from("./hookyard-data"),
            database: None,
            public_url: None,
            allow_http: false,
            allow_private_network: Vec::new(),
            allow_port: Vec::new(),
            provider_host: Vec::new(),
            operator_key: None,
            master_key: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            sandbox_threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            shutdown_timeout: Duration::from_secs(30),
            retention_days: Some(30),
            plugins: None,
            runs_per_day: limits::RUNS_PER_DAY_MAX,
        }
    }
}

impl Config {
    /// Which database to open.
    #[must_use]
    pub fn store_database(&self) -> Database {
        match &self.database {
            Some(url) => Database::Postgres { url: url.clone() },
            None => Database::Sqlite { path: self.data.join("hookyard.db") },
        }
    }

    /// What providers call, without a slash at the end. Where the operator did not say, it is the address that the
    /// listener was `bound` to (which port 0 leaves open until then), on loopback where that is every address.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        let reachable = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", SocketAddr::new(reachable, bound.port())))
    }
}

/// Puts the four sources together. `flags` are what the command line gave; `environment` is the process's, handed in
/// so that tests have their own; `file` is the one that was asked for, or none to look for [`FILE`].
///
/// # Errors
/// The first value that cannot be, the first key that nobody knows, or a file that cannot be read.
pub fn load(flags: Vec<Given>, environment: &[(String, String)], file: Option<&Path>) -> Result<Loaded, ConfigError> {
    let mut warnings = Vec::new();
    let named = file.map(Path::to_path_buf).or_else(|| source::file_of(environment));
    let from_file = match named {
        Some(path) => file::read(&path, &mut warnings)?,
        None if Path::new(FILE).is_file() => file::read(Path::new(FILE), &mut warnings)?,
        None => Vec::new(),
    };
    let from_environment = source::environment(environment, &mut warnings);
    let mut loaded = Loaded { config: Config::default(), warnings, sources: BTreeMap::new() };
    for given in from_file.into_iter().chain(from_environment).chain(flags) {
        loaded.set(given)?;
    }
    Ok(loaded)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(SETTINGS.iter().map(|setting| (setting.key, (setting.show)(self)))).finish()
    }
}

impl Loaded {
    /// Every key with its value and source, in the table's order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        SETTINGS.iter().map(|setting| self.row(setting)).collect()
    }

    fn row(&self, setting: &Setting) -> Row {
        let source = self.sources.get(setting.key).map_or_else(|| "default".to_owned(), ToString::to_string);
        Row { key: setting.key, value: (setting.show)(&self.config), source }
    }

    fn set(&mut self, given: Given) -> Result<(), ConfigError> {
        let Given { setting, values, source } = given;
        (setting.set)(&mut self.config, &values).map_err(|unfit| ConfigError::Value {
            key: setting.key,
            source_name: source.to_string(),
            found: if setting.is_secret { "the value".to_owned() } else { format!("`{unfit}`") },
            expected: setting.expected,
        })?;
        self.sources.insert(setting.key, source);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
