//! The files of a plugin's folder, and which of them changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::failure::Failure;

/// Folders that tools write and authors do not.
const FOLDERS_NOT_SOURCES: [&str; 6] = ["target", ".hookyard", ".venv", "node_modules", ".git", "__pycache__"];
/// Written by cargo while it builds; what it says changes with `Cargo.toml`.
const FILE_NOT_SOURCE: &str = "Cargo.lock";
/// More than a plugin has; whoever names a larger folder means another.
const FILES_MAX: usize = 10_000;

/// Files by their path from the folder, with what tells whether one changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sources(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Sources {
    /// Looks at a folder. A link to a folder is not followed.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let at = || folder.display().to_string();
        let failed = |error: std::io::Error| Failure::usage("could not read the plugin's folder").at(at()).why(error);
        let mut found = BTreeMap::new();
        let mut waiting = vec![folder.to_owned()];
        while let Some(inner) = waiting.pop() {
            let entries = match std::fs::read_dir(&inner) {
                Ok(entries) => entries,
                // It was taken away since it was seen.
                Err(_) if inner != folder => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries.flatten() {
                let (name, path) = (entry.file_name(), entry.path());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    if !FOLDERS_NOT_SOURCES.iter().any(|other| name == *other) {
                        waiting.push(path);
                    }
                } else if let Ok(metadata) = std::fs::metadata(&path)
                    && name != FILE_NOT_SOURCE
                {
                    let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                    found.insert(name, (metadata.len(), metadata.modified().ok()));
                }
            }
            if found.len() > FILES_MAX {
                let why = format!("it has more than {FILES_MAX} files");
                return Err(Failure::usage("this cannot be a plugin's folder").at(at()).why(why));
            }
        }
        Ok(Self(found))
    }

    /// Names of what is new, different or gone since `before`, for a person.
    pub(super) fn changed(&self, before: &Self) -> String {
        let differs = |path: &&PathBuf| self.0.get(*path) != before.0.get(*path);
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let names: Vec<String> =
            self.0.keys().filter(differs).chain(gone).map(|path| path.display().to_string()).collect();
        match names.as_slice() {
            [first, second, third, more @ ..] if !more.is_empty() => {
                format!("{first}, {second}, {third} and {} more", more.len())
            }
            few => few.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_what_a_build_writes_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "a");
        write("fixtures/x/expected.json", "{}");
        let first = Sources::read(folder.path()).unwrap();
        for path in ["target/x", ".hookyard/p.wasm", ".venv/y", "node_modules/z/i.js", "Cargo.lock", "__pycache__/a"] {
            write(path, "made");
        }
        assert_eq!(Sources::read(folder.path()).unwrap(), first);
        write("src/lib.rs", "ab");
        write("src/new.rs", "");
        std::fs::remove_file(folder.path().join("fixtures/x/expected.json")).unwrap();
        let second = Sources::read(folder.path()).unwrap();
        assert_eq!(second.changed(&first), "src/lib.rs, src/new.rs, fixtures/x/expected.json");
    }

    #[test]
    fn a_folder_that_is_not_there_is_the_end_of_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Sources::read(&folder.path().join("none")).is_err());
    }
}
