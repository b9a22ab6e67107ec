//! The engine's settings: one set for the process that runs guests and for the child that compiles them.
//!
//! Both must agree on everything that reaches machine code, or nothing that the child made could be loaded; so both
//! start from [`base`]. Only the runtime adds the pooling allocator, whose address space a compiling child, which
//! lives under a limit, could not reserve.

use std::hash::{DefaultHasher, Hash, Hasher};

use hookyard_model::limits;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

/// Guest stack, in bytes; well below what a sandbox thread has.
const GUEST_STACK_BYTES: usize = 512 * 1024;
/// What of a used memory is wiped by writing zeros instead of by a system call, in bytes.
const KEEP_RESIDENT_BYTES: usize = 512 * 1024;
/// Core instances of one component: Rust needs 3, CPython up to 31.
const CORE_INSTANCES_PER_COMPONENT: u32 = 40;
const MEMORIES_PER_COMPONENT: u32 = 4;
const TABLES_PER_COMPONENT: u32 = 8;

fn base() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .memory_init_cow(true)
        .wasm_component_model(true)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false);
    config
}

/// The engine that runs guests, `concurrency` of them at once.
pub(crate) fn runtime(concurrency: usize) -> wasmtime::Result<Engine> {
    let slots = u32::try_from(concurrency).unwrap_or(u32::MAX).saturating_add(2);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(slots.saturating_mul(MEMORIES_PER_COMPONENT))
        .total_tables(slots.saturating_mul(TABLES_PER_COMPONENT))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .table_elements(limits::GUEST_TABLE_ELEMENTS_MAX)
        .max_memory_size(limits::GUEST_INTERPRETED_MEMORY_BYTES_MAX)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 * 1024)
        // On wasmtime 48 the page map scan can show one guest another's swapped-out pages.
        .pagemap_scan(Enabled::No);
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool)).wasm_backtrace_max_frames(None);
    Engine::new(&config)
}

/// The engine that compiles, in the child.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&base())
}

/// What must be equal for compiled code to be loadable: wasmtime's full version and every setting that reaches code.
pub(crate) fn compatibility(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_compiles_what_the_runtime_can_load() {
        assert_eq!(compatibility(&runtime(2).unwrap()), compatibility(&compiler().unwrap()));
    }
}
