//! Whom we believe when we connect to somebody: the public authorities, and what an operator names.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// The public authorities as this release knows them, and the certificates in `ca_pem`.
///
/// # Errors
/// What is named holds no certificate.
pub fn root_store(ca_pem: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(text) = ca_pem {
        add(&mut roots, text)?;
    }
    Ok(roots)
}

/// The certificates in `ca_pem` and nobody else.
///
/// # Errors
/// What is named holds no certificate.
pub fn only_store(ca_pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, ca_pem)?;
    Ok(roots)
}

fn add(roots: &mut RootCertStore, text: &str) -> Result<(), String> {
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("ca_pem is no PEM: {error}"))?;
        let added = roots.add(certificate);
        added.map_err(|error| format!("a certificate in ca_pem cannot be used: {error}"))?;
        count += 1;
    }
    if count == 0 {
        return Err("ca_pem holds no certificate".to_owned());
    }
    Ok(())
}
