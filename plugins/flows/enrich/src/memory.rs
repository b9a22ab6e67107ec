//! Answers that are used again for some days, "there is none" among them.

use hookyard_sdk::{Failure, Instant, clock, state};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3600 * 1000;

#[derive(Serialize, Deserialize)]
struct Remembered<T> {
    /// When it was looked up.
    at: Instant,
    answer: Option<T>,
}

/// What stands under the key if it is not older than that; otherwise what `look_up` says, which is remembered.
pub(crate) fn recall<T: Serialize + DeserializeOwned>(
    key: &str,
    days: u64,
    look_up: impl FnOnce() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    if let Some(Remembered { at, answer }) = state::get_json(key)?
        && clock::now().saturating_sub(at) < days.saturating_mul(DAY_MS)
    {
        return Ok(answer);
    }
    let remembered = Remembered { at: clock::now(), answer: look_up()? };
    state::set_json(key, &remembered);
    Ok(remembered.answer)
}
