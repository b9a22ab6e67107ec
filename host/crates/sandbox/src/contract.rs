//! Imports and exports against a world, by name.
//!
//! The linker would refuse what does not fit as well, but in the words of the component model. Here each name that
//! is too much or missing is told to the author, with what to do instead. Types are the linker's business.

use hookyard_model::plugin::World;
use serde::Serialize;
use wasmtime::Engine;
use wasmtime::component::Component;

/// What a component asks for and offers, as it is written in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// Names of imports, such as `hookyard:plugin/http@0.1.0`.
    pub imports: Vec<String>,
    /// Names of exports.
    pub exports: Vec<String>,
}

/// Interfaces of WASI that a guest may import: each is virtual, see [`crate::wasi`].
const VIRTUAL: [&str; 19] = [
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:filesystem/preopens",
];

const PACKAGE: &str = "hookyard:plugin/";
const SUPPORTED: &str = "0.1.";

impl Interface {
    pub(crate) fn of(engine: &Engine, component: &Component) -> Self {
        let shape = component.component_type();
        Self {
            imports: shape.imports(engine).map(|(name, _)| name.to_owned()).collect(),
            exports: shape.exports(engine).map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// The world that the exports implement.
    pub(crate) fn world(&self) -> Result<World, String> {
        let exported =
            |name: &str| self.exports.iter().any(|export| interface_name(export) == format!("{PACKAGE}{name}"));
        if exported("provider") {
            self.check_version()?;
            return Ok(World::Provider);
        }
        for later in ["destination", "flow"] {
            if exported(later) {
                return Err(format!("this component is a {later}, and this version of Hookyard runs providers only"));
            }
        }
        let found =
            if self.exports.is_empty() { "nothing".to_owned() } else { format!("`{}`", self.exports.join("`, `")) };
        Err(format!(
            "the component exports {found}, and a provider exports `hookyard:plugin/provider@0.1.0`: implement the SDK's \
             `Provider` and export it with its macro"
        ))
    }

    /// Whether every import is one that `world` grants.
    pub(crate) fn check_imports(&self, world: World) -> Result<(), String> {
        let granted = match world {
            World::Provider => ["types", "manifests", "log", "secrets", "http"],
        };
        for import in &self.imports {
            let name = interface_name(import);
            let ours = name.strip_prefix(PACKAGE).is_some_and(|name| granted.contains(&name));
            if ours || VIRTUAL.contains(&name) {
                continue;
            }
            return Err(format!(
                "the component imports `{import}`, which a {} may not: {}",
                world.as_str(),
                instead(name)
            ));
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), String> {
        let ours = self.imports.iter().chain(&self.exports).filter(|name| name.starts_with(PACKAGE));
        for name in ours {
            let version = name.split_once('@').map_or("", |(_, version)| version);
            if !version.starts_with(SUPPORTED) {
                return Err(format!(
                    "the component uses `{name}`, and this host speaks version {SUPPORTED}x of the contract: build it with \
                     the SDK of this release"
                ));
            }
        }
        Ok(())
    }
}

fn interface_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

fn instead(name: &str) -> &'static str {
    if name.starts_with("wasi:http") || name.starts_with("wasi:sockets") {
        "plugins have no network; ask the host with `http.fetch`, for hosts that the manifest names"
    } else if name.starts_with("wasi:filesystem") {
        "plugins have no files; what they need to know comes in their arguments and settings"
    } else if name.starts_with(PACKAGE) {
        "its world has `log`, `secrets` and `http`, and nothing else"
    } else {
        "remove the dependency that needs it, or build with the SDK, which does not"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(imports: &[&str], exports: &[&str]) -> Interface {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Interface { imports: own(imports), exports: own(exports) }
    }

    #[test]
    fn a_provider_may_import_what_its_world_grants_and_virtual_wasi_of_any_patch() {
        let fine = interface(
            &["hookyard:plugin/log@0.1.0", "hookyard:plugin/http@0.1.2", "wasi:io/streams@0.2.3"],
            &["hookyard:plugin/provider@0.1.0"],
        );
        assert_eq!(fine.world(), Ok(World::Provider));
        assert_eq!(fine.check_imports(World::Provider), Ok(()));
    }

    #[test]
    fn each_import_that_is_not_granted_is_named_with_what_to_do() {
        for (import, says) in [
            ("wasi:http/outgoing-handler@0.2.0", "http.fetch"),
            ("wasi:sockets/tcp@0.2.0", "http.fetch"),
            ("wasi:filesystem/types@0.2.0", "no files"),
            ("hookyard:plugin/state@0.1.0", "and nothing else"),
            ("hookyard:plugin/httpx@0.1.0", "and nothing else"),
            ("env", "remove the dependency"),
        ] {
            let error = interface(&[import], &[]).check_imports(World::Provider).unwrap_err();
            assert!(error.contains(import) && error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_missing_export_and_a_foreign_version_are_named() {
        assert!(interface(&[], &["run"]).world().unwrap_err().contains("`run`"));
        assert!(interface(&[], &["hookyard:plugin/flow@0.1.0"]).world().unwrap_err().contains("flow"));
        assert!(interface(&[], &["hookyard:plugin/provider@0.2.0"]).world().unwrap_err().contains("0.2.0"));
    }
}
