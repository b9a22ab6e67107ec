//! `hookyard verify`: is this signature right, and if not, why not.
//!
//! The verdict is the pipeline's own ([`hookyard_model::proof`]), over the exact bytes. Only when it is no does the
//! [`diagnosis`] try what people get wrong: a body that an editor or a framework changed, a secret in another
//! encoding, a signature written another way.

mod scheme;
mod diagnosis;

use std::io::Read;
use std::process::ExitCode;

use clap::Args;
use hookyard_model::http::Field;
use hookyard_model::instant::{Clock, Instant};
use hookyard_model::limits;
use serde::Serialize;

use self::scheme::Style;
use super::failure::{Exit, Failure};
use super::output;
use crate::clock::SystemClock;

/// Larger than any webhook; what is longer is a wrong file.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Check a webhook's signature over its exact bytes, and say why if it is wrong
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard verify --style github --secret \"It's a Secret to Everybody\" \\
      --header 'X-Hub-Signature-256: sha256=757107ea…' body.json
  printf '%s' \"$BODY\" | hookyard verify --style standard --secret whsec_… \\
      -H \"webhook-id: $ID\" -H \"webhook-timestamp: $AT\" -H \"webhook-signature: $SIGNATURE\"
  hookyard verify --style connect --secret s3cret -H 'X-Connect-Signature: 9f2c…' body --json

The body must be the bytes that were sent: `echo` and editors add a newline.
Exit code 0 is valid, 1 is not.
")]
pub(super) struct Verify {
    /// Who signed it, and so how: standard (Standard Webhooks), connect, github or meta
    #[arg(long, value_enum, hide_possible_values = true)]
    style: Style,
    /// The secret as it is pasted; several during a rotation
    #[arg(long, required = true, env = "HOOKYARD_SECRET", hide_env_values = true)]
    secret: Vec<String>,
    /// A header of the request, `name: value`
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// The time at which it came, RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The file with the body; `-` is standard input
    #[arg(default_value = "-", value_name = "BODY")]
    body: String,
}

/// A request whose signature is in question.
pub(super) struct Question {
    style: Style,
    secrets: Vec<String>,
    headers: Vec<Field>,
    body: Vec<u8>,
    now: Instant,
}

/// The answer. The kinds are stable words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    pub(super) valid: bool,
    /// `valid`, `missing-header`, `wrong-encoding`, `stale`, `body-changed`, `wrong-secret`, …
    pub(super) kind: &'static str,
    /// In a sentence.
    pub(super) why: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
    /// The header's value that would have been right, by the first secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<String>,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let json = self.json;
        let question = self.question()?;
        let verdict = diagnosis::verdict(&question);
        if json {
            output::json(&verdict)?;
            return Ok(if verdict.valid { Exit::Fine } else { Exit::Failed }.into());
        }
        if verdict.valid {
            return output::line(&format!("valid: {}", verdict.why));
        }
        let why = match &verdict.expected {
            Some(expected) => format!("{}\nexpected {expected}", verdict.why),
            None => verdict.why,
        };
        let what = format!("the signature is not valid ({})", verdict.kind);
        let at = format!("{} over {} bytes", question.style.header(), question.body.len());
        let failure = Failure::user(what).at(at).why(why);
        Err(Failure { fix: verdict.fix, ..failure })
    }

    fn question(self) -> Result<Question, Failure> {
        let headers = self.headers.iter().map(|text| header(text)).collect::<Result<_, _>>()?;
        let now = match &self.at {
            Some(text) => time(text)?,
            None => SystemClock.now(),
        };
        Ok(Question { style: self.style, secrets: self.secret, headers, body: read(&self.body)?, now })
    }
}

fn header(text: &str) -> Result<Field, Failure> {
    let bad = || Failure::usage(format!("`{text}` is no header")).fix("write it like --header 'X-Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(bad)?;
    Ok(Field { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

fn time(text: &str) -> Result<Instant, Failure> {
    let seconds = text.parse::<i64>().ok().map(|seconds| Instant::from_millis(seconds.saturating_mul(1000)));
    let bad =
        || Failure::usage(format!("`{text}` is no time")).fix("write it like 2026-11-21T09:30:00Z, or as Unix seconds");
    seconds.or_else(|| Instant::from_rfc3339(text)).ok_or_else(bad)
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::usage("could not read the body").at(path).why(error);
    let mut body = Vec::new();
    if path == "-" {
        std::io::stdin().lock().take(BODY_BYTES_MAX).read_to_end(&mut body).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(BODY_BYTES_MAX).read_to_end(&mut body).map_err(failed)?;
    }
    Ok(body)
}

impl Question {
    /// The header's value. A header that came twice with different values is none.
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        let first = found.next()?;
        found.all(|other| other.value == first.value).then_some(first.value.as_str())
    }

    fn tolerance_seconds() -> u64 {
        limits::PROOF_TOLERANCE.as_secs()
    }
}

#[cfg(test)]
mod tests;
