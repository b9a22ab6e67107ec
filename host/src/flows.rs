//! Flows: from an event to a run, from a run to what is committed.
//!
//! | file | what it does |
//! |---|---|
//! | [`start`] | which flows an event starts, and why not the others |
//! | [`quota`] | how many runs a tenant may begin in a day |
//! | [`guests`] | calls a flow's guest, within its tenant's share of CPU and threads |
//! | [`decide`] | what a guest decided, as changes to rows |
//! | [`inline`] | a whole run at once: stage `before`, and transforms |
//! | [`transform`] | what a subscription's transform makes of an event |
//! | [`trial`] | a run that changes nothing: tests, replays, comparisons |
//!
//! The runs of stage `after` have a stage of the pipeline to themselves, which works from these parts:
//! [`crate::pipeline::flows`].

pub mod start;
pub mod quota;
pub mod guests;
pub mod decide;
pub mod inline;
pub mod transform;
pub mod trial;
