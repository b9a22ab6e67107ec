//! The programs that build plugins: where they are found.

use std::path::{Path, PathBuf};

/// A program: what the variable names, or else the one beside this program, or else the one on the `PATH`.
pub(super) fn find(variable: &str, name: &str) -> Option<PathBuf> {
    named(variable).or_else(|| beside(name)).or_else(|| on_path(name))
}

/// What a variable names, whether it is there or not: whoever sets it wants that one.
pub(super) fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The program on the `PATH`.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn beside(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.parent().map(|folder| folder.join(name)).filter(|file| file.is_file())
}

/// A folder of the checkout that this program was built from; it may be gone, or on another machine.
pub(super) fn of_checkout(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    Some(root.join(folder)).filter(|folder| folder.is_dir())
}
