//! The cases in `fixtures/`, native. The host runs them a second time, through WebAssembly.

#[test]
fn the_fixtures_hold() {
    hookyard_sdk::fixtures::check_flow::<enrich::Enrich>(env!("CARGO_MANIFEST_DIR"));
}
