//! The one TLS configuration: ring, the roots of Mozilla, HTTP/1.1, and no way to look away.
//!
//! There is no switch that accepts a bad certificate. A test, or a company with a root of its own, adds that root.
//! The provider of the cryptography is named here and never installed for the process, so two hosts in one process,
//! or a host inside somebody's tests, cannot disagree about it.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Fails only for a root that is no certificate.
pub(crate) fn client_config(extra_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in extra_roots {
        roots.add(root.clone())?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
