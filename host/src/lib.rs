//! Hookyard: the host.
//!
//! Requests come in at [`http`], go through the [`pipeline`] in the order in which its modules stand, and leave as
//! signed deliveries. What a stage decides is in `hookyard-model`; what it keeps is in `hookyard-store`; what it calls
//! outside goes through `hookyard-egress`; what strangers wrote runs in `hookyard-sandbox`. Those four do not know each
//! other: here they meet, and only [`run`] puts them together.
//!
//! Start with [`run`] for how a host comes to be, [`pipeline`] for what it does, [`http`] for what it answers.

pub mod clock;
pub mod ids;
pub mod directory;
pub mod plugins;
pub mod plugin_folder;
pub mod operational;
pub mod effects;
pub mod flows;

pub mod worker;
pub mod shares;
pub mod pipeline;
pub mod http;

pub mod config;
pub mod lifecycle;
pub mod telemetry;
pub mod run;
pub mod fixtures;
pub mod demo;
pub mod cli;
