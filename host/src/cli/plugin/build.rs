//! `hookyard plugin build`: cargo, then the same check that an upload goes through.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use serde::Deserialize;

use super::inspect::{self, Inspected};
use crate::cli::failure::Failure;
use crate::cli::{block_on, output};

const TARGET: &str = "wasm32-wasip2";

/// Build a plugin, and check that Hookyard can run it
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin build                               the plugin in this folder
  hookyard plugin build plugins/acme_shop
  WASM=$(hookyard plugin build)                       the component's path alone is on standard output

It runs `cargo build --release --target wasm32-wasip2`, then loads the component and asks it to describe itself.
")]
pub(in crate::cli) struct Build {
    /// The folder with Cargo.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What cargo says of something that it made.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Build {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let path = build(&self.dir)?;
        let inspected = block_on(async { inspect::inspect(&path).await.map(|(inspected, ..)| inspected) })?;
        report(&inspected, self.json)
    }
}

fn report(inspected: &Inspected, json: bool) -> Result<ExitCode, Failure> {
    if json {
        return output::json(inspected);
    }
    let Inspected { manifest, world, bytes, path, .. } = inspected;
    output::say(&format!(
        "{} `{}`, {}; next: hookyard plugin check",
        world.as_str(),
        manifest.id,
        output::size(*bytes)
    ));
    output::line(&path.display().to_string())
}

/// Builds the package in `dir`; the path of its component.
pub(super) fn build(dir: &Path) -> Result<PathBuf, Failure> {
    let manifest = dir.join("Cargo.toml");
    let here = dir.display().to_string();
    let manifest = std::fs::canonicalize(&manifest).map_err(|_| {
        Failure::usage("there is no Cargo.toml")
            .at(&here)
            .fix("name the plugin's folder, or make one: hookyard plugin new NAME")
    })?;
    check_target(dir)?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(dir).args([
        "build",
        "--release",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
    ]);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(no_cargo)?;
    if !output.status.success() {
        return Err(Failure::user("the plugin does not build").at(&here).why("cargo says it above"));
    }
    component(&output.stdout, &manifest).ok_or_else(|| {
        Failure::user("the package makes no component")
            .at(manifest.display().to_string())
            .fix("add to it: [lib] crate-type = [\"cdylib\", \"rlib\"]")
    })
}

/// The component among what cargo made for this manifest.
fn component(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let made = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let ours = made.filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest);
    ours.flat_map(|message| message.filenames).find(|file| file.extension().is_some_and(|kind| kind == "wasm"))
}

/// Whether the compiler that this folder uses knows components; cargo's own message about it is long.
fn check_target(dir: &Path) -> Result<(), Failure> {
    let sysroot = Command::new("rustc").current_dir(dir).args(["--print", "sysroot"]).stderr(Stdio::inherit()).output();
    let sysroot = sysroot.map_err(no_cargo)?;
    let libraries = Path::new(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib").join(TARGET);
    if sysroot.status.success() && !libraries.is_dir() {
        return Err(Failure::user(format!("Rust's target {TARGET} is not installed"))
            .fix(format!("rustup target add {TARGET}")));
    }
    Ok(())
}

fn no_cargo(error: std::io::Error) -> Failure {
    Failure::user("could not run Rust's tools")
        .why(error)
        .fix(format!("install Rust (https://rustup.rs), then: rustup target add {TARGET}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_one_of_this_manifest() {
        let messages = br#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","filenames":["/t/a.rlib"]}
{"reason":"compiler-artifact","manifest_path":"/b/Cargo.toml","filenames":["/t/libb.rlib","/t/b.wasm"]}
not json
{"reason":"build-finished","success":true}"#;
        assert_eq!(component(messages, Path::new("/b/Cargo.toml")), Some("/t/b.wasm".into()));
        assert_eq!(component(messages, Path::new("/a/Cargo.toml")), None);
    }

    #[test]
    fn a_folder_without_a_package_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(build(folder.path()).unwrap_err().fix.unwrap().contains("plugin new"));
    }
}
