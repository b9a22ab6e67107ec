//! A plugin's folder: in which language it is written, for which world, and where its component goes.
//!
//! `hookyard.toml` says so (`world`, `lang`, `entry`). A folder with a `Cargo.toml` and none of that is Rust. A host's
//! own settings may be in a file of the same name; they have none of these keys, and are not for us.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use hookyard_model::plugin::World;
use serde::Deserialize;

use crate::cli::failure::Failure;

const FILE: &str = "hookyard.toml";
/// Where a build writes what is not the author's.
pub(super) const OWN_FOLDER: &str = ".hookyard";

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Lang {
    /// Rust, compiled
    Rust,
    /// TypeScript, interpreted
    Ts,
    /// JavaScript, interpreted
    Js,
    /// Python, interpreted
    Python,
}

/// A plugin that can be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    /// Its folder, absolute.
    pub(super) folder: PathBuf,
    pub(super) lang: Lang,
    /// What its author says it is; only the component knows where nobody says.
    pub(super) world: Option<World>,
    /// Its first file, where the language needs one.
    pub(super) entry: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    world: String,
    lang: Lang,
    entry: Option<String>,
}

impl Project {
    /// Reads what a folder says.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let here = folder.display().to_string();
        let absolute = std::fs::canonicalize(folder)
            .map_err(|error| Failure::usage("there is no such folder").at(&here).why(error))?;
        let file = absolute.join(FILE);
        if let Some(declared) = declared(&file)? {
            let at = file.display().to_string();
            let world = world(&declared.world).map_err(|why| Failure::usage("the world is none").at(&at).why(why))?;
            let entry = declared.entry.unwrap_or_default();
            if entry.is_empty() && declared.lang != Lang::Rust {
                return Err(Failure::usage("the first file is not named").at(at).fix("add a line: entry = \"…\""));
            }
            return Ok(Self { folder: absolute, lang: declared.lang, world: Some(world), entry });
        }
        if absolute.join("Cargo.toml").is_file() {
            return Ok(Self { folder: absolute, lang: Lang::Rust, world: None, entry: String::new() });
        }
        Err(Failure::usage("there is no plugin here: neither hookyard.toml nor Cargo.toml")
            .at(here)
            .fix("name the plugin's folder, or make one: hookyard plugin new NAME"))
    }

    /// Where the component of an interpreted language goes; the folder is made.
    pub(super) fn component(&self) -> Result<PathBuf, Failure> {
        let own = self.folder.join(OWN_FOLDER);
        std::fs::create_dir_all(&own)
            .map_err(|error| Failure::user("could not make a folder").at(own.display().to_string()).why(error))?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Ok(own.join(format!("{}.wasm", if name.is_empty() { "plugin" } else { &name })))
    }

    /// Its folder, for a person.
    pub(super) fn shown(&self) -> String {
        self.folder.display().to_string()
    }

    /// The world that it must name, because its language's tools ask for it.
    pub(super) fn declared_world(&self) -> Result<World, Failure> {
        self.world.ok_or_else(|| Failure::usage("the world is not named").at(self.shown()).fix("add it: world = \"…\""))
    }
}

/// The world of this name.
pub(super) fn world(name: &str) -> Result<World, String> {
    World::from_row(name).ok_or_else(|| format!("`{name}` is no world: there are flow, provider and destination"))
}

fn declared(file: &Path) -> Result<Option<Declared>, Failure> {
    let at = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::usage("could not read the plugin's description").at(at).why(error)),
    };
    let wrong = |error: toml::de::Error| {
        Failure::usage("the plugin's description cannot be")
            .at(&at)
            .why(error.message())
            .fix("write three lines: world = \"flow\", lang = \"ts\" (or js, python, rust), entry = \"src/index.ts\"")
    };
    let table: toml::Table = text.parse().map_err(wrong)?;
    let is_a_plugins = ["world", "lang", "entry"].iter().any(|key| table.contains_key(*key));
    if !is_a_plugins {
        return Ok(None);
    }
    table.try_into().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Project, Failure> {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        Project::read(folder.path())
    }

    #[test]
    fn a_folder_says_what_it_is() {
        let project = read(&[(FILE, "world = \"flow\"\nlang = \"ts\"\nentry = \"src/index.ts\"")]).unwrap();
        assert_eq!((project.world, project.lang), (Some(World::Flow), Lang::Ts));
        assert_eq!(project.entry, "src/index.ts");
        let rust = read(&[("Cargo.toml", ""), (FILE, "listen = \"127.0.0.1:80\"")]).unwrap();
        assert_eq!((rust.world, rust.lang), (None, Lang::Rust), "that is a host's file");
        let declared = read(&[("Cargo.toml", ""), (FILE, "world = \"destination\"\nlang = \"rust\"")]).unwrap();
        assert_eq!((declared.world, declared.lang), (Some(World::Destination), Lang::Rust));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(read(&[]).unwrap_err().fix.unwrap().contains("plugin new"));
        assert!(read(&[(FILE, "world = \"flow\"\nlang = \"go\"")]).unwrap_err().why.unwrap().contains("go"));
        assert!(read(&[(FILE, "world = \"x\"\nlang = \"js\"")]).unwrap_err().why.unwrap().contains("destination"));
        assert!(read(&[(FILE, "world = \"flow\"\nlang = \"js\"")]).unwrap_err().fix.unwrap().contains("entry"));
    }

    #[test]
    fn a_component_is_called_after_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("my flow-1");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("Cargo.toml"), "").unwrap();
        let path = Project::read(&inner).unwrap().component().unwrap();
        assert!(path.ends_with(".hookyard/my_flow_1.wasm") && path.parent().unwrap().is_dir());
    }
}
