//! How a replay compares with its run, for a person: the same words whether it was replayed here or on a host.

use serde_json::{Value, json};

use super::tried::list;
use crate::cli::diff;
use crate::cli::tenant::text;

/// In words, and a difference line by line where there is one. `compared` is as the API writes it.
pub(super) fn told(compared: &Value, coloured: bool) -> String {
    let (before, now) = (compared.get("before"), compared.get("now"));
    let one = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "nothing: it had ended there".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    match text(compared, "result") {
        "same" => "same".to_owned(),
        "decided" => {
            let (before, now) = (lines(before), lines(now));
            format!("it decides something else\n{}", diff::lines(&before, &now, coloured))
        }
        "askedLess" => format!("it asks for {} effects, and the run asked for {}\n", one(now), one(before)),
        "askedOther" => {
            let step = compared.get("step").map(Value::to_string).unwrap_or_default();
            format!("it goes another way at effect {step}\n- {}\n+ {}\n", one(before), one(now))
        }
        "failed" => format!("it fails ({}): {}\n", text(compared, "blame"), text(compared, "reason")),
        other => format!("{other}\n"),
    }
}

/// A decision as lines that can be compared: data as JSON, unless only the text of it differs.
fn lines(decision: Option<&Value>) -> String {
    let Some(decision) = decision else { return String::new() };
    let actions: Vec<Value> = list(decision, "actions").iter().map(action).collect();
    let decision = json!({ "actions": actions, "writes": list(decision, "writes") });
    serde_json::to_string_pretty(&decision).unwrap_or_default()
}

fn action(action: &Value) -> Value {
    let Some(emit) = action.get("emit") else { return action.clone() };
    let data = match emit.get("data") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        other => other.cloned().unwrap_or_default(),
    };
    json!({ "emit": { "eventType": text(emit, "eventType"), "data": data } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_has_its_words() {
        let emit = |data: &str| json!({"actions": [{"emit": {"eventType": "a", "data": data}}], "writes": []});
        let decided = json!({"result": "decided", "before": emit("{\"n\":1}"), "now": emit("{\"n\":2}")});
        let shown = told(&decided, false);
        assert!(shown.contains("-           \"n\": 1\n") && shown.contains("+           \"n\": 2\n"), "{shown}");
        let other = json!({"result": "askedOther", "step": 2, "before": null, "now": "clock.sleep 5 ms"});
        assert!(told(&other, false).contains("effect 2\n- nothing: it had ended there\n+ clock.sleep 5 ms"));
        let less = json!({"result": "askedLess", "before": 3, "now": 1});
        assert!(told(&less, false).contains("asks for 1 effects, and the run asked for 3"));
        let failed = json!({"result": "failed", "blame": "trapped", "reason": "x"});
        assert_eq!(told(&failed, false), "it fails (trapped): x\n");
    }
}
