//! `hookyard plugin check`: what a component is and asks for, and whether its fixtures hold through WebAssembly.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::build::{self, Component};
use super::inspect::{self, Inspected};
use crate::cli::block_on;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Paint};
use crate::fixtures::{self, CaseReport, ProofReport};

/// Say what a plugin is and asks for, and run its fixtures in the sandbox
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin check                               builds the plugin in this folder, runs ./fixtures
  hookyard plugin check acme.wasm --fixtures fixtures
  hookyard plugin check --json                        for a program; exit code 1 if a case fails

Each case shows its CPU time, its peak memory, the effects at which it was stopped, and how often it was called.
")]
pub(in crate::cli) struct Check {
    /// A component, or the folder of a plugin, which is built first
    #[arg(default_value = ".", value_name = "FILE|DIR")]
    plugin: PathBuf,
    /// The folder with the cases [default: `fixtures`, in the plugin's folder or beside the component]
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let component = component(&self.plugin)?;
        let folder = self.fixtures.or_else(|| cases(&self.plugin));
        let (inspected, reports) = block_on(check(&component, folder.as_deref()))?;
        let passed = reports.iter().all(CaseReport::passed);
        if self.json {
            let cases: Vec<Value> = reports.iter().map(case_json).collect();
            output::json(&json!({ "plugin": inspected, "cases": cases, "passed": passed }))?;
        } else {
            output::text(&text(&inspected, &reports, output::is_coloured(&std::io::stdout())))?;
        }
        Ok(if passed { Exit::Fine } else { Exit::Failed }.into())
    }
}

/// The component that is meant: a file as it is, a folder built.
pub(super) fn component(plugin: &Path) -> Result<Component, Failure> {
    if plugin.is_dir() { build::build(plugin) } else { Ok(Component { path: plugin.to_owned(), declared: None }) }
}

/// The cases of a plugin's folder, or beside a component.
pub(super) fn cases(plugin: &Path) -> Option<PathBuf> {
    let folder = if plugin.is_dir() { plugin } else { plugin.parent()? };
    Some(folder.join("fixtures")).filter(|cases| cases.is_dir())
}

pub(super) async fn check(
    component: &Component,
    folder: Option<&Path>,
) -> Result<(Inspected, Vec<CaseReport>), Failure> {
    let (inspected, running) = inspect::inspect(component).await?;
    let Some(folder) = folder else { return Ok((inspected, Vec::new())) };
    let reports = fixtures::run(&running.sandbox, &running.guest, &inspected.manifest, folder).await;
    if reports.is_empty() {
        return Err(Failure::user("there is no case in the folder").at(folder.display().to_string()));
    }
    Ok((inspected, reports))
}

fn text(inspected: &Inspected, reports: &[CaseReport], coloured: bool) -> String {
    let mut text = output::table(&inspected.lines());
    text.push_str(&format!("fixtures     {}\n", tally(reports)));
    text.push_str(&told(reports, coloured));
    text
}

/// How many passed.
pub(super) fn tally(reports: &[CaseReport]) -> String {
    let failed = reports.iter().filter(|report| !report.passed()).count();
    match (reports.len(), failed) {
        (0, _) => "none: put cases into the folder fixtures, or pass --fixtures DIR".to_owned(),
        (all, 0) => format!("{all} passed"),
        (all, failed) => format!("{} passed, {failed} failed", all.saturating_sub(failed)),
    }
}

/// Case by case.
pub(super) fn told(reports: &[CaseReport], coloured: bool) -> String {
    let mut text = if reports.is_empty() { String::new() } else { "\n".to_owned() };
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    let table = output::table(&rows);
    for (line, report) in table.lines().zip(reports) {
        let (mark, paint) = if report.passed() { ("ok", Paint::Good) } else { ("FAIL", Paint::Bad) };
        text.push_str(&format!("  {} {line}\n", output::paint(&format!("{mark:<4}"), paint, coloured)));
        if !report.passed() {
            let told = report.problems.iter().flat_map(|problem| problem.lines());
            told.for_each(|line| text.push_str(&format!("         {line}\n")));
            let log = report.log.iter().map(|line| format!("         log  {line}\n"));
            log.for_each(|line| text.push_str(&output::paint(&line, Paint::Faint, coloured)));
        }
    }
    text
}

fn row(report: &CaseReport) -> Vec<String> {
    let cpu_us = report.cpu.as_micros();
    let counted = |number: usize, noun: &str| match number {
        0 => String::new(),
        1 => format!("1 {noun}"),
        more => format!("{more} {noun}s"),
    };
    vec![
        report.name.clone(),
        format!("{}.{:02} ms", cpu_us / 1000, cpu_us % 1000 / 10),
        format!("{} KiB", report.memory_bytes / 1024),
        counted(report.calls, "call"),
        counted(report.effects, "effect"),
        report.proof.as_ref().map(proof_text).unwrap_or_default(),
    ]
}

fn proof_text(proof: &ProofReport) -> String {
    match proof {
        ProofReport::Proved => "proved".to_owned(),
        ProofReport::NotClaimed => "nothing to prove".to_owned(),
        ProofReport::Refused(why) => format!("refused: {why}"),
    }
}

fn case_json(report: &CaseReport) -> Value {
    let proof = report.proof.as_ref().map(|proof| match proof {
        ProofReport::Proved => json!({ "kind": "proved" }),
        ProofReport::NotClaimed => json!({ "kind": "notClaimed" }),
        ProofReport::Refused(why) => json!({ "kind": "refused", "why": why }),
    });
    json!({
        "name": report.name,
        "passed": report.passed(),
        "problems": report.problems,
        "proof": proof,
        "cpuMicros": u64::try_from(report.cpu.as_micros()).unwrap_or(u64::MAX),
        "memoryBytes": report.memory_bytes,
        "calls": report.calls,
        "effects": report.effects,
        "log": report.log,
    })
}
