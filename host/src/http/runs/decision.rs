//! What a run decided, as the API shows it: the model's JSON, with data as JSON and not as a text of it.

use hookyard_model::run::{Action, Change, Decision, Write};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::raw;

/// What a flow wants done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
#[serde(rename_all = "camelCase")]
pub enum ActionView {
    /// A new event. In a transform: the body.
    #[serde(rename_all = "camelCase")]
    Emit {
        /// What subscriptions and flows match.
        #[schema(example = "lead.routed")]
        event_type: String,
        /// What receivers get.
        #[schema(value_type = Value)]
        data: Box<RawValue>,
    },
    /// Changes to the triggering lead.
    UpdateLead(Vec<ChangeView>),
    /// A push of the triggering lead.
    PushLead {
        /// The destination's name or id.
        destination: String,
    },
    /// Nothing further is done with the triggering event, and why.
    Drop(String),
}

/// One field of a lead, set or emptied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    /// `email`, `first-name`, … or the name of a custom field.
    pub field: String,
    /// What it becomes; null where it is emptied.
    pub value: Option<String>,
}

/// The actions of a decision, and what it writes to the flow's state.
pub(crate) fn show(decision: Option<Decision>) -> (Vec<ActionView>, Vec<Write>) {
    let Decision { actions, writes } = decision.unwrap_or_default();
    (actions.into_iter().map(ActionView::from).collect(), writes)
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        match action {
            Action::Emit { event_type, data } => Self::Emit { event_type, data: raw::json(data) },
            Action::UpdateLead(changes) => Self::UpdateLead(changes.into_iter().map(ChangeView::from).collect()),
            Action::PushLead { destination } => Self::PushLead { destination },
            Action::Drop(reason) => Self::Drop(reason),
        }
    }
}

impl From<Change> for ChangeView {
    fn from(Change { field, value }: Change) -> Self {
        Self { field, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_an_event_is_shown_as_json() {
        let actions = vec![
            Action::Emit { event_type: "a".into(), data: r#"{"id":900719925474099312345}"#.into() },
            Action::UpdateLead(vec![Change { field: "email".into(), value: None }]),
            Action::PushLead { destination: "crm".into() },
            Action::Drop("because".into()),
        ];
        let (actions, writes) = show(Some(Decision { actions, writes: vec![] }));
        let expected = r#"[{"emit":{"eventType":"a","data":{"id":900719925474099312345}}},{"updateLead":[{"field":"email","value":null}]},{"pushLead":{"destination":"crm"}},{"drop":"because"}]"#;
        assert_eq!(serde_json::to_string(&actions).unwrap(), expected);
        assert!(writes.is_empty());
    }
}
