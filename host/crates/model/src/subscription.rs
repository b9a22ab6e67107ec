//! Subscriptions: where events are forwarded, and which.
//!
//! Matching answers with a sentence either way, because "why did I not get it" is the question that every receiver
//! asks. A pattern is an event type, or `*`, or a prefix before `.*` (`deal.*` is `deal.created` and `deal` itself is not).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, SubscriptionId, TenantId};
use crate::instant::Instant;
use crate::limits;
use crate::style::Style;

/// Where events are forwarded.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Absolute, vetted when saved and again at each attempt.
    pub url: String,
    /// Which events; see [`matches`](Self::matches).
    pub event_types: Vec<String>,
    /// Only events of this provider, where it says so.
    pub provider: Option<String>,
    /// What the delivery looks like.
    pub style: Style,
    /// Its state.
    pub status: SubscriptionStatus,
    /// Why it is disabled.
    pub status_reason: Option<String>,
    /// Its own retry schedule, in seconds; the style's where none.
    pub retry_seconds: Option<Vec<u32>>,
    /// How long its receiver has.
    pub timeout: Duration,
    /// The flow whose emitted event is the body.
    pub transform: Option<FlowId>,
    /// When it was made.
    pub created_at: Instant,
}

/// Whether a subscription gets anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SubscriptionStatus {
    /// It does.
    Active,
    /// Its receiver answered 410: it wants nothing more.
    Disabled,
}

impl SubscriptionStatus {
    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads what a row says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// Whether an event is for a subscription, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It is.
    Yes(String),
    /// It is not.
    No(String),
}

impl Subscription {
    /// Whether an event of this type, from this provider, is for it.
    #[must_use]
    pub fn matches(&self, event_type: &str, provider: Option<&str>) -> Match {
        if self.status == SubscriptionStatus::Disabled {
            let reason = self.status_reason.as_deref().unwrap_or("it was disabled");
            return Match::No(format!("the subscription is disabled: {reason}"));
        }
        if let Some(wanted) = self.provider.as_deref().filter(|wanted| Some(*wanted) != provider) {
            let of = provider.map_or_else(|| "no provider".to_owned(), |provider| format!("`{provider}`"));
            return Match::No(format!("it wants events of `{wanted}`, and this one is of {of}"));
        }
        match self.event_types.iter().find(|pattern| pattern_matches(pattern, event_type)) {
            Some(pattern) => Match::Yes(format!("`{event_type}` matches `{pattern}`")),
            None => Match::No(format!("`{event_type}` matches none of `{}`", self.event_types.join("`, `"))),
        }
    }
}

/// Whether an event type is what a pattern stands for.
#[must_use]
pub fn pattern_matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) if prefix.ends_with('.') => event_type.len() > prefix.len() && event_type.starts_with(prefix),
        Some(_) | None => pattern == event_type,
    }
}

/// Whether a text may stand among a subscription's event types.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    let stem = text.strip_suffix(".*").unwrap_or(text);
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
    text == "*" || (!stem.is_empty() && text.len() <= limits::EVENT_TYPE_BYTES_MAX && stem.chars().all(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_types_or_whole_prefixes() {
        for (pattern, event_type, expected) in [
            ("leadgen", "leadgen", true),
            ("leadgen", "leadgen.update", false),
            ("*", "anything.at.all", true),
            ("deal.*", "deal.created", true),
            ("deal.*", "deal.stage.changed", true),
            ("deal.*", "deal", false),
            ("deal.*", "deal.", false),
            ("deal.*", "dealer.created", false),
            ("deal*", "deal.created", false),
            ("", "", true),
        ] {
            assert_eq!(pattern_matches(pattern, event_type), expected, "{pattern} {event_type}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_when_saved() {
        for (text, expected) in [
            ("*", true),
            ("deal.*", true),
            ("issues.opened", true),
            ("", false),
            ("a b", false),
            ("*.a", false),
            ("deal*", false),
            (".*", false),
        ] {
            assert_eq!(is_pattern(text), expected, "{text:?}");
        }
    }
}
