//! The cases in `fixtures/`, native. `hookyard plugin check` runs them again, through WebAssembly.

#[test]
fn the_fixtures_hold() {
    hookyard_sdk::fixtures::check::<template_provider::TemplateProvider>(env!("CARGO_MANIFEST_DIR"));
}
