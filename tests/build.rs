//! Builds the bad guests from source.

#[path = "../host/build/guests.rs"]
mod guests;

fn main() {
    guests::build(&[
        "unruly",
        "unruly_flow",
        "patient",
        "gate",
        "sink",
        "lead_router",
        "speed_to_lead",
        "enrich",
        "meta_lead_ads",
        "github",
        "standard_webhooks",
    ]);
}
