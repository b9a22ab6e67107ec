//! Rust: cargo, for the target whose output is a component already.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::cli::failure::Failure;
use crate::cli::plugin::project::Project;

const TARGET: &str = "wasm32-wasip2";

/// What cargo says of something that it made.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds the package; the path of its component.
pub(super) fn build(project: &Project) -> Result<PathBuf, Failure> {
    let (dir, here) = (project.folder.as_path(), project.shown());
    let manifest = dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Failure::usage("there is no Cargo.toml").at(here));
    }
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
}
