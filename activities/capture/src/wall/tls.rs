use crate::CaptureError;
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use std::{
    io,
    sync::{Arc, OnceLock},
};
use tokio_rustls::TlsAcceptor;

/// Speaks TLS as whoever the browser thinks it talks to. One certificate per process, made here
/// and never written down: the browser does not look at it, and nobody else gets to see it.
pub(crate) fn acceptor() -> Result<TlsAcceptor, CaptureError> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config).into());
    }
    let made = Arc::new(config().map_err(CaptureError::io("making a certificate"))?);
    Ok(Arc::clone(CONFIG.get_or_init(|| made)).into())
}

fn config() -> io::Result<ServerConfig> {
    let identity = rcgen::generate_simple_self_signed(vec!["film.localhost".to_owned()])
        .map_err(io::Error::other)?;
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    // Named here, because another crate may have set a default for the process, or none.
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key.into())
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
