//! `hookyard config` and the flags that it shares with `serve`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::output;
use crate::config::setting;
use crate::config::source::{self, Given, Source};
use crate::config::{self, Loaded};

/// Show every setting, its value and where it comes from
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard config                                     what `hookyard serve` would start with
  HOOKYARD_LISTEN=0.0.0.0:80 hookyard config --json   for a program
  hookyard config --config /etc/hookyard.toml         what a file makes of it

Flags beat variables, variables beat the file, the file beats the defaults. `--allow-port 80` is
HOOKYARD_ALLOW_PORT=80 (lists with commas), and `allow-port = [80]` in the file; so with all.
The secrets `operator-key` and `master-key` have no flag.
")]
pub(super) struct Settings {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// A flag for each setting that is no secret. Their values are read where every source's are, by `config`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// A TOML file [default: hookyard.toml, if it is here] [env: HOOKYARD_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where webhooks and the API are answered [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where /metrics is answered instead
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// The folder of all that is kept [default: ./hookyard-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// postgres://user:password@host/database [default: a file in --data]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// What providers call [default: http://ADDRESS]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Deliver to plain http, too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    allow_http: Option<String>,
    /// A network whose private addresses may be called (repeatable)
    #[arg(long, value_name = "CIDR")]
    allow_private_network: Vec<String>,
    /// A port that may be called besides 80, 443 and 8443 (repeatable)
    #[arg(long, value_name = "PORT")]
    allow_port: Vec<String>,
    /// Answer for a provider's host elsewhere, in tests (repeatable)
    #[arg(long, value_name = "HOST=URL")]
    provider_host: Vec<String>,
    /// Which log lines are written [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// `text` or `json` [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Threads that run plugins [default: one a core]
    #[arg(long, value_name = "N")]
    sandbox_threads: Option<String>,
    /// How long a stop waits for what is under way [default: 30]
    #[arg(long, value_name = "SECONDS")]
    shutdown_timeout: Option<String>,
    /// Days until settled events are removed, or `forever` [default: 30]
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<String>,
    /// A folder whose components are loaded, and watched, for all tenants
    #[arg(long, value_name = "DIR")]
    plugins: Option<String>,
    /// Runs of flows that one tenant may begin in a day [default: 100000]
    #[arg(long, value_name = "N")]
    runs_per_day: Option<String>,
}

impl Settings {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let loaded = self.flags.load()?;
        if self.json {
            return output::json(&loaded.rows());
        }
        let head = ["KEY", "VALUE", "FROM"].map(str::to_owned).to_vec();
        let or_none = |value: String| if value.is_empty() { "-".to_owned() } else { value };
        let rows = loaded.rows().into_iter().map(|row| vec![row.key.to_owned(), or_none(row.value), row.source]);
        output::text(&output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()))
    }
}

impl Flags {
    /// Puts the sources together, and says what the operator should hear.
    pub(super) fn load(self) -> Result<Loaded, Failure> {
        let file = self.config.clone();
        let loaded = config::load(self.given(), &source::process_environment(), file.as_deref())?;
        for warning in &loaded.warnings {
            output::say(&format!("warning: {warning}"));
        }
        Ok(loaded)
    }

    fn given(self) -> Vec<Given> {
        let one = |key, value: Option<String>| (key, value.into_iter().collect::<Vec<_>>());
        let flags = [
            one("listen", self.listen),
            one("admin-listen", self.admin_listen),
            one("data", self.data),
            one("database", self.database),
            one("public-url", self.public_url),
            one("allow-http", self.allow_http),
            ("allow-private-network", self.allow_private_network),
            ("allow-port", self.allow_port),
            ("provider-host", self.provider_host),
            one("log", self.log),
            one("log-format", self.log_format),
            one("sandbox-threads", self.sandbox_threads),
            one("shutdown-timeout", self.shutdown_timeout),
            one("retention-days", self.retention_days),
            one("plugins", self.plugins),
            one("runs-per-day", self.runs_per_day),
        ];
        let given = flags.into_iter().filter(|(_, values)| !values.is_empty());
        given
            .filter_map(|(key, values)| Some(Given { setting: setting::find(key)?, values, source: Source::Flag(key) }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{FromArgMatches, Parser};

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        flags: Flags,
    }

    #[test]
    fn every_setting_that_is_no_secret_has_a_flag_and_every_flag_arrives() {
        let open: Vec<_> = setting::SETTINGS.iter().filter(|setting| !setting.is_secret).collect();
        let command = Flags::augment_args(clap::Command::new("x"));
        let flags: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        for setting in &open {
            assert!(flags.contains(&setting.key), "{}", setting.key);
        }
        assert_eq!(flags.len(), open.len() + 1, "one more: --config");
        let arguments = open.iter().map(|setting| format!("--{}=1", setting.key));
        let matches = command.get_matches_from(std::iter::once("x".to_owned()).chain(arguments));
        let given = Flags::from_arg_matches(&matches).unwrap().given();
        assert_eq!(given.len(), open.len());
    }

    #[test]
    fn a_switch_needs_no_value_and_does_not_swallow_the_next_word() {
        let given = Only::parse_from(["x", "--allow-http", "--allow-port", "1", "--allow-port", "2"]).flags.given();
        let values: Vec<_> = given.into_iter().map(|given| given.values).collect();
        assert_eq!(values, [vec!["true".to_owned()], vec!["1".into(), "2".into()]]);
    }
}
