//! Python: componentize-py, which imports the author's module and keeps the interpreter's memory as a component.
//!
//! The SDK and the contract are inside this program and are written to `.hookyard/`, where an editor and the author's
//! unit tests find the package, too. Of what the tool prints when a module cannot be imported, only the author's own
//! traceback is told: the SDK marks it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hookyard_model::plugin::World;

use super::python_sdk::{SDK, WIT};
use crate::cli::failure::Failure;
use crate::cli::plugin::project::{OWN_FOLDER, Project};
use crate::cli::plugin::tool;

const VARIABLE: &str = "HOOKYARD_COMPONENTIZE_PY";
const PROGRAM: &str = "componentize-py";
const INSTALL: &str = "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1";
/// The module that joins the author's with the SDK.
const ENTRY: &str = "hookyard_entry";
/// Around what went wrong in the author's module; the same words are in the SDK's `_component`.
const MARKS: (&str, &str) = ("<<<hookyard", "hookyard>>>");
/// Lines that are told where nothing is marked.
const LINES_MAX: usize = 20;

/// Builds the project; the path of its component.
pub(super) fn build(project: &Project) -> Result<PathBuf, Failure> {
    let world = project.declared_world()?;
    let out = project.component()?;
    let (folder, entry) = project.entry.rsplit_once('/').unwrap_or((".", &project.entry));
    if !entry.ends_with(".py") || !project.folder.join(&project.entry).is_file() {
        return Err(Failure::usage("there is no such Python file").at(format!("{}: entry", project.entry)));
    }
    let own = project.folder.join(OWN_FOLDER);
    write(&own, world, &project.entry)
        .map_err(|error| Failure::user("could not write the SDK").at(own.display().to_string()).why(error))?;
    let (program, before) = program(&project.folder).ok_or_else(missing)?;
    let mut command = Command::new(&program);
    command.current_dir(&project.folder).args(before).args([
        "-d",
        ".hookyard/wit",
        "-w",
        &format!("{}-plugin", world.as_str()),
    ]);
    command.args(["componentize", "-p", folder, "-p", ".hookyard/python", ENTRY, "-o"]).arg(&out);
    let own_packages = project.folder.join(".venv");
    if own_packages.is_dir() {
        command.env("VIRTUAL_ENV", own_packages);
    }
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    let run = command.output().map_err(|error| missing().at(program.display().to_string()).why(error))?;
    if run.status.success() {
        return Ok(out);
    }
    let all = format!("{}\n{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    Err(Failure::user("the plugin does not build").at(project.shown()).why(told(&all)))
}

/// The tool, and what stands before its own arguments.
fn program(folder: &Path) -> Option<(PathBuf, Vec<OsString>)> {
    let own = || Some(folder.join(".venv/bin").join(PROGRAM)).filter(|program| program.is_file());
    if let Some(program) = tool::named(VARIABLE).or_else(own).or_else(|| tool::on_path(PROGRAM)) {
        return Some((program, Vec::new()));
    }
    let python = tool::on_path("python3")?;
    let has_it = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", "import componentize_py"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    // The package has no `__main__`; this is what its own script does.
    let script = "import sys, componentize_py; sys.exit(componentize_py.script())";
    has_it(&python).then(|| (python, vec!["-c".into(), script.into()]))
}

/// Writes the contract, the SDK and the joint.
fn write(own: &Path, world: World, entry: &str) -> std::io::Result<()> {
    let contract = WIT.into_iter().map(|(path, text)| (format!("wit/{path}"), text.to_owned()));
    let sdk = SDK.into_iter().map(|(path, text)| (format!("python/hookyard/{path}"), text.to_owned()));
    let joint = (format!("python/{ENTRY}.py"), joint(world, entry));
    for (path, text) in contract.chain(sdk).chain([joint]) {
        let path = own.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}

fn joint(world: World, entry: &str) -> String {
    let class = match world {
        World::Flow => "Flow",
        World::Provider => "Provider",
        World::Destination => "Destination",
    };
    // A JSON string is a Python string.
    let entry = serde_json::Value::from(entry);
    format!("from hookyard._component import load\n\n{class} = load(\"{}\", {entry})\n", world.as_str())
}

/// The author's own traceback; where there is none, the end of what was printed.
fn told(all: &str) -> String {
    let (begin, end) = MARKS;
    let marked = all.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map(|(text, _)| text);
    if let Some(text) = marked.filter(|text| !text.trim().is_empty()) {
        // The first line may be indented, as those after it are.
        return text.trim_start_matches('\n').trim_end().to_owned();
    }
    let own = all.split("Stack backtrace:").next().unwrap_or(all);
    let lines: Vec<&str> = own.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LINES_MAX)..).unwrap_or_default();
    if last.is_empty() { format!("{PROGRAM} ended without a word") } else { last.join("\n") }
}

fn missing() -> Failure {
    Failure::user(format!("{PROGRAM}, which builds Python, is not installed"))
        .why(format!("it is looked for in {VARIABLE}, in the plugin's .venv, on the PATH, and in python3"))
        .fix(format!("{INSTALL}, in the plugin's folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_authors_traceback_is_told() {
        let all = "Traceback\n frames\n<<<hookyard\nTypeError: no\n  at app.py:3\nhookyard>>>\nStack backtrace:\n 0: x";
        assert_eq!(told(all), "TypeError: no\n  at app.py:3");
        assert_eq!(told("\nAssertionError: bad world\n\nStack backtrace:\n  0: y"), "AssertionError: bad world");
        assert!(told("").contains(PROGRAM));
        let sdk = SDK.iter().find(|(path, _)| *path == "_component/__init__.py").unwrap().1;
        assert!(sdk.contains(MARKS.0) && sdk.contains(MARKS.1), "the SDK marks it otherwise");
    }

    #[test]
    fn the_joint_names_the_world_and_the_entry() {
        assert_eq!(
            joint(World::Flow, "src/app.py"),
            "from hookyard._component import load\n\nFlow = load(\"flow\", \"src/app.py\")\n"
        );
    }

    #[test]
    fn what_is_written_is_all_that_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), World::Provider, "app.py").unwrap();
        for path in ["wit/flow.wit", "python/hookyard/__init__.py", "python/hookyard_entry.py"] {
            assert!(folder.path().join(path).is_file(), "{path}");
        }
    }
}
