//! A plugin's wire facts, run through WebAssembly: the same folders that its SDK runs natively.
//!
//! `hookyard plugin check` and this repository's own tests call [`run`]. A case goes the way of a real event: the
//! request is received in the sandbox and proved here, natively, with the case's secrets; each event is normalized by
//! stop and replay, and what the guest asks for must be the case's next `fetch-N.request.http`. A flow's run and a
//! destination's push go the same way, and a run is replayed once more when it is over: it must decide the same again.
//! So a case that passes says more than the native run of it: the component links, its proof holds, it stays within its
//! limits, and it asks for the same again when it is replayed. In which language it was written, nothing here knows.
//!
//! The world of the component decides what a case may be. The format is defined in the SDK (`sdk/rust/src/fixtures.rs`), with one key more: `"proved": true` or `false` in
//! `expected.json` says whether the proof must hold. Without it a request that brings `secrets.json` and events must be
//! proved: a signature that does not verify is the mistake that a native run cannot see.
//!
//! It writes no file and prints nothing. It reads files without leaving the thread, and so is not for a host that
//! serves.

mod message;
mod value;
mod start;
mod case;
mod outside;
mod running;
mod render;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookyard_model::manifest::Manifest;
use hookyard_sandbox::{Guest, Sandbox};

use self::case::{Case, Expected};
use self::outside::{CaseSecrets, Outside};
use self::running::{Outcome, Running};
use self::start::Start;

/// How one case went.
#[derive(Debug, Clone, Default)]
pub struct CaseReport {
    /// The folder's name.
    pub name: String,
    /// What is wrong; nothing where it passed. Some go over several lines.
    pub problems: Vec<String>,
    /// What came of the proof, where there was a request.
    pub proof: Option<ProofReport>,
    /// CPU of all calls together.
    pub cpu: Duration,
    /// The most memory that one call held, in bytes.
    pub memory_bytes: usize,
    /// Calls of the guest, replays included.
    pub calls: usize,
    /// Effects that it asked for; each is one replay.
    pub effects: usize,
    /// What it wrote, all calls together.
    pub log: Vec<String>,
}

/// What came of a request's proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofReport {
    /// Authentic, by the case's secrets.
    Proved,
    /// Nothing was claimed, or nothing can prove it.
    NotClaimed,
    /// Refused, and why.
    Refused(String),
}

impl CaseReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Runs every case in the folder `fixtures`, by name. No folder, no reports: it is the caller's to mind.
pub async fn run(sandbox: &Sandbox, guest: &Arc<Guest>, manifest: &Manifest, fixtures: &Path) -> Vec<CaseReport> {
    let mut reports = Vec::new();
    for folder in case::list(fixtures) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut report = CaseReport { name, ..CaseReport::default() };
        match Case::load(&folder, guest.world) {
            Ok(case) => run_case(sandbox, guest, manifest, case, &mut report).await,
            Err(problem) => report.problems.push(problem),
        }
        reports.push(report);
    }
    reports
}

async fn run_case(sandbox: &Sandbox, guest: &Arc<Guest>, manifest: &Manifest, case: Case, report: &mut CaseReport) {
    let secrets = Arc::new(CaseSecrets::read(&case.secrets, manifest, &mut report.problems));
    let has_secrets = !case.secrets.is_empty();
    let mut running = Running {
        sandbox,
        guest,
        secrets,
        settings: Arc::new(case.settings),
        outside: Outside::new(case.fetches, case.state, manifest),
        report,
    };
    let outcome = match case.start {
        Start::Request(request) => running.receive(request).await,
        Start::Inbound(event) => running.inbound(event).await,
        Start::PageQuery(query) => running.page(query).await,
        Start::Trigger(trigger) => running.flow(*trigger).await,
        Start::Order(order) => running.push(*order).await,
    };
    let Running { outside, report, .. } = running;
    report.effects = outside.effects;
    report.problems.extend(outside.finish());
    match outcome {
        Ok(outcome) => report.problems.extend(judge(&case.expected, &outcome, report.proof.as_ref(), has_secrets)),
        Err(problem) => report.problems.push(problem),
    }
}

fn judge(expected: &Expected, outcome: &Outcome, proof: Option<&ProofReport>, has_secrets: bool) -> Vec<String> {
    match (expected, outcome) {
        (Expected::Answer { value, proved }, Outcome::Answer(actual, events)) => {
            let mut problems = value.differences(actual);
            let is_claimed = proof.is_some_and(|proof| *proof != ProofReport::NotClaimed);
            let must_hold = proved.or((has_secrets && *events > 0 && is_claimed).then_some(true));
            problems.extend(proof.zip(must_hold).and_then(|(proof, must_hold)| judge_proof(proof, must_hold)));
            problems
        }
        (Expected::Error(expected), Outcome::Error(actual)) if expected == actual => Vec::new(),
        (Expected::Error(expected), Outcome::Error(actual)) => {
            vec![format!("the error differs\n  expected {expected}\n  got      {actual}")]
        }
        (Expected::Answer { .. }, Outcome::Error(actual)) => {
            vec![format!("expected an answer, and got the error\n  {actual}")]
        }
        (Expected::Error(expected), Outcome::Answer(actual, _)) => {
            vec![format!("expected the error\n  {expected}\nand got an answer\n  {}", actual.shown())]
        }
    }
}

fn judge_proof(proof: &ProofReport, must_hold: bool) -> Option<String> {
    match (proof, must_hold) {
        (ProofReport::Refused(why), true) => {
            Some(format!("the proof does not hold: {why}; if that is meant, say \"proved\": false in expected.json"))
        }
        (ProofReport::Proved, false) => Some("the proof holds, and expected.json says \"proved\": false".to_owned()),
        (ProofReport::NotClaimed, true) => {
            Some("nothing was proved, and expected.json says \"proved\": true".to_owned())
        }
        (ProofReport::Proved, true) | (ProofReport::Refused(_) | ProofReport::NotClaimed, false) => None,
    }
}

#[cfg(test)]
mod tests;
