//! The demo: Hookyard whole, in one process, against a world of its own.
//!
//! It starts a host on SQLite in a fresh folder, a simulated Graph API ([`graph`]) and a [`receiver`], connects
//! accounts and a subscription through the API as a person would, posts webhooks as providers do, and tells the
//! story of each as it happens. Nothing in it is staged: the signatures are real, the providers run in the
//! sandbox, the rows are on disk before anybody is answered, and the receiver checks what it gets. With `once` it ends
//! by itself, and well only if everything came out as it should.

pub mod graph;
pub mod receiver;
mod scene;
mod story;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context;
use data_encoding::HEXLOWER;
use hookyard_egress::Reroute;
use hookyard_model::secret::Secret;

use crate::config::Config;
use crate::ids;
use crate::run::{Host, Surroundings};
use graph::Graph;
use receiver::Receiver;
use scene::Scene;
use story::Story;

/// The app secret that Meta's webhooks are signed with, here.
const APP_SECRET: &str = "demo-app-secret-4f1d0c9b7a";
/// What Meta and we agreed upon when the webhook was set up, here.
const VERIFY_TOKEN: &str = "demo-verify-token";
/// The page token with which leads are fetched, here.
const PAGE_TOKEN: &str = "EAAB-demo-page-token-0123456789";
/// The secret of GitHub's published sample (docs.github.com, "Validating webhook deliveries").
const GITHUB_SECRET: &str = "It's a Secret to Everybody";

/// Runs the demo. `once` ends it after the last story; `listen` is where the host listens, a free port where none.
///
/// # Errors
/// Something could not even start.
pub async fn run(once: bool, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("hookyard-demo-{}", HEXLOWER.encode(&ids::random::<4>())));
    let graph = Graph::start(PAGE_TOKEN, APP_SECRET).await.context("could not start the simulated Graph API")?;
    let receiver = Receiver::start().await.context("could not start the receiver")?;
    let operator_key = format!("hy_demo_{}", HEXLOWER.encode(&ids::random::<16>()));
    let config = Config {
        listen: listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        data: folder.clone(),
        operator_key: Some(Secret::from_bytes(operator_key.clone().into_bytes())?),
        allow_private_network: vec!["127.0.0.0/8".parse()?],
        provider_host: vec![format!("graph.facebook.com={}", graph.url()).parse::<Reroute>()?],
        ..Config::default()
    };
    let host = Host::start_in(config, Surroundings::of_this_machine()?).await?;
    let story = Story::new();
    story.opening(host.local_addr(), &folder, &graph.url(), &receiver.url());

    let scene = Scene::set(&host, &operator_key, &receiver).await.context("could not set the scene")?;
    let well = scene.play(&host, &graph, &receiver, &story).await?;
    story.ending(well);
    if !once {
        story.what_next(host.local_addr(), &scene);
        let stop = host.stopper();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
    } else {
        host.shutdown();
    }
    host.wait().await?;
    // A demo leaves nothing behind; what cannot be removed is in the temporary folder, which is cleaned anyway.
    let _ = tokio::fs::remove_dir_all(&folder).await;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
