//! What a host says of itself: log lines and metrics.
//!
//! Log lines read alone and carry fields; bodies, headers, secrets, signatures and raw URLs are never among them.
//! Metrics belong to one host and not to the process, so that two hosts in one test do not share counters; names,
//! labels and help texts are here, and every label has few values.

use std::io::IsTerminal;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts writing log lines to standard error. `filter` is tracing's: `info`, `hookyard=debug,warn`. A second call in
/// one process changes nothing.
pub fn start_log(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a subscriber is there already, which a second host in one process may meet.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// One label: how something ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    /// A stable word.
    pub outcome: &'static str,
}

/// Two labels: whose it was, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProviderEnded {
    /// A provider that is known here.
    pub provider: String,
    /// A stable word.
    pub outcome: &'static str,
}

/// Counters and histograms of one host.
pub struct Metrics {
    registry: Registry,
    /// Webhook requests by provider and outcome.
    pub requests: Family<ProviderEnded, Counter>,
    /// Events by provider and how `normalize` ended.
    pub events: Family<ProviderEnded, Counter>,
    /// Attempts of deliveries by how they ended.
    pub attempts: Family<Ended, Counter>,
    /// Runs of flows by how they ended.
    pub runs: Family<Ended, Counter>,
    /// Guest calls by blame, `ok` among them.
    pub guest_calls: Family<Ended, Counter>,
    /// Seconds from a request's first byte to its answer.
    pub ingest_seconds: Histogram,
    /// Seconds from an event's log to its end.
    pub normalize_seconds: Histogram,
    /// Seconds that an attempt took.
    pub attempt_seconds: Histogram,
    /// Events that are due and unclaimed.
    pub events_due: Gauge,
    /// Deliveries that are due and unclaimed.
    pub deliveries_due: Gauge,
    /// Runs that are due and unclaimed.
    pub runs_due: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_5, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("hookyard"),
            requests: Family::default(),
            events: Family::default(),
            attempts: Family::default(),
            runs: Family::default(),
            guest_calls: Family::default(),
            ingest_seconds: seconds(),
            normalize_seconds: seconds(),
            attempt_seconds: seconds(),
            events_due: Gauge::default(),
            deliveries_due: Gauge::default(),
            runs_due: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// The text that Prometheus reads (OpenMetrics).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Webhook requests", self.requests.clone());
        registry.register("events", "Events that normalize ended or put off", self.events.clone());
        registry.register("attempts", "Attempts of deliveries", self.attempts.clone());
        registry.register("runs", "Steps of flows' runs by what followed", self.runs.clone());
        registry.register("guest_calls", "Calls of plugins", self.guest_calls.clone());
        registry.register("ingest_seconds", "From request to answer", self.ingest_seconds.clone());
        registry.register("normalize_seconds", "From log to end", self.normalize_seconds.clone());
        registry.register("attempt_seconds", "Duration of attempts", self.attempt_seconds.clone());
        registry.register("events_due", "Events that are due and unclaimed", self.events_due.clone());
        registry.register("deliveries_due", "Deliveries that are due and unclaimed", self.deliveries_due.clone());
        registry.register("runs_due", "Runs that are due and unclaimed", self.runs_due.clone());
    }
}
