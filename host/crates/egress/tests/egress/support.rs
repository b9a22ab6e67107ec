//! A receiver that speaks raw bytes, so that it can misbehave in every way.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookyard_egress::{Config, Egress, Outbound, Overflow, Purpose, ResolverChoice};
use hyper::{HeaderMap, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Listens on loopback and hands each connection to a script.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: AbortHandle,
}

/// One connection, from the receiver's side; `number` counts from 1.
pub(crate) struct Peer {
    pub(crate) number: usize,
    pub(crate) stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
}

impl Receiver {
    pub(crate) async fn start<F, S>(script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Peer) -> F + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(script(Peer { number, stream: Box::new(stream), buffer: Vec::new() }));
            }
        });
        Self { address, accepted, task: task.abort_handle() }
    }

    /// Answers every request in the same way, on connections that stay open.
    pub(crate) async fn answering(response: &'static str) -> Self {
        Self::start(move |mut peer| async move {
            while peer.request().await.is_some() {
                peer.say(response).await;
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// The next request, head and body, or nothing once the other side has closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        loop {
            if let Some(length) = whole(&self.buffer) {
                let request = self.buffer.drain(..length).collect();
                return Some(String::from_utf8(request).expect("a request in ASCII"));
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Whether the other side still listens is its own business.
    pub(crate) async fn say(&mut self, text: &str) -> bool {
        self.stream.write_all(text.as_bytes()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Returns once the other side has closed.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while self.stream.read(&mut rest).await.unwrap_or(0) > 0 {}
    }
}

fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    (buffer.len() >= head + body).then_some(head + body)
}

/// A socket that nobody may ever connect to.
pub(crate) struct Trap {
    listener: std::net::TcpListener,
}

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        Self { listener }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    /// The kernel accepts on its own, so a connection would be waiting here.
    pub(crate) fn assert_untouched(&self, what: &str) {
        let error = self.listener.accept().map(|(_, from)| from).expect_err(what);
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{what}");
    }
}

pub(crate) fn strict(config: Config) -> Egress {
    Egress::new(config).expect("a way out")
}

/// What a developer runs: loopback allowed.
pub(crate) fn loopback() -> Config {
    Config { allowed_networks: vec!["127.0.0.0/8".parse().expect("a network")], ..Config::default() }
}

pub(crate) fn fixed<const N: usize>(names: [(&str, &[&[&str]]); N]) -> ResolverChoice {
    let address = |text: &&str| text.parse::<IpAddr>().expect("an address");
    let turns = |turns: &[&[&str]]| turns.iter().map(|turn| turn.iter().map(address).collect()).collect();
    ResolverChoice::Fixed(HashMap::from_iter(names.map(|(name, answers)| (name.to_owned(), turns(answers)))))
}

pub(crate) fn post(url: &str) -> Outbound {
    Outbound {
        purpose: Purpose::Delivery,
        method: Method::POST,
        url: url.parse().expect("a URL"),
        headers: HeaderMap::new(),
        body: "{}".into(),
        timeout: Duration::from_secs(10),
        response_bytes_max: 16 * 1024,
        overflow: Overflow::Truncate,
    }
}
