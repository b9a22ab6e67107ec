//! What came of a test, for a person. It is the API's answer, wherever the test ran.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Paint};
use crate::cli::tenant::text;

/// Shows a test; fine only where the flow came to a decision that can be carried out.
pub(super) fn show(tested: &Value, json: bool) -> Result<ExitCode, Failure> {
    if json {
        output::json(tested)?;
    } else {
        output::text(&told(tested, output::is_coloured(&std::io::stdout())))?;
    }
    let is_open = |field: &str| tested.get(field).is_some_and(|value| !value.is_null());
    let decided = !is_open("reason") && !is_open("wants");
    Ok(if decided { Exit::Fine } else { Exit::Failed }.into())
}

fn told(tested: &Value, coloured: bool) -> String {
    let mut lines = Vec::new();
    let mut line = |label: &str, words: String| lines.push(format!("{label:<9}{words}"));
    if let Some(matched) = tested.get("matched") {
        let yes = matched.get("yes").and_then(Value::as_bool).unwrap_or_default();
        line("matched", format!("{}: {}", if yes { "yes" } else { "no" }, text(matched, "why")));
    }
    let reason = text(tested, "reason");
    if !reason.is_empty() {
        let failed = output::paint("failed", Paint::Bad, coloured);
        line("result", format!("{failed} ({}): {reason}", text(tested, "blame")));
    } else if text(tested, "wants").is_empty() {
        line("result", output::paint("decided", Paint::Good, coloured));
    } else {
        line("result", format!("{}: a fetch is not answered", output::paint("open", Paint::Bad, coloured)));
        line("wants", format!("{}; answer it in \"fetches\" of the event's file", text(tested, "wants")));
    }
    numbered("actions", list(tested, "actions"), &mut lines, |action| action.to_string());
    numbered("writes", list(tested, "writes"), &mut lines, |write| write.to_string());
    numbered("effects", list(tested, "effects"), &mut lines, |effect| text(effect, "effect").to_owned());
    numbered("log", list(tested, "log"), &mut lines, |line| line.as_str().unwrap_or_default().to_owned());
    lines.push(format!("{:<9}{}", "cost", cost(tested)));
    lines.join("\n") + "\n"
}

/// CPU, memory and calls of a test or a run.
pub(super) fn cost(of: &Value) -> String {
    let number = |field: &str| of.get(field).and_then(Value::as_u64).unwrap_or_default();
    let micros = number("cpuMicros");
    let (calls, memory) = (number("calls"), number("memoryBytes") / 1024);
    let plural = if calls == 1 { "" } else { "s" };
    format!("{}.{:02} ms of CPU, {memory} KiB, {calls} call{plural}", micros / 1000, micros % 1000 / 10)
}

/// A heading with a count, and what it counts below it; nothing where there is none.
pub(super) fn numbered(label: &str, values: &[Value], lines: &mut Vec<String>, show: impl Fn(&Value) -> String) {
    if !values.is_empty() {
        lines.push(format!("{label:<9}{}", values.len()));
        lines.extend(values.iter().map(|value| format!("  {}", show(value))));
    }
}

/// A field's list, or nothing.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_test_is_told_in_a_block() {
        let tested = json!({
            "matched": {"yes": true, "why": "`a` matches `*`"}, "actions": [{"drop": "x"}], "writes": [],
            "effects": [{"step": 1, "effect": "clock.sleep 5 ms", "answered": true}], "wants": null, "reason": null,
            "blame": null, "log": ["info: hello"], "cpuMicros": 1234, "memoryBytes": 2048, "calls": 2,
        });
        assert_eq!(
            told(&tested, false),
            "matched  yes: `a` matches `*`\nresult   decided\nactions  1\n  {\"drop\":\"x\"}\neffects  1\n  \
             clock.sleep 5 ms\nlog      1\n  info: hello\ncost     1.23 ms of CPU, 2 KiB, 2 calls\n"
        );
    }

    #[test]
    fn what_is_not_answered_and_what_failed_stand_out() {
        let open = json!({"wants": "http.fetch GET https://a/", "reason": null});
        assert!(told(&open, false).contains("result   open") && told(&open, false).contains("https://a/"));
        let failed = json!({"reason": "it panicked", "blame": "trapped"});
        assert!(told(&failed, false).contains("failed (trapped): it panicked"));
    }
}
