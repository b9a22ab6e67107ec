//! A component that is loaded and ready to be called.

use hookyard_model::plugin::{Digest, World};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::destination::{DestinationPlugin, DestinationPluginPre};
use crate::bindings::flow::{FlowPlugin, FlowPluginPre};
use crate::bindings::provider::{ProviderPlugin, ProviderPluginPre};
use crate::contract::{Class, Interface};
use crate::state::CallState;
use crate::wasi;

/// A loaded component: its code mapped, its imports resolved once.
pub struct Guest {
    /// Its name everywhere.
    pub digest: Digest,
    /// What it is for.
    pub world: World,
    /// Which limits it has.
    pub class: Class,
    /// What it asks for and offers.
    pub interface: Interface,
    pub(crate) linked: Linked,
    pub(crate) code_bytes: u64,
}

/// A component with its imports resolved, by world.
pub(crate) enum Linked {
    Provider(ProviderPluginPre<CallState>),
    Destination(DestinationPluginPre<CallState>),
    Flow(FlowPluginPre<CallState>),
}

impl Guest {
    /// Resolves the imports; a sentence for its author where that cannot be.
    pub(crate) fn link(engine: &Engine, component: &Component, digest: Digest) -> Result<Self, String> {
        let interface = Interface::of(engine, component);
        let world = interface.world()?;
        let class = interface.class();
        interface.check_imports(world, class)?;
        let linked = link(engine, component, world, &interface).map_err(|error| {
            let detail: String = format!("{error:#}").chars().take(500).collect();
            format!("the component's imports or exports have the right names and the wrong types, as if built against another version of the contract: {detail}")
        })?;
        let range = component.image_range();
        let code_bytes = (range.end as usize).saturating_sub(range.start as usize) as u64;
        Ok(Self { digest, world, class, interface, linked, code_bytes })
    }
}

fn link(engine: &Engine, component: &Component, world: World, interface: &Interface) -> wasmtime::Result<Linked> {
    let mut linker = Linker::new(engine);
    match world {
        World::Provider => ProviderPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?,
        World::Destination => DestinationPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?,
        World::Flow => FlowPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?,
    }
    for import in &interface.imports {
        wasi::link(&mut linker, import)?;
    }
    linker.define_unknown_imports_as_traps(component)?;
    let linked = linker.instantiate_pre(component)?;
    Ok(match world {
        World::Provider => Linked::Provider(ProviderPluginPre::new(linked)?),
        World::Destination => Linked::Destination(DestinationPluginPre::new(linked)?),
        World::Flow => Linked::Flow(FlowPluginPre::new(linked)?),
    })
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guest({})", self.digest)
    }
}
