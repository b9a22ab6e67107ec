//! A component that is loaded and ready to be called.

use hookyard_model::plugin::{Digest, World};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{ProviderPlugin, ProviderPluginPre};
use crate::contract::Interface;
use crate::state::CallState;
use crate::wasi;

/// A loaded component: its code mapped, its imports resolved once.
pub struct Guest {
    /// Its name everywhere.
    pub digest: Digest,
    /// What it is for.
    pub world: World,
    /// What it asks for and offers.
    pub interface: Interface,
    pub(crate) provider: ProviderPluginPre<CallState>,
    pub(crate) code_bytes: u64,
}

impl Guest {
    /// Resolves the imports; a sentence for its author where that cannot be.
    pub(crate) fn link(engine: &Engine, component: &Component, digest: Digest) -> Result<Self, String> {
        let interface = Interface::of(engine, component);
        let world = interface.world()?;
        interface.check_imports(world)?;
        let provider = provider(engine, component, &interface).map_err(|error| {
            let detail: String = format!("{error:#}").chars().take(500).collect();
            format!("the component's imports or exports have the right names and the wrong types, as if built against another version of the contract: {detail}")
        })?;
        let range = component.image_range();
        let code_bytes = (range.end as usize).saturating_sub(range.start as usize) as u64;
        Ok(Self { digest, world, interface, provider, code_bytes })
    }
}

fn provider(
    engine: &Engine,
    component: &Component,
    interface: &Interface,
) -> wasmtime::Result<ProviderPluginPre<CallState>> {
    let mut linker = Linker::new(engine);
    ProviderPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    for import in &interface.imports {
        wasi::link(&mut linker, import)?;
    }
    linker.define_unknown_imports_as_traps(component)?;
    ProviderPluginPre::new(linker.instantiate_pre(component)?)
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guest({})", self.digest)
    }
}
