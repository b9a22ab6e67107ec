//! Compiling, in a process that may be killed.
//!
//! Wasmtime counts denial of service at compile time as no security bug, and rightly so: whoever compiles what
//! strangers send must bound it from outside. [`Compiler`] starts the host's own binary again with one hidden
//! command, hands it the component on standard input, and takes machine code from standard output. The child limits
//! its own CPU and address space before it reads a byte; the parent ends it when the wall time is over.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use hookyard_model::limits;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::engine;
use crate::walk::walk;

/// The child's answer to a component that it refuses; its standard error says why.
const EXIT_REFUSED: u8 = 3;

/// How to start the compiling child.
#[derive(Debug)]
pub struct Compiler {
    program: PathBuf,
    argument: &'static str,
    at_once: Semaphore,
}

/// Why a component did not compile.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The component's fault, in a sentence for its author.
    #[error("{0}")]
    Refused(String),
    /// Took more time or memory than a compile may.
    #[error("compiling took more than {} s of CPU, {} s of time or {} MiB of memory", limits::COMPILE_CPU.as_secs(), limits::COMPILE_WALL.as_secs(), limits::COMPILE_ADDRESS_SPACE_BYTES_MAX / (1024 * 1024))]
    TooCostly,
    /// The child could not be started or spoken to.
    #[error("could not run the compiler")]
    Child(#[source] std::io::Error),
}

impl Compiler {
    /// `program` is this very program (or one that calls [`compile_child`]); `argument` is its hidden command.
    #[must_use]
    pub fn new(program: PathBuf, argument: &'static str) -> Self {
        Self { program, argument, at_once: Semaphore::new(limits::COMPILES_AT_ONCE) }
    }

    /// Walks and compiles `component`; waits its turn.
    pub(crate) async fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        // The semaphore is never closed; were it, there would be no turn to wait for.
        let _turn = self.at_once.acquire().await;
        let work = self.run(component);
        match tokio::time::timeout(limits::COMPILE_WALL, work).await {
            Ok(result) => result,
            Err(_) => Err(CompileError::TooCostly),
        }
    }

    async fn run(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let mut child = Command::new(&self.program)
            .arg(self.argument)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(CompileError::Child)?;
        let mut stdin = child.stdin.take();
        let feed = async {
            if let Some(stdin) = stdin.as_mut() {
                // A child that refuses early closes the pipe; its exit tells the rest.
                let _ = stdin.write_all(component).await;
            }
            drop(stdin);
        };
        let (output, ()) = tokio::join!(child.wait_with_output(), feed);
        let output = output.map_err(CompileError::Child)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        if output.status.code() == Some(i32::from(EXIT_REFUSED)) {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(CompileError::Refused(text.trim().chars().take(2_000).collect()));
        }
        tracing::warn!(status = %output.status, "the compiler ended without an answer");
        Err(CompileError::TooCostly)
    }
}

/// The child's `main`: limits itself, reads a component, walks it, compiles it, writes machine code.
#[must_use]
pub fn compile_child() -> ExitCode {
    match child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The parent reads it from there; should it be gone, nobody wants it.
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::from(EXIT_REFUSED)
        }
    }
}

fn child() -> Result<(), String> {
    limit(Resource::Cpu, limits::COMPILE_CPU.as_secs());
    limit(Resource::As, limits::COMPILE_ADDRESS_SPACE_BYTES_MAX);
    limit(Resource::Core, 0);
    limit(Resource::Fsize, 0);
    let mut component = Vec::new();
    let most = u64::try_from(limits::COMPONENT_INTERPRETED_BYTES_MAX).unwrap_or(u64::MAX);
    std::io::stdin().lock().take(most + 1).read_to_end(&mut component).map_err(|error| error.to_string())?;
    // Deeply nested types recurse; a stack of this size is more than the walk's own caps allow it to need.
    let work = std::thread::Builder::new().stack_size(64 * 1024 * 1024).spawn(move || -> Result<Vec<u8>, String> {
        walk(&component)?;
        let engine = engine::compiler().map_err(|error| format!("{error:#}"))?;
        engine.precompile_component(&component).map_err(|error| format!("the component does not compile: {error:#}"))
    });
    let code =
        work.map_err(|error| error.to_string())?.join().map_err(|_| "the compiler gave up on it".to_owned())??;
    std::io::stdout().lock().write_all(&code).map_err(|error| error.to_string())
}

fn limit(resource: Resource, most: u64) {
    // A limit that is lower already stays as it is.
    let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
}
