//! A connection to an address, plain or over TLS, ready for HTTP.

use std::fmt;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::{HttpAddress, Scheme};

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What HTTP is spoken over.
pub type Wire = TokioIo<Box<dyn Duplex>>;

/// Connects. Over TLS the host must show a certificate for its name that `roots` vouch for.
///
/// # Errors
/// Nobody answers, or not the one who was meant; the text says which.
pub async fn connect(address: &HttpAddress, roots: RootCertStore) -> Result<Wire, String> {
    let (host, port) = (address.host(), address.port());
    let said = |error: &dyn fmt::Display| format!("cannot connect to {host}:{port}: {error}");
    let stream = TcpStream::connect((host, port)).await.map_err(|error| said(&error))?;
    if address.scheme() == Scheme::Http {
        return Ok(TokioIo::new(Box::new(stream)));
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| format!("{host} cannot be trusted: {error}"))?;
    Ok(TokioIo::new(Box::new(stream)))
}
