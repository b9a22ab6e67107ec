//! The file: TOML, whose keys are the settings' own, without tables.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::nearest::nearest;
use super::setting::{self, SETTINGS};
use super::source::{Given, Source};

/// Every key of the file. Each is known; its values are not read yet.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Vec<Given>, ConfigError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File { file: file.clone(), source })?;
    let given = parse(&file, &text)?;
    let secret = given.iter().find(|given| given.setting.is_secret);
    if let Some(secret) = secret.filter(|_| others_may_read(path)) {
        let key = secret.setting.key;
        warnings.push(format!("{file} holds the secret `{key}`, and others may read it: chmod 600 {file}"));
    }
    Ok(given)
}

fn parse(file: &str, text: &str) -> Result<Vec<Given>, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        file: error.span().map_or_else(|| file.to_owned(), |span| format!("{file}:{}", line(text, span.start))),
        message: error.message().to_owned(),
    })?;
    let keys = table.get_ref().iter();
    let mut given: Vec<Given> =
        keys.map(|(key, value)| entry(file, text, key.get_ref(), key.span().start, value)).collect::<Result<_, _>>()?;
    given.sort_by_key(|given| match given.source {
        Source::File(_, line) => line,
        Source::Flag(_) | Source::Environment(_) => 0,
    });
    Ok(given)
}

fn entry(file: &str, text: &str, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Given, ConfigError> {
    let line = line(text, at);
    let source = Source::File(file.to_owned(), line);
    let Some(setting) = setting::find(key) else {
        let near = nearest(key, SETTINGS.iter().map(|setting| setting.key));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(ConfigError::UnknownKey { file: file.to_owned(), line, key: key.to_owned(), hint });
    };
    let values = match value.get_ref() {
        DeValue::Array(values) if setting.is_list => values.iter().map(|value| scalar(text, value)).collect(),
        _ => vec![scalar(text, value)],
    };
    Ok(Given { setting, values, source })
}

/// A string's text; anything else as it is written, and the setting says whether that will do.
fn scalar(text: &str, value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref().as_str() {
        Some(value) => value.to_owned(),
        None => text.get(value.span()).unwrap_or_default().to_owned(),
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}
