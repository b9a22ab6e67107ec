//! QuickJS, with the plugin's modules in its memory, as a component.
//!
//! The modules run once, here, so that a call finds them loaded: what stands at the top of a module is computed at
//! build time and frozen. No import of the host's can be called then. The exports are synchronous, and WASI is closed
//! off inside the component: time, chance and output come through the host's own interfaces, by way of the SDK's
//! prelude, so that the component imports what its world grants and nothing else.

use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use componentize_qjs::{ComponentizeOpts, Runtime, componentize};
use wasm_metadata::AddMetadata;

use crate::embedded::World;
use crate::project::{SDK_FOLDER, Staged};
use crate::source::{BuildError, Place};

/// For how long modules may load. A loop at the top of one would never end.
const LOAD_TIME_MAX: Duration = Duration::from_secs(120);

/// Makes the component of staged modules.
pub(crate) fn make(staged: &Staged, world: World) -> Result<Vec<u8>, BuildError> {
    let (wit, modules, joint) = (staged.wit(), staged.modules(), staged.joint());
    let source = fs::read_to_string(&joint).map_err(|source| BuildError::Read { path: joint.clone(), source })?;
    let (done, waiting) = mpsc::channel();
    // A thread of its own, because nothing stops it before its time: it ends with the process.
    thread::spawn(move || {
        let options = ComponentizeOpts {
            wit_path: &wit,
            js_source: &source,
            js_path: Some(&joint),
            module_root: Some(&modules),
            world_name: Some(world.wit_name()),
            stub_wasi: true,
            disable_gc: false,
            runtime: Runtime::DefaultSync,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let made = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(componentize(&options)));
        done.send(made)
    });
    let made = waiting.recv_timeout(LOAD_TIME_MAX).map_err(|_| {
        let message = format!("its modules did not load within {} seconds", LOAD_TIME_MAX.as_secs());
        BuildError::Source { place: Place { file: staged.entry.clone(), line: 1, column: 1 }, message }
    })?;
    let made = made.map_err(|error| thrown(staged, &error))?;
    signed(&made).map_err(|error| BuildError::Component(format!("{error:#}")))
}

/// Says in the `producers` section what made the component, for people and their tools; a host goes by its exports.
fn signed(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.language = vec![("JavaScript".to_owned(), String::new())];
    metadata.processed_by = vec![("hookyard-js".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    metadata.to_wasm(component)
}

/// What the author's modules threw while they were loaded, with the place in their own file where there is one.
fn thrown(staged: &Staged, error: &anyhow::Error) -> BuildError {
    let text = format!("{error:#}");
    if let Some((place, message)) = missing(staged, &text) {
        return BuildError::Source { place, message };
    }
    let (message, trace) = split(&text);
    let place = trace.iter().find_map(|line| place(line)).or_else(|| message.split_whitespace().find_map(place));
    let place = place.unwrap_or_else(|| Place { file: staged.entry.clone(), line: 1, column: 1 });
    let message = if text.contains("wasm trap") {
        "its modules did not load: they used up memory or stack".to_owned()
    } else {
        readable(message)
    };
    BuildError::Source { place, message }
}

/// The import that wants a name which the other module does not export.
fn missing(staged: &Staged, text: &str) -> Option<(Place, String)> {
    let (_, rest) = text.split_once("Could not find export '")?;
    let (name, rest) = rest.split_once('\'')?;
    let (_, module) = rest.split_once("'/")?;
    let module = module.split('\'').next()?;
    let named = |wanted: &String| wanted == name;
    let link = staged.links.iter().find(|link| link.target == module && link.names.iter().any(named))?;
    Some((link.place.clone(), format!("\"{}\" exports no `{name}`", link.specifier)))
}

/// The message and the lines of the trace.
fn split(text: &str) -> (&str, Vec<&str>) {
    let cut = text.find("\n    at ").unwrap_or(text.len());
    let (message, trace) = text.split_at(cut);
    (message, trace.lines().filter(|line| line.trim_start().starts_with("at ")).collect())
}

/// Without the layers that the message passed through.
fn readable(message: &str) -> String {
    let layers = [
        "Failed to evaluate user JavaScript module: ",
        "Failed to declare JavaScript module: ",
        "Failed to evaluate JavaScript module: ",
        "Failed to finish JavaScript module evaluation: ",
    ];
    let mut rest = message.trim().trim_start_matches(": ");
    while let Some(inner) = layers.iter().find_map(|layer| rest.strip_prefix(layer)) {
        rest = inner;
    }
    rest.trim_start_matches("Error: ").to_owned()
}

/// The place in a line like `at run (/src/index.ts:12:7)`, unless it is the SDK's own.
fn place(line: &str) -> Option<Place> {
    let line = line.trim().trim_end_matches(')');
    let named = line.rsplit([' ', '(']).next()?;
    let (rest, column) = named.rsplit_once(':')?;
    let (file, row) = rest.rsplit_once(':')?;
    let file = file.strip_prefix('/')?;
    if file.starts_with(SDK_FOLDER) {
        return None;
    }
    Some(Place { file: file.to_owned(), line: row.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_names_the_authors_own_line_and_not_the_sdks() {
        let text = "Failed to evaluate user JavaScript module: Failed to evaluate JavaScript module: Error: no\n    at \
                    check (/.hookyard/runtime/check.js:1:2)\n    at <anonymous> (/src/index.ts:12:7)\n";
        let (message, trace) = split(text);
        assert_eq!(readable(message), "no");
        assert_eq!(
            trace.iter().find_map(|line| place(line)).map(|place| place.to_string()),
            Some("src/index.ts:12:7".to_owned())
        );
    }
}
