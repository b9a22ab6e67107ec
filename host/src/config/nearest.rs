//! The word that was meant.

/// Changes beyond which two words are not the same one misspelled.
const CHANGES_MAX: usize = 3;

/// The candidate that needs the fewest changes to become `word`, if they are few enough for its length.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = CHANGES_MAX.min(word.chars().count() / 2);
    let near = candidates.into_iter().map(|candidate| (changes(word, candidate), candidate));
    near.filter(|(changes, _)| *changes <= most).min_by_key(|(changes, _)| *changes).map(|(_, candidate)| candidate)
}

/// How many letters have to be added, dropped or replaced (Levenshtein), a row of the table at a time.
fn changes(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (typed, letter) in from.chars().enumerate() {
        let mut diagonal = typed;
        let mut left = typed + 1;
        for (above, wanted) in row.iter_mut().skip(1).zip(to.chars()) {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = *above;
            left = replaced.min(left + 1).min(diagonal + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = typed + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        for (from, to, count) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("a", "a", 0)]
        {
            assert_eq!(changes(from, to), count, "{from} {to}");
        }
    }

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let words = ["listen", "admin-listen", "log"];
        assert_eq!(nearest("lisen", words), Some("listen"));
        assert_eq!(nearest("admin_listen", words), Some("admin-listen"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("x", words), None);
    }
}
