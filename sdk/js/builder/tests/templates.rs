//! What an author starts from: the templates, in both languages, and the plugins of the README.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::Path;

use hookyard_js::World;
use serde_json::json;
use support::build;

const WORLDS: [World; 3] = [World::Flow, World::Provider, World::Destination];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn every_template_builds_in_both_languages() {
    for world in WORLDS {
        for lang in ["ts", "js"] {
            let name = format!("src/index.{lang}");
            let text = read(&format!("template/{world}/{name}")).replace("{{name}}", "mine");
            let mut guest = build(&[(&name, &text)], world).unwrap();
            assert_eq!(guest.call("describe", &[]).unwrap()["id"], "mine");
        }
    }
}

#[test]
fn the_template_of_a_flow_waits_and_tells() {
    let text = read("template/flow/src/index.ts");
    let mut guest = build(&[("src/index.ts", &text)], World::Flow).unwrap();
    let lead = json!({
        "provider-lead-id": "l", "full-name": "Ada", "raw-field-data": [], "custom-fields": [], "consents": [], "is-test": false,
    });
    let event = json!({"id": "e", "event-type": "leadgen", "occurred-at": support::NOW - 7, "data": "{}"});
    let actions = guest.call("run", &[json!({"event": event, "lead": lead}), json!("{}")]).unwrap();
    assert_eq!(actions["ok"][0]["emit"]["data"], "{\"name\":\"Ada\",\"waitedMs\":7}");
    assert_eq!(guest.kept.asked, ["sleep 300000", "info: nobody called yet"]);
}

#[test]
fn the_plugins_of_the_readme_build() {
    let page = read("README.md");
    let blocks = page.split("```ts\n").skip(1).filter_map(|rest| rest.split("```").next());
    let plugins: Vec<&str> = blocks.filter(|block| block.contains("export default")).collect();
    for (world, text) in WORLDS.into_iter().zip(&plugins) {
        build(&[("index.ts", text)], world).unwrap();
    }
    assert_eq!(plugins.len(), WORLDS.len());
}

#[test]
fn the_types_name_what_the_sdk_exports() {
    let types = read("hookyard.d.ts");
    let face = read("hookyard.js");
    let exported = face.split('{').skip(1).flat_map(|rest| rest.split('}').next().unwrap_or_default().split(','));
    for name in exported.map(str::trim).filter(|name| !name.is_empty()) {
        let declared = ["function", "class", "const"].iter().any(|kind| {
            let mut lines = types.lines().map(str::trim);
            lines.any(|line| {
                let rest = line.strip_prefix(&format!("export {kind} {name}"));
                rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
            })
        });
        assert!(declared, "{name} has no type");
    }
}
