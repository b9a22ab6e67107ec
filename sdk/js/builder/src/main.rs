//! The command `hookyard-js`, which `hookyard plugin build` runs for a project in JavaScript or TypeScript.
//!
//! It reads files, writes one, and says what is wrong in one sentence on standard error. See [`hookyard_js::build`].

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hookyard_js::World;

const EXAMPLES: &str = "Examples:
  hookyard-js build src/index.ts --world flow --out plugin.wasm
  hookyard-js build src/index.js --world destination --out crm.wasm --quiet";

/// Turns a plugin written in JavaScript or TypeScript into a component for Hookyard.
#[derive(Parser)]
#[command(name = "hookyard-js", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds a component.
    #[command(after_help = EXAMPLES)]
    Build {
        /// The plugin's first module: it exports what flow(), provider() or destination() made, as its default.
        entry: PathBuf,
        /// What kind of plugin it is: flow, provider or destination.
        #[arg(long)]
        world: World,
        /// Where the component goes.
        #[arg(long, value_name = "FILE.wasm")]
        out: PathBuf,
        /// The project's folder, which no import leaves. Without it, the nearest with a hookyard.toml or package.json.
        #[arg(long, value_name = "FOLDER")]
        project: Option<PathBuf>,
        /// Say nothing when all is well.
        #[arg(long)]
        quiet: bool,
    },
}

fn main() -> ExitCode {
    let Command::Build { entry, world, out, project, quiet } = Arguments::parse().command;
    match build(&entry, project.as_deref(), world, &out) {
        Ok(bytes) if !quiet => {
            say(&format!("{}: {world}, {:.1} MiB", out.display(), mebibytes(bytes)));
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn build(entry: &Path, project: Option<&Path>, world: World, out: &Path) -> Result<usize, Box<dyn Error>> {
    let component = hookyard_js::build(entry, project, world)?;
    std::fs::write(out, &component).map_err(|error| format!("could not write `{}`: {error}", out.display()))?;
    Ok(component.len())
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a component is at most some megabytes, and one digit is shown")]
fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Nothing is to be done where standard error is closed.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
