//! What is given on the command line as JSON: the text itself, `@FILE`, or `-` for standard input.

use std::io::Read;
use std::path::Path;

use serde_json::value::RawValue;

use super::failure::Failure;

/// JSON as it was written, every digit of it.
pub(super) fn json(flag: &str, given: &str) -> Result<Box<RawValue>, Failure> {
    let (text, at) = match (given, given.strip_prefix('@')) {
        ("-", _) => (stdin(flag)?, "standard input".to_owned()),
        (_, Some(path)) => (file(Path::new(path))?, path.to_owned()),
        (text, None) => (text.to_owned(), flag.to_owned()),
    };
    parse(text, &at)
}

/// A file of JSON.
pub(super) fn json_file(path: &Path) -> Result<Box<RawValue>, Failure> {
    parse(file(path)?, &path.display().to_string())
}

fn parse(text: String, at: &str) -> Result<Box<RawValue>, Failure> {
    let text = text.trim().to_owned();
    RawValue::from_string(text).map_err(|error| Failure::usage("this is not JSON").at(at).why(error))
}

fn file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage("could not read the file").at(path.display().to_string()).why(error))
}

fn stdin(flag: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| Failure::usage("could not read standard input").at(flag).why(error))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_as_it_is_written_here_or_in_a_file() {
        assert_eq!(json("--data", " {\"a\": 12345678901234567890} ").unwrap().get(), "{\"a\": 12345678901234567890}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, "[1]\n").unwrap();
        assert_eq!(json("--data", &format!("@{}", path.display())).unwrap().get(), "[1]");
        let wrong = json("--data", "{a}").unwrap_err();
        assert_eq!(wrong.at.as_deref(), Some("--data"));
        assert!(json("--data", "@/none/at/all").is_err());
    }
}
