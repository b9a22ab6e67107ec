//! What `wit/` says, as Rust: generated, private, and converted by hand in [`crate::lift`].

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "provider-plugin",
    imports: { "hookyard:plugin/http.fetch": trappable, "hookyard:plugin/log.write": trappable, "hookyard:plugin/secrets.hmac": trappable },
});
