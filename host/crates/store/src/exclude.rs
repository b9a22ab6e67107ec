//! Leaving users out of a claim that have used up their share.

use crate::db::Value;

/// Sizes of the list, each a statement of its own; more than the last are not all excluded.
const SIZES: [usize; 4] = [0, 8, 64, 512];

/// `AND column NOT IN (…)` behind the values that a statement has already, to which the list is added.
pub(crate) fn exclude<T: Copy + Into<Value>>(column: &str, users: &[T], values: &mut Vec<Value>) -> String {
    let size = SIZES.into_iter().find(|size| *size >= users.len()).unwrap_or(512);
    if size == 0 {
        return String::new();
    }
    let first = values.len().saturating_add(1);
    let placeholders: Vec<String> = (0..size).map(|at| format!("${}", first.saturating_add(at))).collect();
    // The list is filled up by repeating it.
    values.extend(users.iter().cycle().take(size).map(|user| (*user).into()));
    format!("AND {column} NOT IN ({})", placeholders.join(", "))
}
