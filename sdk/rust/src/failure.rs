//! Why a call came to nothing, said so that the host knows what to do: try later, ask a person, or give up.

use crate::{Failure, HttpError, RetryLater};

impl Failure {
    /// Trying again may help. [`after_ms`](Self::after_ms) adds when, where the peer said so.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(RetryLater { reason: reason.into(), after_ms: None })
    }

    /// Not before so many milliseconds have passed. Means nothing for the other kinds.
    #[must_use]
    pub fn after_ms(mut self, wait_ms: u64) -> Self {
        if let Self::Retry(later) = &mut self {
            later.after_ms = Some(wait_ms);
        }
        self
    }

    /// The account's credentials no longer work: a person has to reconnect it.
    #[must_use]
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::Unauthorized(reason.into())
    }

    /// Trying again cannot help.
    #[must_use]
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent(reason.into())
    }
}

impl From<serde_json::Error> for Failure {
    /// Permanent: the same bytes will not read better later. The text names the field, the line and the column.
    fn from(error: serde_json::Error) -> Self {
        Self::permanent(format!("the JSON is not what was expected: {}", crate::json::reason(&error)))
    }
}

impl From<HttpError> for Failure {
    /// A peer that could not be reached, or not in time, is tried again; what the host refuses stays refused.
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Refused(reason) => {
                Self::permanent(format!("the host refused the request, for the plugin may not send it there: {reason}"))
            }
            HttpError::Unreachable(reason) => Self::retry(format!("the peer could not be reached: {reason}")),
            HttpError::TimedOut => Self::retry("the peer did not answer in time"),
            HttpError::TooLarge(bytes) => Self::permanent(format!("the peer's answer is too large ({bytes} bytes)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_retried_and_what_is_refused_is_not() {
        for error in [HttpError::TimedOut, HttpError::Unreachable("x".to_owned())] {
            assert!(matches!(Failure::from(error), Failure::Retry(_)));
        }
        for error in [HttpError::Refused("x".to_owned()), HttpError::TooLarge(1)] {
            assert!(matches!(Failure::from(error), Failure::Permanent(_)));
        }
    }

    #[test]
    fn a_wait_belongs_to_a_retry_alone() {
        let later = RetryLater { reason: "r".to_owned(), after_ms: Some(5) };
        assert_eq!(Failure::retry("r").after_ms(5), Failure::Retry(later));
        assert_eq!(Failure::permanent("p").after_ms(5), Failure::permanent("p"));
    }
}
