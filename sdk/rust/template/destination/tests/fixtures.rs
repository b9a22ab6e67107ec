//! The cases in `fixtures/`, native. `hookyard plugin check` runs them again, through WebAssembly.

#[test]
fn the_fixtures_hold() {
    hookyard_sdk::fixtures::check_destination::<template_destination::TemplateDestination>(env!("CARGO_MANIFEST_DIR"));
}
