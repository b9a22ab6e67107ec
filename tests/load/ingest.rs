//! Ingest with a durable acknowledgement, beside a handler that does nothing on the same server.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hookyard::http::server;
use support::Databases;
use tokio_util::sync::CancellationToken;

use crate::blast;
use crate::process::Loaded;

const POSTS: usize = 20_000;
const CONNECTIONS: usize = 128;

/// Measures and prints.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("ingest: {POSTS} signed posts of about 600 bytes over {CONNECTIONS} connections; 200 means durable");
    let host = Loaded::start(Databases::Sqlite).await?;
    let requests = Arc::new(host.posts(0, POSTS));
    let floor = no_op(Arc::clone(&requests)).await?;
    let warm = Arc::new(host.posts(POSTS, 2_000));
    blast::all(host.address, warm, CONNECTIONS).await?;
    let before = host.cpu_seconds();
    let took = blast::all(host.address, requests, CONNECTIONS).await?;
    let cpu = (host.cpu_seconds() - before) / (POSTS as f64 / 1_000.0);
    let rate = |took: Duration| POSTS as f64 / took.as_secs_f64();
    println!("  axum handler that does nothing  {:>9.0} requests/s   1.00", rate(floor));
    println!(
        "  webhook, SQLite FULL            {:>9.0} requests/s   {:.2} of it; {cpu:.3} CPU s per 1,000, normalize included",
        rate(took),
        rate(took) / rate(floor)
    );
    Ok(())
}

/// The same requests to the same server with nothing behind it.
async fn no_op(requests: Arc<Vec<Vec<u8>>>) -> anyhow::Result<Duration> {
    let router = Router::new().fallback(post(async |_: Bytes| "{}"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(server::serve(listener, router, stop.clone()));
    let took = blast::all(address, requests, CONNECTIONS).await?;
    stop.cancel();
    server.await?;
    Ok(took)
}
