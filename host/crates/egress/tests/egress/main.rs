//! The way out, against sockets of our own: what is refused never connects, and what connects is bounded.
#![cfg(test)]

mod support;

mod literals;
mod names;
mod connections;
mod bounds;
mod requests;
mod certificates;
mod api;
