//! A virtual WASI: what toolchains link without being asked, answered without a world behind it.
//!
//! Standard output and error go to the run's log, the clock stands at the call's `now`, randomness follows from the
//! run's seed, and there are no arguments, variables and files. Everything is a plain synchronous function, so that a
//! guest that imports all of it still runs without a fibre. Whatever of these interfaces is not here traps when it is
//! called, and says its name.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};

use crate::state::{CallState, Stop};

// The resources have no content: a guest holds a number.
enum IoError {}
enum Pollable {}
enum InputStream {}
enum OutputStream {}
enum TerminalInput {}
enum TerminalOutput {}
enum Descriptor {}
enum Network {}
enum TcpSocket {}
enum UdpSocket {}

const STDIO: u32 = 1;
/// What an output stream takes at a time, in bytes.
const WRITE_BYTES: u64 = 64 * 1024;
/// Random bytes that one call may ask for.
const RANDOM_BYTES_MAX: u64 = 64 * 1024;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

type Cx<'a> = StoreContextMut<'a, CallState>;

/// Links the interface that a component imports as `name`, version and all; nothing where it is none of these.
pub(crate) fn link(linker: &mut Linker<CallState>, name: &str) -> wasmtime::Result<()> {
    let interface = name.split_once('@').map_or(name, |(interface, _)| interface);
    let define = match interface {
        "wasi:io/error" => error,
        "wasi:io/poll" => poll,
        "wasi:io/streams" => streams,
        "wasi:cli/environment" => environment,
        "wasi:cli/exit" => exit,
        "wasi:cli/stdin" | "wasi:cli/stdout" | "wasi:cli/stderr" => stdio,
        "wasi:cli/terminal-input" | "wasi:cli/terminal-output" => only_resources,
        "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr" => no_terminal,
        "wasi:clocks/monotonic-clock" => monotonic_clock,
        "wasi:clocks/wall-clock" => wall_clock,
        "wasi:filesystem/preopens" => preopens,
        "wasi:filesystem/types" => only_resources,
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => random,
        // Nothing behind them; but what they share with the interfaces above has to be the same.
        name if name.starts_with("wasi:sockets/") => only_resources,
        _ => return Ok(()),
    };
    let mut instance = linker.instance(name)?;
    resources(&mut instance)?;
    define(&mut instance)
}

type Instance<'a> = LinkerInstance<'a, CallState>;

/// An interface that uses another's resource also exports it, so each gets all of them; more than is imported is fine.
fn resources(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    i.resource("pollable", ResourceType::host::<Pollable>(), |_, _| Ok(()))?;
    i.resource("input-stream", ResourceType::host::<InputStream>(), |_, _| Ok(()))?;
    i.resource("output-stream", ResourceType::host::<OutputStream>(), |_, _| Ok(()))?;
    i.resource("terminal-input", ResourceType::host::<TerminalInput>(), |_, _| Ok(()))?;
    i.resource("terminal-output", ResourceType::host::<TerminalOutput>(), |_, _| Ok(()))?;
    i.resource("descriptor", ResourceType::host::<Descriptor>(), |_, _| Ok(()))?;
    i.resource("network", ResourceType::host::<Network>(), |_, _| Ok(()))?;
    i.resource("tcp-socket", ResourceType::host::<TcpSocket>(), |_, _| Ok(()))?;
    i.resource("udp-socket", ResourceType::host::<UdpSocket>(), |_, _| Ok(()))
}

