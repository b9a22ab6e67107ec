//! The command line: one file a command, and what they share.
//!
//! Standard output is data and nothing else, so that it can be piped; everything that is said to the person goes to
//! standard error. A command that fails says what, where, why and what to do (`failure`), and ends with one of six
//! codes, so that a script can tell a wrong key from a host that is down. Help begins with examples and fits on a
//! screen; the tests hold it to that.
//!
//! Commands that work on a host speak to its API like anybody else (`remote`): nothing here opens a database that a
//! host might have open.

mod failure;
mod output;
mod diff;
mod given;
mod remote;

mod serve;
mod demo;
mod plugin;
mod flow;
mod event;
mod tenant;
mod key;
mod verify;
mod settings;
mod openapi;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::failure::{Exit, Failure};

/// The hidden command with which this program starts itself to compile a component.
pub const COMPILE_ARGUMENT: &str = "compile-component";

/// What a person sees who types `hookyard` and nothing else.
const OVERVIEW: &str = "\
hookyard - a self-hosted gateway for webhooks and leads, with sandboxed plugins

Start here
  hookyard demo                              everything at once, with made-up providers and receivers
  hookyard serve --data ./hookyard-data      run it; the first start prints the operator's key
  hookyard plugin new acme_shop              write a provider;  then: hookyard plugin dev acme_shop
  hookyard plugin new router --world flow --lang ts     write an automation, in TypeScript
  hookyard flow replay run_…                 have a run of it again, here, byte for byte

Run        serve  demo  config
Build      plugin new  plugin build  plugin check  plugin dev
Manage     plugin push  plugin rollback  tenant create  tenant list  key create
Flows      flow create  flow list  flow show  flow pause  flow resume  flow delete
           flow activate  flow rollback  flow test  flow compare
Runs       flow runs  flow run  flow retry  flow replay
Debug      event publish  verify  openapi

`hookyard COMMAND --help` shows examples and every option. Exit codes: 0 fine, 1 your code or tests,
2 usage, 3 key, 4 not found, 5 the host failed or cannot be reached.
";

/// How the help of each command is laid out: examples first.
const TEMPLATE: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

#[derive(Debug, Parser)]
#[command(name = "hookyard", version, override_help = OVERVIEW, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Commands>,
}

#[derive(Debug, Subcommand)]
enum Commands {
    Serve(serve::Serve),
    Demo(demo::Demo),
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    #[command(subcommand)]
    Flow(flow::Flow),
    #[command(subcommand)]
    Event(event::Event),
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    #[command(subcommand)]
    Key(key::Key),
    Verify(verify::Verify),
    Config(settings::Settings),
    Openapi(openapi::Openapi),
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything is started: the compiling child limits its own address space, and wants none of ours.
    if std::env::args_os().nth(1).is_some_and(|first| first == COMPILE_ARGUMENT) {
        return hookyard_sandbox::compile_child();
    }
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Where the message cannot be written, the code still tells.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Fine.into() };
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        None => output::text(OVERVIEW),
        Some(Commands::Serve(serve)) => serve.run(),
        Some(Commands::Demo(demo)) => demo.run(),
        Some(Commands::Plugin(plugin)) => plugin.run(),
        Some(Commands::Flow(flow)) => flow.run(),
        Some(Commands::Event(event)) => event.run(),
        Some(Commands::Tenant(tenant)) => tenant.run(),
        Some(Commands::Key(key)) => key.run(),
        Some(Commands::Verify(verify)) => verify.run(),
        Some(Commands::Config(settings)) => settings.run(),
        Some(Commands::Openapi(openapi)) => openapi.run(),
    }
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(arguments)?)
}

/// The commands, each laid out alike.
fn command() -> Command {
    fn lay_out(command: Command) -> Command {
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let command = if command.has_subcommands() {
            command.disable_help_subcommand(true)
        } else {
            command.help_template(TEMPLATE)
        };
        names.into_iter().fold(command, |command, name| command.mut_subcommand(name, lay_out))
    }
    lay_out(Cli::command())
}

/// Runs a command that waits for things.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::host("could not start the runtime").why(error))?;
    let result = runtime.block_on(work);
    // What still runs is of no interest any more, and a file system that hangs must not keep the program.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests;
