//! One HTTP/1.1 connection: a request, its response, and whether it may be used again.
//!
//! No task is spawned for a connection. It moves only while the request that borrowed it is being polled, so dropping
//! the request (a deadline, a shutdown) closes the socket at once, and an idle connection costs nothing but its
//! descriptor. The price is that nobody notices when the other side closes an idle connection; that is looked at when
//! it is [taken](crate::pool) again, and what slips through is reported as a [`Fault`] that says how far it came.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::limits::RESPONSE_HEAD_BYTES_MAX;
use crate::message::{Overflow, SendError};

/// What is sent: the body is in one piece, so its length is known.
pub(crate) type Request = hyper::Request<Full<Bytes>>;

/// A socket, with or without TLS.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection and the request that is on it.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Gone once the connection has ended.
    driver: Option<http1::Connection<TokioIo<Wire>, Full<Bytes>>>,
    heard: Arc<AtomicBool>,
    pub(crate) address: SocketAddr,
}

/// A request without a response.
pub(crate) struct Fault {
    pub(crate) error: hyper::Error,
    /// Whether the request stayed here: not a byte of it was written.
    pub(crate) unsent: bool,
    /// Whether the other side said anything at all.
    pub(crate) heard: bool,
}

/// A body, as far as it was read.
pub(crate) struct Read {
    pub(crate) body: Bytes,
    pub(crate) truncated: bool,
}

impl Connection {
    /// Puts HTTP on a socket. Sends nothing.
    pub(crate) async fn open(stream: Stream, address: SocketAddr) -> Result<Self, hyper::Error> {
        let heard = Arc::new(AtomicBool::new(false));
        let wire = Wire { stream, heard: Arc::clone(&heard) };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(RESPONSE_HEAD_BYTES_MAX).max_header_size(RESPONSE_HEAD_BYTES_MAX);
        let (sender, driver) = builder.handshake(TokioIo::new(wire)).await?;
        Ok(Self { sender, driver: Some(driver), heard, address })
    }

    /// Sends a request and waits for the head of its response. Dropping the future closes the connection.
    pub(crate) async fn exchange(&mut self, request: Request) -> Result<hyper::Response<Incoming>, Fault> {
        self.heard.store(false, Ordering::Relaxed);
        let response = self.sender.try_send_request(request);
        self.drive(response).await.map_err(|mut error| Fault {
            unsent: error.take_message().is_some(),
            heard: self.heard.load(Ordering::Relaxed),
            error: error.into_error(),
        })
    }

    /// Reads a body up to a limit, in bytes. Dropping the future closes the connection.
    pub(crate) async fn read(
        &mut self,
        mut body: Incoming,
        bytes_max: usize,
        overflow: Overflow,
    ) -> Result<Read, SendError> {
        let too_large = || SendError::TooLarge { limit_bytes: bytes_max };
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > bytes_max && overflow == Overflow::Refuse {
            return Err(too_large());
        }
        // Nearly every response comes in one piece, which is then handed on without a copy.
        let mut only = Bytes::new();
        let mut pieces = Vec::new();
        while let Some(frame) = self.drive(body.frame()).await {
            let Ok(mut data) = frame?.into_data() else { continue };
            let room = bytes_max.saturating_sub(only.len() + pieces.len());
            let truncated = data.len() > room;
            if truncated && overflow == Overflow::Refuse {
                return Err(too_large());
            }
            data.truncate(room);
            if only.is_empty() && pieces.is_empty() {
                only = data;
            } else {
                pieces.extend_from_slice(&std::mem::take(&mut only));
                pieces.extend_from_slice(&data);
            }
            if truncated {
                return Ok(Read { body: joined(only, pieces), truncated });
            }
        }
        Ok(Read { body: joined(only, pieces), truncated: false })
    }

    /// Whether the connection can take a request now. Looks once, without waiting, for what the other side did
    /// meanwhile.
    pub(crate) async fn is_ready(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            self.turn(cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Waits for something that only comes while the connection is moving.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.turn(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    fn turn(&mut self, cx: &mut Context<'_>) {
        // An error is told to whoever waits for the response; here it only means the end.
        let ended = self.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready());
        if ended {
            self.driver = None;
        }
    }
}

fn joined(only: Bytes, pieces: Vec<u8>) -> Bytes {
    if pieces.is_empty() { only } else { Bytes::from(pieces) }
}

/// A stream that remembers whether the other side has said anything.
struct Wire {
    stream: Stream,
    heard: Arc<AtomicBool>,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
