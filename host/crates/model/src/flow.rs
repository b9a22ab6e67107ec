//! Flows: which events start a tenant's automation, where in an event's life it runs, and what it may ask for.
//!
//! A flow is a plugin put to use: the component says what it can do, and the flow says when, with which settings and
//! with which grants. Matching answers with a sentence either way, as it does for subscriptions.

use serde::{Deserialize, Serialize};

use crate::filter::Filter;
use crate::id::{FlowId, TenantId};
use crate::instant::Instant;
use crate::subscription::{Match, pattern_matches};

/// A tenant's automation.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// Whose it is.
    pub tenant: TenantId,
    /// For people; the plugin's where the tenant gave none.
    pub name: String,
    /// The flow plugin, by its manifest's id.
    pub plugin: String,
    /// Where it runs.
    pub stage: FlowStage,
    /// Event types that start it, in place of the manifest's.
    pub triggers: Option<Vec<String>>,
    /// Only events of these providers; of all, and of none, where it is empty.
    pub providers: Vec<String>,
    /// Only events whose data is like this.
    pub filter: Option<Filter>,
    /// JSON text, after the manifest's schema.
    pub settings: String,
    /// Hosts that it may fetch from, of those in the manifest; all of them where none are named.
    pub hosts: Option<Vec<String>>,
    /// What becomes of an event where the flow fails on it, in stage `before`.
    pub on_failure: OnFailure,
    /// Its state.
    pub status: FlowStatus,
    /// Why it is paused.
    pub status_reason: Option<String>,
    /// When it was made: flows of one stage run in this order.
    pub created_at: Instant,
}

/// Where in an event's life a flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlowStage {
    /// Between dedup and fan-out: it may change the lead or drop the event. Within `limits::BEFORE_WITHIN`.
    Before,
    /// Once the event is processed; it may take days.
    After,
    /// For a subscription that names it: what it emits is the body. Within `limits::BEFORE_WITHIN`.
    Transform,
}

/// What becomes of an event where a flow of stage `before` fails on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// It goes on as if the flow were not there, and its story says so.
    Skip,
    /// It waits, and the flow is tried again.
    Hold,
}

/// Whether a flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlowStatus {
    /// It does.
    Active,
    /// It does not, because its tenant or the host said so.
    Paused,
}

macro_rules! words {
    ($type:ident: $($variant:ident $word:literal),+) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it stands in rows and JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads what a row says.
            #[must_use]
            pub fn from_row(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}
words!(FlowStage: Before "before", After "after", Transform "transform");
words!(OnFailure: Skip "skip", Hold "hold");
words!(FlowStatus: Active "active", Paused "paused");

impl Flow {
    /// Whether an event starts this flow. `triggers` are the manifest's; `data` is JSON text.
    #[must_use]
    pub fn matches(&self, triggers: &[String], event_type: &str, provider: Option<&str>, data: &str) -> Match {
        if self.status == FlowStatus::Paused {
            let reason = self.status_reason.as_deref().unwrap_or("it was paused");
            return Match::No(format!("the flow is paused: {reason}"));
        }
        if !self.providers.is_empty() && !provider.is_some_and(|of| self.providers.iter().any(|wanted| wanted == of)) {
            let of = provider.map_or_else(|| "no provider".to_owned(), |provider| format!("`{provider}`"));
            return Match::No(format!(
                "it runs on events of `{}`, and this one is of {of}",
                self.providers.join("`, `")
            ));
        }
        let triggers = self.triggers.as_deref().unwrap_or(triggers);
        let Some(pattern) = triggers.iter().find(|pattern| pattern_matches(pattern, event_type)) else {
            return Match::No(format!("`{event_type}` matches none of `{}`", triggers.join("`, `")));
        };
        match self.filter.as_ref().map(|filter| filter.matches_text(data)) {
            None => Match::Yes(format!("`{event_type}` matches `{pattern}`")),
            Some(Ok(())) => Match::Yes(format!("`{event_type}` matches `{pattern}`, and its data the filter")),
            Some(Err(why)) => Match::No(format!("its data does not match the filter: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow {
            id: FlowId::at(Instant::EPOCH, [0; 10]),
            tenant: TenantId::at(Instant::EPOCH, [0; 10]),
            name: "f".into(),
            plugin: "f".into(),
            stage: FlowStage::After,
            triggers: None,
            providers: vec![],
            filter: None,
            settings: "{}".into(),
            hosts: None,
            on_failure: OnFailure::Skip,
            status: FlowStatus::Active,
            status_reason: None,
            created_at: Instant::EPOCH,
        }
    }

    #[test]
    fn a_flow_starts_on_its_own_triggers_or_else_on_its_plugins() {
        let plugins = ["deal.*".to_owned()];
        assert!(matches!(flow().matches(&plugins, "deal.won", None, "{}"), Match::Yes(_)));
        assert!(matches!(flow().matches(&plugins, "leadgen", None, "{}"), Match::No(_)));
        let own = Flow { triggers: Some(vec!["leadgen".into()]), ..flow() };
        assert!(matches!(own.matches(&plugins, "leadgen", None, "{}"), Match::Yes(_)));
        assert!(matches!(own.matches(&plugins, "deal.won", None, "{}"), Match::No(_)));
    }

    #[test]
    fn providers_the_filter_and_a_pause_each_say_no_in_words() {
        let all = ["*".to_owned()];
        let of = Flow { providers: vec!["github".into()], ..flow() };
        assert!(matches!(of.matches(&all, "push", Some("github"), "{}"), Match::Yes(_)));
        assert!(matches!(of.matches(&all, "push", Some("meta"), "{}"), Match::No(why) if why.contains("`meta`")));
        assert!(matches!(of.matches(&all, "push", None, "{}"), Match::No(why) if why.contains("no provider")));
        let filter = Filter::parse(r#"{"country":"DE"}"#).ok();
        let filtered = Flow { filter, ..flow() };
        assert!(matches!(filtered.matches(&all, "x", None, r#"{"country":"DE"}"#), Match::Yes(_)));
        assert!(
            matches!(filtered.matches(&all, "x", None, r#"{"country":"FR"}"#), Match::No(why) if why.contains("country"))
        );
        let paused = Flow { status: FlowStatus::Paused, status_reason: Some("by hand".into()), ..flow() };
        assert!(matches!(paused.matches(&all, "x", None, "{}"), Match::No(why) if why.contains("by hand")));
    }
}
