//! What `wit/` says, as Rust: generated, private, and converted by hand in [`crate::lift`].
//!
//! One module a world; the interfaces that worlds share are generated once, for providers.

pub(crate) mod provider {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "provider-plugin",
        imports: { "hookyard:plugin/http.fetch": trappable, "hookyard:plugin/log.write": trappable, "hookyard:plugin/secrets.hmac": trappable },
    });
}

pub(crate) mod destination {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "destination-plugin",
        with: {
            "hookyard:plugin/types": crate::bindings::provider::hookyard::plugin::types,
            "hookyard:plugin/manifests": crate::bindings::provider::hookyard::plugin::manifests,
            "hookyard:plugin/log": crate::bindings::provider::hookyard::plugin::log,
            "hookyard:plugin/http": crate::bindings::provider::hookyard::plugin::http,
        },
    });
}

pub(crate) mod flow {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "flow-plugin",
        with: {
            "hookyard:plugin/types": crate::bindings::provider::hookyard::plugin::types,
            "hookyard:plugin/manifests": crate::bindings::provider::hookyard::plugin::manifests,
            "hookyard:plugin/log": crate::bindings::provider::hookyard::plugin::log,
            "hookyard:plugin/http": crate::bindings::provider::hookyard::plugin::http,
        },
        imports: {
            "hookyard:plugin/state.get": trappable,
            "hookyard:plugin/state.set": trappable,
            "hookyard:plugin/state.delete": trappable,
            "hookyard:plugin/clock.now": trappable,
            "hookyard:plugin/clock.sleep": trappable,
        },
    });
}
