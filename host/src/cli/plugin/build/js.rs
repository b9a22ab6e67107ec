//! JavaScript and TypeScript: `hookyard-js`, a program of ours that carries the interpreter and the SDK. No Node, no npm.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cli::failure::Failure;
use crate::cli::plugin::project::Project;
use crate::cli::plugin::tool;

const VARIABLE: &str = "HOOKYARD_JS";
const PROGRAM: &str = "hookyard-js";
/// Where it is built from.
const SOURCE: &str = "sdk/js/builder";

/// Builds the project; the path of its component.
pub(super) fn build(project: &Project) -> Result<PathBuf, Failure> {
    let world = project.declared_world()?;
    let out = project.component()?;
    let program = tool::find(VARIABLE, PROGRAM).ok_or_else(missing)?;
    let mut command = Command::new(&program);
    command.current_dir(&project.folder).args(["build", &project.entry, "--world", world.as_str()]);
    command.args(["--project", ".", "--quiet", "--out"]).arg(&out);
    let run = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing().at(program.display().to_string()).why(error))?;
    if run.status.success() {
        return Ok(out);
    }
    Err(Failure::user("the plugin does not build").at(project.shown()).why(told(&run.stderr)))
}

/// What the program says, without the word with which our own failures begin.
fn told(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    if text.is_empty() { format!("{PROGRAM} ended without a word") } else { text.to_owned() }
}

fn missing() -> Failure {
    let source = tool::of_checkout(SOURCE).map_or_else(|| SOURCE.to_owned(), |path| path.display().to_string());
    Failure::user(format!("{PROGRAM}, which builds JavaScript and TypeScript, is not installed"))
        .why(format!("it is looked for in {VARIABLE}, beside hookyard, and on the PATH"))
        .fix(format!("cargo install --locked --path {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_words_are_told_once() {
        assert_eq!(told(b"error: src/index.ts:3:5: no\n"), "src/index.ts:3:5: no");
        assert!(told(b"").contains(PROGRAM));
        assert!(missing().fix.unwrap().starts_with("cargo install"));
    }
}
