//! The cases in `fixtures/`, native. `hookyard plugin check` runs them again, through WebAssembly.

#[test]
fn the_fixtures_hold() {
    hookyard_sdk::fixtures::check_flow::<template_flow::TemplateFlow>(env!("CARGO_MANIFEST_DIR"));
}
