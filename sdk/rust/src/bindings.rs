//! What wit-bindgen makes of `wit/`, one module a world, with the shared types generated once.
//!
//! Nothing here is meant to be read or named by an author: the crate's root re-exports by name what is
//! public. The modules are `pub` only because [`export!`](crate::export) expands in the author's crate. The canonical
//! ABI is written with raw pointers; the lint against unsafe code stays on, for it does not look into foreign macros.

pub mod provider {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "provider-plugin",
        // Every type, used in this world or not: the other worlds take theirs from here.
        generate_unused_types: true,
        additional_derives: [PartialEq],
        additional_type_attributes: {
            "hookyard:plugin/types@0.1.0/lead": [#[derive(Default)]],
            "hookyard:plugin/types@0.1.0/inbound": [#[derive(Default)]],
        },
        export_macro_name: "export_provider",
        pub_export_macro: true,
        runtime_path: "crate::wit_runtime",
    });
}

pub mod destination {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "destination-plugin",
        with: {
            "hookyard:plugin/types@0.1.0": crate::bindings::provider::hookyard::plugin::types,
            "hookyard:plugin/manifests@0.1.0": crate::bindings::provider::hookyard::plugin::manifests,
            "hookyard:plugin/log@0.1.0": crate::bindings::provider::hookyard::plugin::log,
            "hookyard:plugin/http@0.1.0": crate::bindings::provider::hookyard::plugin::http,
        },
        additional_derives: [PartialEq],
        export_macro_name: "export_destination",
        pub_export_macro: true,
        runtime_path: "crate::wit_runtime",
    });
}

pub mod flow {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "flow-plugin",
        with: {
            "hookyard:plugin/types@0.1.0": crate::bindings::provider::hookyard::plugin::types,
            "hookyard:plugin/manifests@0.1.0": crate::bindings::provider::hookyard::plugin::manifests,
            "hookyard:plugin/log@0.1.0": crate::bindings::provider::hookyard::plugin::log,
            "hookyard:plugin/http@0.1.0": crate::bindings::provider::hookyard::plugin::http,
        },
        additional_derives: [PartialEq],
        export_macro_name: "export_flow",
        pub_export_macro: true,
        runtime_path: "crate::wit_runtime",
    });
}
