//! Builds the bad guests from source.

#[path = "../host/build/guests.rs"]
mod guests;

fn main() {
    guests::build(&["unruly", "meta_lead_ads", "github", "standard_webhooks"]);
}
