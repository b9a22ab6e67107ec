//! A new connection to a vetted address.
//!
//! It is the address that is dialled, never the name: between the check and the connect there is no second lookup
//! that could answer something else. The name only serves as the one that the certificate must be for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use crate::connection::{Connection, Stream};
use crate::limits::CONNECT_TIMEOUT;
use crate::message::{SendError, Stage};
use crate::url_rules::{Host, Refused, Target};

/// Tries the addresses in order. Each gets an equal share of the time that is left, so that a silent first one leaves
/// some to the others; TLS is not tried twice, because a bad certificate is the same one everywhere.
pub(crate) async fn dial(
    target: &Target,
    addresses: &[SocketAddr],
    tls: &Arc<ClientConfig>,
    deadline: Instant,
    dialled: &mut Option<SocketAddr>,
) -> Result<Connection, SendError> {
    let (stream, address) = connect(addresses, deadline, dialled).await?;
    let stream = if target.tls { secure(stream, target, tls).await? } else { Either::Left(stream) };
    Ok(Connection::open(stream, address).await?)
}

async fn connect(
    addresses: &[SocketAddr],
    deadline: Instant,
    dialled: &mut Option<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), SendError> {
    let mut failure = SendError::Dns;
    let shares = (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev();
    for (address, share) in addresses.iter().zip(shares) {
        *dialled = Some(*address);
        let budget = (deadline.saturating_duration_since(Instant::now()) / share).min(CONNECT_TIMEOUT);
        match timeout(budget, reach(*address)).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => failure = SendError::Connect(error),
            Err(_elapsed) => failure = SendError::TimedOut { stage: Stage::Connect },
        }
    }
    Err(failure)
}

async fn reach(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn secure(stream: TcpStream, target: &Target, tls: &Arc<ClientConfig>) -> Result<Stream, SendError> {
    let name = match &target.host {
        Host::Address(address) => ServerName::IpAddress((*address).into()),
        Host::Localhost(name) | Host::Name(name) => server_name(name)?,
    };
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(SendError::Tls)?;
    Ok(Either::Right(Box::new(stream)))
}

fn server_name(name: &str) -> Result<ServerName<'static>, Refused> {
    ServerName::try_from(name.to_owned()).map_err(|_| Refused::Host)
}
