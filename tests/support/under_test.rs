//! The host's own command line: tests start it, kill it, and have it compile.
//!
//! With `HOOKYARD_TEST_DIE=before:7` it serves, configured by its environment alone, and kills itself with SIGKILL right
//! before its seventh commit (or `after:7`, right behind it). `HOOKYARD_TEST_AHEAD_MS` puts its clock forward, so that
//! what its predecessor had claimed is due.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookyard::clock::SystemClock;
use hookyard::run::{Host, Surroundings};
use hookyard::worker::Pace;
use hookyard_model::instant::{Clock, Instant};
use hookyard_store::{CommitWatch, Moment};

fn main() -> ExitCode {
    match (std::env::var("HOOKYARD_TEST_DIE"), std::env::args().len()) {
        (Ok(die), 1) => serve(&die),
        _ => hookyard::cli::main(),
    }
}

#[derive(Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Instant {
        SystemClock.now().plus(self.0)
    }
}

/// Serves until it dies, of itself or by its parent.
#[tokio::main]
async fn serve(die: &str) -> ExitCode {
    let variables: Vec<_> = std::env::vars().filter(|(name, _)| !name.starts_with("HOOKYARD_TEST")).collect();
    let config = hookyard::config::load(vec![], &variables, None).expect("a configuration").config;
    let ahead = std::env::var("HOOKYARD_TEST_AHEAD_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or_default();
    let mut around = Surroundings::of_this_machine().expect("this program");
    around.clock = Arc::new(Ahead(Duration::from_millis(ahead)));
    around.trust_clock = true;
    around.pace = Pace { poll: Duration::from_millis(20), rest: Duration::from_millis(5) };
    around.commit_watch = die.split_once(':').map(|(moment, number)| watch(moment, number));
    let host = Host::start_in(config, around).await.expect("a host");
    host.wait().await.expect("an end");
    ExitCode::SUCCESS
}

fn watch(moment: &str, number: &str) -> CommitWatch {
    let wanted = if moment == "before" { Moment::BeforeCommit } else { Moment::AfterCommit };
    let number: u32 = number.parse().expect("a number");
    let seen = AtomicU32::new(0);
    CommitWatch(Arc::new(move |moment| {
        if moment == wanted && seen.fetch_add(1, Ordering::SeqCst) + 1 == number {
            let myself = std::process::id().to_string();
            std::process::Command::new("kill").args(["-9", &myself]).status().expect("a kill");
            loop {
                std::thread::park();
            }
        }
    }))
}
