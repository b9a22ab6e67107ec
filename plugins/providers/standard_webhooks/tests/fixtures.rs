//! The wire facts in `fixtures/`, native. The host runs them a second time, through WebAssembly.

#[test]
fn the_fixtures_hold() {
    hookyard_sdk::fixtures::check::<standard_webhooks::StandardWebhooks>(env!("CARGO_MANIFEST_DIR"));
}
