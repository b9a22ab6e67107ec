//! `hookyard plugin build`: the language's own tools, then the same check that an upload goes through.

mod rust;
mod js;
mod python;
mod python_sdk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hookyard_model::plugin::World;

use super::inspect::{self, Inspected};
use super::project::{Lang, Project};
use crate::cli::failure::Failure;
use crate::cli::{block_on, output};

/// Build a plugin, and check that Hookyard can run it
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin build                               the plugin in this folder
  hookyard plugin build plugins/acme_shop
  WASM=$(hookyard plugin build)                       the component's path alone is on standard output

Rust needs cargo and the target wasm32-wasip2; JavaScript and TypeScript hookyard-js (HOOKYARD_JS); Python
componentize-py (HOOKYARD_COMPONENTIZE_PY). Then the component is loaded and asked to describe itself.
")]
pub(in crate::cli) struct Build {
    /// The folder with hookyard.toml or Cargo.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A component, and what its author says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Component {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) declared: Option<World>,
}

impl Build {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let component = build(&self.dir)?;
        let inspected = block_on(async { inspect::inspect(&component).await.map(|(inspected, ..)| inspected) })?;
        report(&inspected, self.json)
    }
}

fn report(inspected: &Inspected, json: bool) -> Result<ExitCode, Failure> {
    if json {
        return output::json(inspected);
    }
    output::say(&format!("{}; next: hookyard plugin check", inspected.line()));
    output::line(&inspected.path.display().to_string())
}

/// Builds the plugin in `dir`.
pub(super) fn build(dir: &Path) -> Result<Component, Failure> {
    let project = Project::read(dir)?;
    let path = match project.lang {
        Lang::Rust => rust::build(&project)?,
        Lang::Ts | Lang::Js => js::build(&project)?,
        Lang::Python => python::build(&project)?,
    };
    Ok(Component { path, declared: project.world })
}
