//! TLS, with certificates good and bad.

use std::sync::Arc;

use hookyard_egress::{Config, Egress, SendError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::{OK, Receiver, fixed, loopback, post, strict};

struct Authority {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "An authority of our own");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a root").der().clone();
        Self { root, issuer: Issuer::new(params, key) }
    }

    fn server(&self, names: &[&str], expired: bool) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        if expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate and its key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn secure(acceptor: TlsAcceptor) -> Receiver {
    Receiver::start(move |mut peer| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(peer.stream).await else { return };
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
            peer.stream = Box::new(stream);
            while peer.request().await.is_some() {
                peer.say(OK).await;
            }
        }
    })
    .await
}

fn trusting(roots: &[&Authority]) -> Egress {
    let resolver = fixed([("receiver.example", &[&["127.0.0.1"]])]);
    let extra_roots = roots.iter().map(|authority| authority.root.clone()).collect();
    strict(Config { resolver, extra_roots, ..loopback() })
}

#[tokio::test]
async fn a_certificate_of_an_extra_root_is_trusted_and_its_connection_used_again() {
    let authority = Authority::new();
    let receiver = secure(authority.server(&["receiver.example", "127.0.0.1"], false)).await;
    let egress = trusting(&[&authority]);
    let port = receiver.address.port();
    for host in ["receiver.example", "receiver.example.", "127.0.0.1", "receiver.example", "127.0.0.1"] {
        let attempted = egress.send(post(&format!("https://{host}:{port}/"))).await;
        assert!(attempted.outcome.is_ok(), "{host}: {attempted:?}");
    }
    assert_eq!(receiver.accepted(), 2, "one for the name, one for the address");
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let receiver = secure(authority.server(&["receiver.example"], false)).await;
    for egress in [trusting(&[]), trusting(&[&other])] {
        refused(&egress, &receiver).await;
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let receiver = secure(authority.server(&["other.example", "*.receiver.example"], false)).await;
    refused(&trusting(&[&authority]), &receiver).await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let receiver = secure(authority.server(&["receiver.example"], true)).await;
    refused(&trusting(&[&authority]), &receiver).await;
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_refused() {
    refused(&trusting(&[]), &Receiver::answering(OK).await).await;
    let hasty = Receiver::start(|mut peer| async move {
        peer.say(OK).await;
        peer.closed().await;
    })
    .await;
    refused(&trusting(&[]), &hasty).await;
}

async fn refused(egress: &Egress, receiver: &Receiver) {
    let mut request = post(&format!("https://receiver.example:{}/", receiver.address.port()));
    request.timeout = std::time::Duration::from_millis(500);
    let error = egress.send(request).await.outcome.expect_err("no trust, no request");
    let slow = matches!(error, SendError::TimedOut { .. });
    assert!(slow || (matches!(error, SendError::Tls(_)) && error.class() == "tls"), "{error:?}");
    assert!(!error.to_string().contains("example"), "{error}");
}

#[test]
fn a_root_that_is_no_certificate_keeps_the_way_closed() {
    let extra_roots = vec![CertificateDer::from(b"not a certificate".to_vec())];
    assert!(Egress::new(Config { extra_roots, ..Config::default() }).is_err());
}
