//! Template flow: counts the leads of each form, and tells of every one.

use hookyard_sdk::{Action, Failure, Flow, FlowManifest, Json, Trigger, state};
use serde_json::json;

pub struct TemplateFlow;

hookyard_sdk::export!(TemplateFlow as flow);

impl Flow for TemplateFlow {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "template_flow".into(),
            name: "Template flow".into(),
            triggers: vec!["leadgen".into()],
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, _settings: Json) -> Result<Vec<Action>, Failure> {
        let Some(form) = trigger.lead.and_then(|lead| lead.form_id) else {
            return Ok(Vec::new());
        };
        let key = format!("leads of {form}");
        let count = state::get_json::<u64>(&key)?.unwrap_or(0) + 1;
        state::set_json(&key, &count);
        Ok(vec![Action::emit("lead.counted", &json!({ "formId": form, "count": count }))])
    }
}