fn error(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("[method]error.to-debug-string", |_: Cx<'_>, (_,): (Resource<IoError>,)| Ok((String::new(),)))
}

fn poll(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("[method]pollable.ready", |_: Cx<'_>, (_,): (Resource<Pollable>,)| Ok((true,)))?;
    i.func_wrap("[method]pollable.block", |mut cx: Cx<'_>, (_,): (Resource<Pollable>,)| cx.data_mut().count())?;
    i.func_wrap("poll", |mut cx: Cx<'_>, (all,): (Vec<Resource<Pollable>>,)| {
        cx.data_mut().count()?;
        let ready: Vec<u32> = (0..u32::try_from(all.len()).unwrap_or(u32::MAX)).collect();
        Ok((ready,))
    })
}

fn streams(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    for read in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        i.func_wrap(read, |_: Cx<'_>, (_, _): (Resource<InputStream>, u64)| {
            Ok((Err::<Vec<u8>, StreamError>(StreamError::Closed),))
        })?;
    }
    i.func_wrap("[method]input-stream.subscribe", |_: Cx<'_>, (_,): (Resource<InputStream>,)| {
        Ok((Resource::<Pollable>::new_own(STDIO),))
    })?;
    i.func_wrap("[method]output-stream.check-write", |mut cx: Cx<'_>, (_,): (Resource<OutputStream>,)| {
        cx.data_mut().count()?;
        Ok((Ok::<u64, StreamError>(WRITE_BYTES),))
    })?;
    for write in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        i.func_wrap(write, |mut cx: Cx<'_>, (_, bytes): (Resource<OutputStream>, Vec<u8>)| {
            cx.data_mut().count()?;
            cx.data_mut().log.output(&bytes);
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for flush in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        i.func_wrap(flush, |mut cx: Cx<'_>, (_,): (Resource<OutputStream>,)| {
            cx.data_mut().count()?;
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    i.func_wrap("[method]output-stream.subscribe", |mut cx: Cx<'_>, (_,): (Resource<OutputStream>,)| {
        cx.data_mut().count()?;
        Ok((Resource::<Pollable>::new_own(STDIO),))
    })
}

fn environment(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("get-environment", |_: Cx<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    i.func_wrap("get-arguments", |_: Cx<'_>, (): ()| Ok((Vec::<String>::new(),)))?;
    i.func_wrap("initial-cwd", |_: Cx<'_>, (): ()| Ok((None::<String>,)))
}

fn exit(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("exit", |_: Cx<'_>, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> { Err(Stop::Exit.into()) })
}

fn stdio(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("get-stdin", |_: Cx<'_>, (): ()| Ok((Resource::<InputStream>::new_own(STDIO),)))?;
    for output in ["get-stdout", "get-stderr"] {
        i.func_wrap(output, |_: Cx<'_>, (): ()| Ok((Resource::<OutputStream>::new_own(STDIO),)))?;
    }
    Ok(())
}

fn only_resources(_: &mut Instance<'_>) -> wasmtime::Result<()> {
    Ok(())
}

fn preopens(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("get-directories", |_: Cx<'_>, (): ()| Ok((Vec::<(Resource<Descriptor>, String)>::new(),)))
}

fn no_terminal(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("get-terminal-stdin", |_: Cx<'_>, (): ()| Ok((None::<Resource<TerminalInput>>,)))?;
    for output in ["get-terminal-stdout", "get-terminal-stderr"] {
        i.func_wrap(output, |_: Cx<'_>, (): ()| Ok((None::<Resource<TerminalOutput>>,)))?;
    }
    Ok(())
}

fn monotonic_clock(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("now", |mut cx: Cx<'_>, (): ()| {
        cx.data_mut().count()?;
        Ok((0u64,))
    })?;
    i.func_wrap("resolution", |_: Cx<'_>, (): ()| Ok((1_000_000u64,)))
}

fn wall_clock(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    i.func_wrap("now", |mut cx: Cx<'_>, (): ()| {
        cx.data_mut().count()?;
        let now = cx.data().now();
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        let nanoseconds = u32::try_from(millis % 1_000).unwrap_or_default() * 1_000_000;
        Ok((Datetime { seconds: millis / 1_000, nanoseconds },))
    })?;
    i.func_wrap("resolution", |_: Cx<'_>, (): ()| Ok((Datetime { seconds: 0, nanoseconds: 1_000_000 },)))
}

fn random(i: &mut Instance<'_>) -> wasmtime::Result<()> {
    for bytes in ["get-random-bytes", "get-insecure-random-bytes"] {
        i.func_wrap(bytes, |mut cx: Cx<'_>, (count,): (u64,)| {
            cx.data_mut().count()?;
            let count = usize::try_from(count.min(RANDOM_BYTES_MAX)).unwrap_or_default();
            let mut random = Vec::with_capacity(count.next_multiple_of(8));
            while random.len() < count {
                random.extend_from_slice(&cx.data_mut().next_random().to_le_bytes());
            }
            random.truncate(count);
            Ok((random,))
        })?;
    }
    for number in ["get-random-u64", "get-insecure-random-u64"] {
        i.func_wrap(number, |mut cx: Cx<'_>, (): ()| {
            cx.data_mut().count()?;
            Ok((cx.data_mut().next_random(),))
        })?;
    }
    i.func_wrap("insecure-seed", |mut cx: Cx<'_>, (): ()| {
        let (first, second) = (cx.data_mut().next_random(), cx.data_mut().next_random());
        Ok(((first, second),))
    })
}
