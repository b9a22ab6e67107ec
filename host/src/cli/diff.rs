//! Two texts, line by line: what went, what came, and what stayed around it.

use super::output::{Paint, paint};

/// Lines of either text; where there are more, one text stands after the other.
const LINES_MAX: usize = 2_000;
/// Lines that are shown around a change.
const AROUND: usize = 2;

/// One line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Stays(&'a str),
    Goes(&'a str),
    Comes(&'a str),
}

/// How `before` became `now`, with `-` and `+` at the beginnings of lines; empty where nothing differs.
pub(super) fn lines(before: &str, now: &str, coloured: bool) -> String {
    let all = align(&before.lines().collect::<Vec<_>>(), &now.lines().collect::<Vec<_>>());
    let changes: Vec<usize> =
        all.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Stays(_))).map(|(place, _)| place).collect();
    let is_near = |place: usize| changes.iter().any(|change| change.abs_diff(place) <= AROUND);
    let mut text = String::new();
    let mut is_skipping = false;
    for (place, line) in all.iter().enumerate() {
        if !is_near(place) {
            if !is_skipping && !changes.is_empty() {
                text.push_str("  …\n");
            }
            is_skipping = true;
            continue;
        }
        is_skipping = false;
        text.push_str(&match line {
            Line::Stays(line) => format!("  {line}\n"),
            Line::Goes(line) => format!("{}\n", paint(&format!("- {line}"), Paint::Bad, coloured)),
            Line::Comes(line) => format!("{}\n", paint(&format!("+ {line}"), Paint::Good, coloured)),
        });
    }
    text
}

/// The longest common run of lines stays; the rest goes or comes.
fn align<'a>(before: &[&'a str], now: &[&'a str]) -> Vec<Line<'a>> {
    if before.len() > LINES_MAX || now.len() > LINES_MAX {
        let goes = before.iter().map(|line| Line::Goes(line));
        return goes.chain(now.iter().map(|line| Line::Comes(line))).collect();
    }
    let width = now.len().saturating_add(1);
    // How many lines the ends of both texts, from each pair of places on, have in common.
    let mut common = vec![0_u16; before.len().saturating_add(1).saturating_mul(width)];
    let at = |common: &[u16], old: usize, new: usize| common.get(old * width + new).copied().unwrap_or_default();
    for (old, line) in before.iter().enumerate().rev() {
        for (new, other) in now.iter().enumerate().rev() {
            let longest = if line == other {
                at(&common, old + 1, new + 1).saturating_add(1)
            } else {
                at(&common, old + 1, new).max(at(&common, old, new + 1))
            };
            if let Some(place) = common.get_mut(old * width + new) {
                *place = longest;
            }
        }
    }
    let (mut old, mut new, mut all) = (0, 0, Vec::new());
    loop {
        match (before.get(old), now.get(new)) {
            (None, None) => return all,
            (Some(line), Some(other)) if line == other => {
                all.push(Line::Stays(line));
                (old, new) = (old + 1, new + 1);
            }
            (Some(line), other) if other.is_none() || at(&common, old + 1, new) >= at(&common, old, new + 1) => {
                all.push(Line::Goes(line));
                old += 1;
            }
            (_, Some(other)) => {
                all.push(Line::Comes(other));
                new += 1;
            }
            (Some(line), None) => {
                all.push(Line::Goes(line));
                old += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_came_stand_beside_what_stayed() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc\nd", false), "  a\n- b\n+ x\n  c\n+ d\n");
        assert_eq!(lines("a\nb", "a\nb", false), "");
        assert_eq!(lines("", "a", false), "+ a\n");
        assert!(lines("a", "", true).contains("\x1b[31m- a"));
    }

    #[test]
    fn what_is_far_from_a_change_is_left_out() {
        let before: Vec<String> = (0..20).map(|line| line.to_string()).collect();
        let now = before.join("\n").replace("10", "x");
        assert_eq!(lines(&before.join("\n"), &now, false), "  …\n  8\n  9\n- 10\n+ x\n  11\n  12\n  …\n");
    }
}
