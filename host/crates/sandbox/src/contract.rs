//! Imports and exports against a world, by name.
//!
//! The linker would refuse what does not fit as well, but in the words of the component model. Here each name that
//! is too much or missing is told to the author, with what to do instead. Types are the linker's business.

use std::time::Duration;

use hookyard_model::limits;
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

/// Which limits a component has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// The author's code is WebAssembly itself: Rust, C, Go.
    Compiled,
    /// The author's code is run by an interpreter in the component: JavaScript, Python. Larger, and slower.
    Interpreted,
}

impl Class {
    /// The largest component, in bytes.
    #[must_use]
    pub fn component_bytes_max(self) -> usize {
        match self {
            Self::Compiled => limits::COMPONENT_BYTES_MAX,
            Self::Interpreted => limits::COMPONENT_INTERPRETED_BYTES_MAX,
        }
    }

    /// The most memory, summed, in bytes.
    #[must_use]
    pub fn memory_bytes_max(self) -> usize {
        match self {
            Self::Compiled => limits::GUEST_MEMORY_BYTES_MAX,
            Self::Interpreted => limits::GUEST_INTERPRETED_MEMORY_BYTES_MAX,
        }
    }

    /// What a budget of CPU is for it.
    #[must_use]
    pub fn cpu(self, budget: Duration) -> Duration {
        match self {
            Self::Compiled => budget,
            Self::Interpreted => budget.saturating_mul(limits::GUEST_INTERPRETED_CPU_FACTOR),
        }
    }
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

/// Packages that an interpreter links and that have nothing behind them.
const UNUSED: [&str; 2] = ["wasi:filesystem", "wasi:sockets"];

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
        let is_exported = |world: &&World| {
            let wanted = format!("{PACKAGE}{}", world.as_str());
            self.exports.iter().any(|export| interface_name(export) == wanted)
        };
        let mut worlds = World::ALL.into_iter().filter(|world| is_exported(&world));
        match (worlds.next(), worlds.next()) {
            (Some(world), None) => self.check_version().map(|()| world),
            (Some(one), Some(other)) => {
                Err(format!("the component is a {} and a {}: make it two plugins", one.as_str(), other.as_str()))
            }
            (None, _) => {
                let found = if self.exports.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("`{}`", self.exports.join("`, `"))
                };
                Err(format!(
                    "the component exports {found}, and a plugin exports `hookyard:plugin/provider@0.1.0`, \
                     `hookyard:plugin/destination@0.1.0` or `hookyard:plugin/flow@0.1.0`: write it with the SDK, which \
                     does"
                ))
            }
        }
    }

    /// Which limits it has: a component that exports more than its world carries an interpreter, whose toolchain put
    /// that there.
    pub(crate) fn class(&self) -> Class {
        let is_more = |export: &String| !export.starts_with(PACKAGE);
        if self.exports.iter().any(is_more) { Class::Interpreted } else { Class::Compiled }
    }

    /// Whether every import is one that `world` grants. An interpreter links all of WASI, whether or not the author
    /// uses it; what is not virtual traps when it is called.
    pub(crate) fn check_imports(&self, world: World, class: Class) -> Result<(), String> {
        let granted: &[&str] = match world {
            World::Provider => &["types", "manifests", "log", "secrets", "http"],
            World::Destination => &["types", "manifests", "log", "http"],
            World::Flow => &["types", "manifests", "log", "http", "state", "clock"],
        };
        for import in &self.imports {
            let name = interface_name(import);
            let ours = name.strip_prefix(PACKAGE).is_some_and(|name| granted.contains(&name));
            let is_linked_unused = class == Class::Interpreted
                && UNUSED.iter().any(|package| name.strip_prefix(package).is_some_and(|rest| rest.starts_with('/')));
            if ours || VIRTUAL.contains(&name) || is_linked_unused {
                continue;
            }
            return Err(format!(
                "the component imports `{import}`, which a {} may not: {}",
                world.as_str(),
                instead(name, granted)
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

fn instead(name: &str, granted: &[&str]) -> String {
    if name.starts_with("wasi:http") || name.starts_with("wasi:sockets") {
        "plugins have no network; ask the host with `http.fetch`, for hosts that the manifest names".to_owned()
    } else if name.starts_with("wasi:filesystem") {
        "plugins have no files; what they need to know comes in their arguments and settings".to_owned()
    } else if name.starts_with(PACKAGE) {
        let granted: Vec<_> = granted.iter().filter(|name| !["types", "manifests"].contains(name)).copied().collect();
        format!("its world has `{}`, and nothing else", granted.join("`, `"))
    } else {
        "remove the dependency that needs it, or build with the SDK, which does not".to_owned()
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
        assert_eq!(fine.check_imports(World::Provider, fine.class()), Ok(()));
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
            let error = interface(&[import], &[]).check_imports(World::Provider, Class::Compiled).unwrap_err();
            assert!(error.contains(import) && error.contains(says), "{error}");
        }
    }

    #[test]
    fn each_world_is_told_by_its_export_and_a_flow_has_state_and_clock() {
        for world in World::ALL {
            let of = interface(&[], &[&format!("hookyard:plugin/{}@0.1.0", world.as_str())]);
            assert_eq!(of.world(), Ok(world));
        }
        let flow = interface(&["hookyard:plugin/state@0.1.0", "hookyard:plugin/clock@0.1.0"], &[]);
        assert_eq!(flow.check_imports(World::Flow, Class::Compiled), Ok(()));
        assert!(flow.check_imports(World::Destination, Class::Compiled).is_err());
        let secrets = interface(&["hookyard:plugin/secrets@0.1.0"], &[]);
        assert!(secrets.check_imports(World::Flow, Class::Compiled).is_err());
    }

    #[test]
    fn an_interpreter_may_link_files_and_sockets_that_are_not_there() {
        let python = interface(&["wasi:sockets/tcp@0.2.0"], &["hookyard:plugin/flow@0.1.0", "exports"]);
        assert_eq!(python.class(), Class::Interpreted);
        assert_eq!(python.check_imports(World::Flow, python.class()), Ok(()));
        let http = interface(&["wasi:http/outgoing-handler@0.2.0"], &["exports"]);
        assert!(http.check_imports(World::Flow, http.class()).is_err());
    }

    #[test]
    fn a_missing_export_and_a_foreign_version_are_named() {
        assert!(interface(&[], &["run"]).world().unwrap_err().contains("`run`"));
        let both = ["hookyard:plugin/flow@0.1.0", "hookyard:plugin/provider@0.1.0"];
        assert!(interface(&[], &both).world().unwrap_err().contains("two plugins"));
        assert!(interface(&[], &["hookyard:plugin/provider@0.2.0"]).world().unwrap_err().contains("0.2.0"));
    }
}
