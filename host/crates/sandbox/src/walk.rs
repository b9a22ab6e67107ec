//! The walk over a binary before anything compiles it.
//!
//! It answers the first question, "is this a component at all", with a sentence that helps, and holds the binary to
//! counts that no honest plugin needs to exceed. It cannot stop every compile bomb (forty kilobytes can cost ten CPU
//! seconds): that is what the limits of the compiling child are for. It runs in that child, too.

use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

const CORE_MODULES_MAX: usize = 64;
const FUNCTIONS_MAX: u32 = 50_000;
const FUNCTION_BYTES_MAX: usize = 512 * 1024;
const LOCALS_MAX: u64 = 20_000;
const EXPORTS_MAX: u32 = 20_000;
const SEGMENTS_MAX: u32 = 20_000;
const NESTING_MAX: usize = 8;

/// Whether `bytes` are a component that may be compiled; a sentence for its author where not.
pub(crate) fn walk(bytes: &[u8]) -> Result<(), String> {
    check_preamble(bytes)?;
    let features = WasmFeatures::default()
        .difference(WasmFeatures::THREADS)
        .difference(WasmFeatures::SHARED_EVERYTHING_THREADS)
        .difference(WasmFeatures::MEMORY64)
        .difference(WasmFeatures::GC)
        .difference(WasmFeatures::EXCEPTIONS)
        .difference(WasmFeatures::TAIL_CALL)
        .difference(WasmFeatures::RELAXED_SIMD)
        .difference(WasmFeatures::CM_ASYNC)
        .difference(WasmFeatures::CM_THREADING)
        .difference(WasmFeatures::CM_GC);
    let mut validator = Validator::new_with_features(features);
    let mut count = Count::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| format!("the component is damaged: {error}"))?;
        count.add(&payload)?;
        let valid = validator.payload(&payload).map_err(|error| format!("the component is not valid: {error}"))?;
        if let wasmparser::ValidPayload::Func(function, body) = valid {
            let mut function = function.into_validator(wasmparser::FuncValidatorAllocations::default());
            function.validate(&body).map_err(|error| format!("the component is not valid: {error}"))?;
        }
    }
    Ok(())
}

fn check_preamble(bytes: &[u8]) -> Result<(), String> {
    let says = |what: &str| Err(format!("this is {what}, and a plugin is a WebAssembly component"));
    match bytes {
        [] => says("an empty file"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(
            "this is a core WebAssembly module, and a plugin is a component: build it with `hookyard plugin build`, \
             or for the target wasm32-wasip2"
                .to_owned(),
        ),
        [b'\0', b'a', b's', b'm', ..] => says("WebAssembly of another version"),
        [0x7f, b'E', b'L', b'F', ..] => says("a native program or a compiled cache (ELF)"),
        [b'(', ..] => says("WebAssembly text"),
        [b'P', b'K', ..] => says("a zip archive"),
        _ => says("something else"),
    }
}

#[derive(Default)]
struct Count {
    modules: usize,
    functions: u32,
    exports: u32,
    segments: u32,
    depth: usize,
}

impl Count {
    fn add(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.modules += usize::from(*encoding == Encoding::Module);
                at_most("core modules", self.modules, CORE_MODULES_MAX)
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.depth += 1;
                at_most("levels of nesting", self.depth, NESTING_MAX)
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
                at_most("functions", self.functions, FUNCTIONS_MAX)
            }
            Payload::ExportSection(section) => {
                self.exports = self.exports.saturating_add(section.count());
                at_most("exports", self.exports, EXPORTS_MAX)
            }
            Payload::DataSection(section) => {
                self.segments = self.segments.saturating_add(section.count());
                at_most("data segments", self.segments, SEGMENTS_MAX)
            }
            Payload::CodeSectionEntry(body) => {
                at_most("bytes of one function", body.as_bytes().len(), FUNCTION_BYTES_MAX)?;
                let locals = body.get_locals_reader().map_err(|error| format!("the component is damaged: {error}"))?;
                let mut sum: u64 = 0;
                for local in locals {
                    let (count, _) = local.map_err(|error| format!("the component is damaged: {error}"))?;
                    sum = sum.saturating_add(u64::from(count));
                }
                at_most("locals of one function", sum, LOCALS_MAX)
            }
            _ => Ok(()),
        }
    }
}

fn at_most<N: PartialOrd + std::fmt::Display>(what: &str, count: N, max: N) -> Result<(), String> {
    if count > max {
        return Err(format!("the component has {count} {what}, and at most {max} are allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_so_by_name() {
        for (bytes, says) in [
            (&b""[..], "an empty file"),
            (b"\0asm\x01\0\0\0", "core WebAssembly module"),
            (b"\x7fELF\x02", "ELF"),
            (b"(component)", "WebAssembly text"),
            (b"PK\x03\x04", "zip"),
            (b"\x89PNG", "something else"),
            (b"\0asm\x0d\0\x01\0\xff", "damaged"),
        ] {
            let error = walk(bytes).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn an_empty_component_walks_and_every_cut_of_one_is_refused_without_a_panic() {
        let bytes = wat::parse_str("(component (core module (func (export \"f\") (loop (br 0)))))").unwrap();
        walk(&bytes).unwrap();
        for end in 0..bytes.len() {
            let _ = walk(&bytes[..end]);
        }
    }

    #[test]
    fn proposals_that_are_off_are_refused() {
        for text in [
            "(component (core module (memory i64 1)))",
            "(component (core module (memory 1 1 shared)))",
            "(component (core module (type (struct))))",
        ] {
            assert!(walk(&wat::parse_str(text).unwrap()).is_err(), "{text}");
        }
    }
}
