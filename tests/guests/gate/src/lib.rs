//! A flow for the stages `before` and `transform`: it does to an event what its settings' `do` says.

use hookyard_sdk::{Action, Change, Failure, Flow, FlowManifest, Json, Trigger, clock, json, state};
use serde_json::{Value, json};

/// The guest.
pub struct Gate;

hookyard_sdk::export!(Gate as flow);

impl Flow for Gate {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "gate".into(),
            name: "Gate".into(),
            version: "1.0.0".into(),
            summary: "Does to an event what its settings say.".into(),
            triggers: vec!["*".into()],
            settings_schema: r#"{"type":"object","properties":{"do":{"type":"string"}}}"#.into(),
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        let settings: Value = json::parse("the settings", &settings)?;
        match settings.get("do").and_then(Value::as_str).unwrap_or_default() {
            "drop" => Ok(vec![Action::drop("nobody wants it")]),
            "change" => Ok(vec![
                Action::update_lead([Change::set("company", " Acme  Ltd "), Change::set("segment", "small")]),
                Action::emit("lead.changed", &json!({ "event": trigger.event.id })),
            ]),
            "fail" => Err(Failure::permanent("it was told to fail")),
            "trap" => trap(),
            "sleep-too-long" => {
                clock::sleep(std::time::Duration::from_secs(3600));
                Ok(vec![])
            }
            "count" => {
                let count = state::get_json::<u64>("count")?.unwrap_or_default() + 1;
                state::set_json("count", &count);
                Ok(vec![Action::emit("counted", &json!({ "count": count }))])
            }
            "shout" => {
                let data: Value = trigger.event.data()?;
                Ok(vec![Action::emit("shouted", &json!({ "loud": data.to_string().to_uppercase() }))])
            }
            "twice" => Ok(vec![Action::emit("one", &json!(1)), Action::emit("two", &json!(2))]),
            _ => Ok(vec![]),
        }
    }
}

#[expect(clippy::panic, reason = "it is told to")]
fn trap() -> Result<Vec<Action>, Failure> {
    panic!("told to panic")
}
