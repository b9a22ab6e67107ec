//! Guests as part of an ordinary `cargo build`: packages of this workspace, compiled for the sandbox.
//!
//! They go to a target folder of their own beside the host's, because cargo holds a lock on the one it is building in,
//! and because there they serve every profile of the host. `OUT_DIR` gets a copy of each component for
//! `include_bytes!`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds each package for `wasm32-wasip2` and copies its component to `OUT_DIR/<package>.wasm`.
pub(crate) fn build(packages: &[&str]) {
    let root = workspace();
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    let target = target_folder(&out);
    for source in ["plugins", "sdk/rust", "wit", "tests/guests", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.current_dir(&root).args(["build", "--locked", "--profile", "guest", "--target", "wasm32-wasip2"]);
    cargo.arg("--target-dir").arg(&target);
    for package in packages {
        cargo.args(["-p", package]);
    }
    // What the outer cargo set up for the host (clippy's driver, flags, linkers) is not for guests.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let keeps = ["CARGO_HOME", "CARGO_NET_OFFLINE", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&text.as_ref());
        if (text.starts_with("CARGO") || text.starts_with("RUST")) && !keeps {
            cargo.env_remove(&name);
        }
    }
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(_) => fail("the plugins did not build; if the target is missing: rustup target add wasm32-wasip2"),
        Err(error) => fail(&format!("could not run cargo for the plugins: {error}")),
    }
    for package in packages {
        let component = target.join("wasm32-wasip2/guest").join(format!("{package}.wasm"));
        if let Err(error) = std::fs::copy(&component, out.join(format!("{package}.wasm"))) {
            fail(&format!("could not copy {}: {error}", component.display()));
        }
    }
}

fn workspace() -> PathBuf {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// `OUT_DIR` is `<target>/<profile>/build/<package>/out`; guests go to `<target>/guests`.
fn target_folder(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("guests")
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    std::process::exit(1);
}
