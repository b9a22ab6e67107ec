//! How the demo tells what happens, line by line, while it happens.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hookyard_model::delivery::{Attempt, DeliveryStatus};
use hookyard_model::event::{EventStatus, PluginRun};
use hookyard_model::id::{EventId, TenantId};
use hookyard_store::{DeliveryFilter, EventRow, PageRequest, Store};

use super::receiver::Receiver;
use super::scene::Scene;

/// How often a story looks whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The teller.
pub(super) struct Story {
    colours: bool,
}

#[derive(Clone, Copy)]
enum Colour {
    Plain,
    Faint,
    Bold,
    Good,
    Bad,
}

impl Story {
    pub(super) fn new() -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colours }
    }

    pub(super) fn opening(&self, host: SocketAddr, folder: &Path, graph: &str, receiver: &str) {
        self.line(Colour::Bold, "Hookyard, the whole of it, in one process");
        for (what, is) in [
            ("host", format!("http://{host}")),
            ("database", format!("{}/hookyard.db (SQLite)", folder.display())),
            ("Graph API", format!("{graph} (simulated)")),
            ("receiver", receiver.to_owned()),
        ] {
            self.line(Colour::Faint, &format!("  {what:<10} {is}"));
        }
    }

    pub(super) fn act(&self, number: usize, title: &str, path: &str) {
        self.line(Colour::Plain, "");
        self.line(Colour::Bold, &format!("{number}. {title}"));
        self.line(Colour::Faint, &format!("   POST {path}"));
    }

    pub(super) fn answered(&self, status: u16, events: usize) {
        match status {
            200 => {
                let events = if events == 1 { "1 event".to_owned() } else { format!("{events} events") };
                self.line(
                    Colour::Plain,
                    &format!("   200  proved in constant time over the raw bytes; {events} on disk before this answer"),
                );
            }
            401 => self.line(
                Colour::Plain,
                "   401  not authentic: nothing logged, nothing run, and the sender is told no more",
            ),
            other => self.line(Colour::Bad, &format!("   {other}")),
        }
    }

    pub(super) fn judged(&self, well: bool) {
        if !well {
            self.line(Colour::Bad, "   ✗ this did not come out as it should");
        }
    }

    /// Tells an event's story until it has ended, deliveries included; how it ended.
    pub(super) async fn follow(
        &self,
        store: &Store,
        tenant: TenantId,
        event: EventId,
        receiver: &Receiver,
    ) -> anyhow::Result<EventStatus> {
        let mut told = None;
        let row = loop {
            let Some((row, _)) = store.event_get(tenant, event).await? else { anyhow::bail!("{event} is not there") };
            if row.status != EventStatus::Received {
                break row;
            }
            if row.outcome.reason.is_some() && row.outcome.reason != told {
                told = row.outcome.reason;
                let reason = told.as_deref().unwrap_or_default();
                let wait = row.due_at.map_or(0, |due| due.since(store.now()).as_secs() + 1);
                self.line(Colour::Bad, &format!("   {event}  waits: {reason}; again in {wait} s"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        self.ended(&row);
        if let Some(lead) = row.outcome.lead.filter(|_| row.status == EventStatus::Processed)
            && let Some(lead) = store.lead_get(tenant, lead).await?
        {
            let fields = [&lead.lead.full_name, &lead.lead.email, &lead.lead.phone_number, &lead.lead.company];
            let fields: Vec<&str> = fields.into_iter().flatten().map(String::as_str).collect();
            self.line(Colour::Plain, &format!("     lead      {}", fields.join(" · ")));
        }
        self.deliveries(store, tenant, event, receiver).await?;
        Ok(row.status)
    }

    fn ended(&self, row: &EventRow) {
        let by = row.outcome.normalized_by.as_ref().map_or_else(String::new, version);
        let colour = if row.status == EventStatus::Failed { Colour::Bad } else { Colour::Good };
        self.line(colour, &format!("   {}  {} `{}`{by}", row.id, row.status.as_str(), row.event_type));
        if let Some(first) = row.outcome.duplicate_of {
            self.line(Colour::Plain, &format!("     the same lead as in {first}: stored once, forwarded once"));
        }
        if row.outcome.effects > 0 {
            let times =
                if row.outcome.effects == 1 { "once".to_owned() } else { format!("{} times", row.outcome.effects) };
            self.line(Colour::Plain, &format!("     effects   stopped {times} for a fetch, which the host made with the account's token, and replayed"));
        }
        if let Some(reason) = row.outcome.reason.as_deref().filter(|_| row.status == EventStatus::Failed) {
            self.line(Colour::Bad, &format!("     because   {reason}"));
        }
    }

    async fn deliveries(
        &self,
        store: &Store,
        tenant: TenantId,
        event: EventId,
        receiver: &Receiver,
    ) -> anyhow::Result<()> {
        let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
        for delivery in store.delivery_list(tenant, filter, PageRequest::first(10)).await? {
            let attempts = loop {
                match store.delivery_get(tenant, delivery.id).await? {
                    Some((row, attempts)) if row.status != DeliveryStatus::Pending => break attempts,
                    _ => tokio::time::sleep(LOOK_EVERY).await,
                }
            };
            let arrivals = receiver.arrivals();
            let id = event.text();
            let checked =
                arrivals.iter().any(|arrival| arrival.is_authentic && arrival.header("webhook-id") == Some(&id));
            attempts.iter().for_each(|attempt| self.attempt(attempt, checked));
        }
        Ok(())
    }

    fn attempt(&self, attempt: &Attempt, checked: bool) {
        let took = Duration::from_micros(attempt.timings.total_us);
        let signature = if checked { "; the receiver verified the signature" } else { "" };
        match (attempt.status, &attempt.error) {
            (Some(status), _) => {
                self.line(Colour::Plain, &format!("     delivered {status} in {took:.1?}{signature}"));
            }
            (None, error) => {
                let error = error.as_deref().unwrap_or("no answer");
                self.line(Colour::Bad, &format!("     attempt   {error} after {took:.1?}"));
            }
        }
    }

    pub(super) fn ending(&self, well: bool) {
        self.line(Colour::Plain, "");
        if well {
            self.line(Colour::Good, "Everything came out as it should.");
        } else {
            self.line(Colour::Bad, "Something did not come out as it should: see above.");
        }
    }

    pub(super) fn what_next(&self, host: SocketAddr, scene: &Scene) {
        self.line(Colour::Plain, "");
        self.line(Colour::Bold, "It is still running. Try:");
        let key = &scene.key;
        for path in ["/leads", "/api/v1/events?status=DUPLICATE", "/api/v1/deliveries", "/api/v1/providers"] {
            self.line(Colour::Plain, &format!("  curl -s -H 'Authorization: Bearer {key}' 'http://{host}{path}'"));
        }
        self.line(Colour::Plain, &format!("  curl -s http://{host}/metrics"));
        self.line(Colour::Faint, "Ctrl-C ends it and removes its folder.");
    }

    fn line(&self, colour: Colour, text: &str) {
        let code = match colour {
            Colour::Plain => "",
            Colour::Faint => "2",
            Colour::Bold => "1",
            Colour::Good => "32",
            Colour::Bad => "31",
        };
        let mut out = std::io::stdout().lock();
        // Nobody reads on when standard output is gone; the demo's exit code still says how it went.
        let _ = match (self.colours, code) {
            (true, code) if !code.is_empty() => writeln!(out, "\x1b[{code}m{text}\x1b[0m"),
            _ => writeln!(out, "{text}"),
        };
    }
}

fn version(run: &PluginRun) -> String {
    format!(" by {} version {} ({})", run.plugin, run.version, run.digest)
}
