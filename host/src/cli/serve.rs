//! `hookyard serve`: a host until somebody stops it.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use hookyard_store::Database;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::{Exit, Failure};
use super::settings::Flags;
use super::{block_on, output};
use crate::config::Config;
use crate::run::Host;
use crate::telemetry;

/// Run Hookyard: webhooks in, signed events out
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard serve                                  on 127.0.0.1:8080, everything in ./hookyard-data
  hookyard serve --public-url https://hooks.acme.com --listen 0.0.0.0:8080
  HOOKYARD_DATABASE=postgres://… hookyard serve   one of several nodes

The first start makes the operator's key and prints it once. The secrets HOOKYARD_OPERATOR_KEY and
HOOKYARD_MASTER_KEY have no flag. `hookyard config` shows every setting and where it comes from.
")]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = self.flags.load()?.config;
        telemetry::start_log(&config.log, config.log_format);
        block_on(serve(config))
    }
}

async fn serve(config: Config) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let mut signals = Signals::listen()?;
    let shown = config.clone();
    let started = tokio::select! {
        started = Host::start(config) => started,
        () = signals.next() => return Ok(Exit::Fine.into()),
    };
    let host = started.map_err(|error| Failure::host("Hookyard could not start").why(format!("{error:#}")))?;
    output::say(&greeting(&shown, &host, began));
    let stop = host.stopper();
    let ended = host.wait();
    tokio::pin!(ended);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = &mut ended => {
                ended.map_err(|error| Failure::host("Hookyard ended by itself").why(format!("{error:#}")))?;
                output::say("stopped");
                return Ok(Exit::Fine.into());
            }
            () = signals.next() => {
                if is_stopping {
                    output::say("stopped at once; what was under way falls due again at the next start");
                    return Ok(Exit::Failed.into());
                }
                is_stopping = true;
                output::say("stopping: what is under way is finished first; once more stops at once");
                stop.cancel();
            }
        }
    }
}

/// What somebody who starts it for the first time needs to know.
fn greeting(config: &Config, host: &Host, began: Instant) -> String {
    let address = host.local_addr();
    let public_url = config.public_url(address);
    let database = match config.store_database() {
        Database::Sqlite { path } => format!("SQLite, {}", path.display()),
        Database::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let mut lines = vec![
        format!("hookyard {}", env!("CARGO_PKG_VERSION")),
        format!("  listen     http://{address}"),
        format!("  webhooks   {public_url}/webhook/{{provider}}"),
        format!("  data       {}", config.data.display()),
        format!("  database   {database}"),
    ];
    if let Some(admin) = host.admin_addr() {
        lines.push(format!("  admin      http://{admin}"));
    }
    if let Some(key) = host.operator_key_once() {
        lines.push(format!("  operator   {key}   keep it: shown once"));
        lines.push(format!("  next       export HOOKYARD_OPERATOR_KEY={key}"));
        lines.push("             hookyard tenant create acme".to_owned());
        lines.push("             hookyard plugin new acme_shop".to_owned());
    }
    let took = began.elapsed();
    lines.push(format!("ready in {}.{} s; Ctrl-C stops", took.as_secs(), took.subsec_millis() / 100));
    lines.join("\n")
}

/// The two signals that ask for an end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::host("could not listen for signals").why(error));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Cancel-safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
