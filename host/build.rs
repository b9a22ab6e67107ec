//! Builds the plugins that ship inside the binary, from source, so that nobody has to know a step for it.

#[path = "build/guests.rs"]
mod guests;

fn main() {
    guests::build(&["github", "meta_lead_ads", "standard_webhooks"]);
}
