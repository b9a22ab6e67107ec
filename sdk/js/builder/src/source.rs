//! Places in the author's files, and edits that keep them.
//!
//! An edit replaces a span by blanks or by a text; line breaks survive blanking. Columns count characters, from one, as
//! editors and QuickJS do.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something in a file of the author's.
    #[error("{place}: {message}")]
    Source {
        /// Where.
        place: Place,
        /// What, and what to do instead.
        message: String,
    },
    /// The entry or the project's folder is not what it should be.
    #[error("{0}")]
    Project(String),
    /// A file could not be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The modules stand, and no component came of them.
    #[error("could not make the component: {0}")]
    Component(String),
}

/// A place in a file of the author's, named from the project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// "src/index.ts".
    pub file: String,
    /// From one.
    pub line: usize,
    /// In characters, from one.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Place {
    /// The place of a byte of the text.
    pub(crate) fn at(file: &str, text: &str, offset: u32) -> Self {
        let before = usize::try_from(offset).ok().and_then(|end| text.get(..end)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { file: file.to_owned(), line, column }
    }
}

/// What happens to one span of a text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) with: With,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum With {
    Blanks,
    /// Blanks, the first of which is this character instead.
    Led(char),
    /// Blanks, the last of which is this character instead.
    Ended(char),
    Text(String),
}

/// The text after its edits. Where one lies within another, the outer one counts.
pub(crate) fn render(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        let (start, end) = (bytes(edit.start), bytes(edit.end));
        let (Some(kept), Some(gone)) = (text.get(done..start), text.get(start..end)) else {
            continue;
        };
        out.push_str(kept);
        replace(&mut out, gone, &edit.with);
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

fn replace(out: &mut String, gone: &str, with: &With) {
    let count = gone.chars().count();
    let blank = |(at, old): (usize, char)| match with {
        With::Led(lead) if at == 0 => *lead,
        With::Ended(last) if at + 1 == count => *last,
        _ if old.is_whitespace() => old,
        _ => ' ',
    };
    match with {
        With::Text(text) => out.push_str(text),
        With::Blanks | With::Led(_) | With::Ended(_) => out.extend(gone.chars().enumerate().map(blank)),
    }
}

fn bytes(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_and_not_bytes() {
        let place = Place::at("a.ts", "x\nfür y", 7);
        assert_eq!(place.to_string(), "a.ts:2:5");
    }

    #[test]
    fn blanks_keep_lines_and_columns_and_outer_edits_win() {
        let edits = vec![
            Edit { start: 2, end: 8, with: With::Led(';') },
            Edit { start: 4, end: 5, with: With::Text("never".to_owned()) },
        ];
        assert_eq!(render("a bcü\ndz e", edits), "a ;  \n z e");
    }
}
