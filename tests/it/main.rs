//! The whole host, by stage, on both databases.
//!
//! Every test is a claim about what a user may rely on. It runs the real host with its real router on a database of its
//! own, against a Graph API and a receiver on loopback; only the clock is ours.

mod server;
mod ingest;
mod lead;
mod delivery;
mod plugin;
mod flow;
mod flow_api;
mod stages;
mod push;
mod replay;
mod nodes;
mod api;
mod crash;
mod crash_flow;
mod demo;
mod command_line;
mod author;
mod author_docs;

use support::{Databases, TestApp};

/// The program that compiles for the hosts under test, and that tests start and kill.
const PROGRAM: &str = env!("CARGO_BIN_EXE_hookyard-under-test");

async fn app(databases: Databases) -> TestApp {
    TestApp::start(databases, PROGRAM).await
}

/// Makes two tests of each claim, one on each database.
macro_rules! on_both_databases {
    ($($claim:ident;)+) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $claim() {
                    super::$claim(support::Databases::Sqlite).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $claim() {
                    super::$claim(support::Databases::Postgres).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_databases;
