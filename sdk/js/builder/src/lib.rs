//! From a plugin's JavaScript or TypeScript to a component that a Hookyard host runs.
//!
//! The way: `project` follows the imports from the entry and lays the modules out as they will be called in a stack
//! trace; `erase` takes the types out and leaves every other character where it was, so that a line and a column mean
//! the author's own file, at build time and in the running component alike, with no source map anywhere;
//! `component` has QuickJS load the modules beside the SDK and keeps its memory as a component.
//!
//! It guarantees that nothing outside the project's folder becomes part of a component, that the SDK's checks of the
//! plugin's declaration ran once, and that an error is one sentence with the place where it arose. It does not know the
//! host, and takes no other toolchain: no Node, no npm, no network.

mod source;
mod erase;
mod embedded;
mod project;
mod component;

use std::path::Path;

pub use embedded::World;
pub use source::{BuildError, Place};

/// The component of the plugin whose first module is `entry`.
///
/// `root` is the project's folder, which no import leaves; `None` looks for it: the nearest folder above the entry that
/// holds a `hookyard.toml`, or else a `package.json`, or else the entry's own.
///
/// # Errors
/// Whatever is wrong in the author's files, with its place; and what the machine refused, without one.
pub fn build(entry: &Path, root: Option<&Path>, world: World) -> Result<Vec<u8>, BuildError> {
    let staged = project::stage(entry, root, world)?;
    component::make(&staged, world)
}

/// The JavaScript that becomes of one TypeScript text: the types are blanks, everything else is where it was.
///
/// # Errors
/// What does not parse, and what is more than types: an enum, a namespace, a decorator.
pub fn without_types(file: &str, text: &str) -> Result<String, BuildError> {
    erase::read(file, text).map(|module| source::render(text, module.edits))
}
