//! Writing: data to standard output, words to standard error, colour where somebody sees it and wants it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::failure::{Exit, Failure};

/// Colours that mean something, and only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Good,
    Bad,
    Faint,
}

/// Writes data. A pipe that was closed is the reader's wish, and no failure.
pub(super) fn text(text: &str) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::user("could not write to standard output").why(error))
        }
        Ok(()) | Err(_) => Ok(Exit::Fine.into()),
    }
}

/// Writes a line of data.
pub(super) fn line(line: &str) -> Result<ExitCode, Failure> {
    text(&format!("{line}\n"))
}

/// Writes data for a program.
pub(super) fn json(value: &impl Serialize) -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(value);
    line(&text.map_err(|error| Failure::user("could not write JSON").why(error))?)
}

/// Says something to the person. If nobody listens, nothing is lost.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Says what went wrong.
pub(super) fn failure(failure: &Failure) {
    say(&failure_text(failure, is_coloured(&std::io::stderr())));
}

fn failure_text(failure: &Failure, coloured: bool) -> String {
    let mut text = format!("{} {}", paint("error:", Paint::Bad, coloured), failure.what);
    for (label, part) in [("at", &failure.at), ("why", &failure.why), ("fix", &failure.fix)] {
        if let Some(part) = part {
            let label = paint(&format!("{label:<5}"), Paint::Faint, coloured);
            text.push_str(&format!("\n  {label}{}", part.replace('\n', "\n       ")));
        }
    }
    text
}

/// Colours words for this stream, or leaves them as they are.
pub(super) fn paint(words: &str, paint: Paint, coloured: bool) -> String {
    let code = match paint {
        Paint::Good => "32",
        Paint::Bad => "31",
        Paint::Faint => "2",
    };
    if coloured { format!("\x1b[{code}m{words}\x1b[0m") } else { words.to_owned() }
}

/// Whether a stream's reader sees colours: a terminal, unless `NO_COLOR` (no-color.org) or `TERM=dumb` say otherwise.
pub(super) fn is_coloured(stream: &impl IsTerminal) -> bool {
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !wants_none && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Rows in columns, with two blanks between; the last column is as wide as it likes.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// `61 KB`, for a person.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_where_why_and_what_to_do() {
        let failure = Failure::usage("no").at("here").why("two\nlines").fix("do");
        assert_eq!(failure_text(&failure, false), "error: no\n  at   here\n  why  two\n       lines\n  fix  do");
        assert!(failure_text(&failure, true).starts_with("\x1b[31merror:\x1b[0m no"));
    }

    #[test]
    fn a_table_has_columns_and_no_blanks_at_the_end() {
        let rows = [vec!["a".into(), "b".into()], vec!["ccc".into(), String::new()]];
        assert_eq!(table(&rows), "a    b\nccc\n");
    }
}
