//! Where values come from, and the environment as one of the places.

use std::fmt;

use super::nearest::nearest;
use super::setting::{SETTINGS, Setting};

/// What every variable of ours begins with.
const PREFIX: &str = "HOOKYARD_";
/// Variables that are no keys: the file's own, the remote commands', the SDK's.
const OTHERS: [&str; 7] = [
    "HOOKYARD_CONFIG",
    "HOOKYARD_URL",
    "HOOKYARD_KEY",
    "HOOKYARD_TENANT",
    "HOOKYARD_SDK",
    "HOOKYARD_FIXTURES",
    "HOOKYARD_SECRET",
];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On the command line, under the key's name.
    Flag(&'static str),
    /// In this variable.
    Environment(String),
    /// In this file, on this line.
    File(String, usize),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "--{key}"),
            Self::Environment(name) => f.write_str(name),
            Self::File(file, line) => write!(f, "{file}:{line}"),
        }
    }
}

/// A key's values as one source has them, not yet read.
pub struct Given {
    /// The key.
    pub setting: &'static Setting,
    /// One, or those of a list.
    pub values: Vec<String>,
    /// Where they were written.
    pub source: Source,
}

/// What the process's environment says under our prefix. What is not Unicode cannot be ours.
#[must_use]
pub fn process_environment() -> Vec<(String, String)> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.filter(|(name, _)| name.starts_with(PREFIX)).collect()
}

/// The file that the environment names.
pub(super) fn file_of(environment: &[(String, String)]) -> Option<std::path::PathBuf> {
    let named = environment.iter().find(|(name, value)| name == "HOOKYARD_CONFIG" && !value.is_empty());
    named.map(|(_, value)| value.into())
}

/// The environment's keys. An empty variable is as good as none: compose files write them for what is not set.
pub(super) fn environment(environment: &[(String, String)], warnings: &mut Vec<String>) -> Vec<Given> {
    let mut found = Vec::new();
    for (name, value) in environment.iter().filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()) {
        match SETTINGS.iter().find(|setting| setting.variable() == *name) {
            Some(setting) => {
                let values = if setting.is_list { split(value) } else { vec![value.clone()] };
                found.push(Given { setting, values, source: Source::Environment(name.clone()) });
            }
            None if OTHERS.contains(&name.as_str()) => {}
            None => warnings.push(unknown(name)),
        }
    }
    found
}

fn split(value: &str) -> Vec<String> {
    value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn unknown(name: &str) -> String {
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let hint = match nearest(name, known.iter().map(String::as_str).chain(OTHERS)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    format!("the variable {name} means nothing to Hookyard{hint}")
}
