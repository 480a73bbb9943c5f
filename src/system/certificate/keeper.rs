//! The keeper of the certificate: what each handshake takes, and every change of it.
//!
//! One that is made here says so in the text before its first block, with the day on which it ends; only
//! such a one is ever made anew. Files that cannot be used are refused, and what is served stays. A
//! person may also put both files into the folder and have the service read them again.

use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::chain::Chain;
use super::files::Files;
use super::make::{self, MadeHere, Names};
use super::names::{own_names, wanted};
use super::{
    CertificateError, CertificateOrigin, CertificateState, ReplaceCertificate, ServedCertificate,
    SigningRequest,
};
use crate::domain::{Clock, Secret};

/// Made anew so long before its end.
const RENEW_DAYS: i64 = 60;
const SECONDS_PER_DAY: i64 = 86_400;
/// What errors call a chain that somebody has handed in.
const GIVEN: &str = "the certificate";

/// See the module.
#[derive(Debug)]
pub struct CertificateKeeper {
    files: Files,
    clock: Arc<dyn Clock>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
    /// Held while files are changed.
    changing: Mutex<()>,
}

/// A person's own certificate, as PEM.
#[derive(Debug)]
pub struct OwnFiles {
    /// The chain.
    pub certificate: String,
    /// The private key.
    pub key: Secret,
}

/// What each handshake takes.
#[derive(Debug)]
struct Current(RwLock<Served>);

#[derive(Clone, Debug)]
struct Served {
    key: Arc<CertifiedKey>,
    shown: Option<ServedCertificate>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().key))
    }
}

impl CertificateKeeper {
    /// Takes the certificate of `folder`, or makes one if there is none or the one made here ends soon.
    ///
    /// # Errors
    /// A file cannot be read or written, or what a person put there cannot be used.
    pub fn open_or_make(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, CertificateError> {
        let files = Files::new(folder);
        files.finish()?;
        let current = Arc::new(Current(RwLock::new(load_or_make(&files, &*clock)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Tls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&current));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Ok(Self { files, clock, current, config, changing: Mutex::default() })
    }

    /// How TLS is spoken, with the certificate of each moment.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Reads the files again; connections from now on get what is there.
    ///
    /// # Errors
    /// As [`open_or_make`](Self::open_or_make); then the one in use stays.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let _changing = self.changing.lock();
        let served = load_or_make(&self.files, &*self.clock)?;
        *self.current.0.write() = served;
        Ok(())
    }

    /// Makes one that was made here anew if it ends soon. A person's own is left alone.
    ///
    /// # Errors
    /// It cannot be made; the one in use stays.
    pub fn renew_if_due(&self) -> Result<(), CertificateError> {
        let shown = self.current.0.read().shown.clone();
        let renewal = self.clock.now().seconds + RENEW_DAYS * SECONDS_PER_DAY;
        let is_due = shown.is_some_and(|shown| {
            shown.origin == CertificateOrigin::SelfMade && shown.valid_until.seconds <= renewal
        });
        if is_due { self.reload() } else { Ok(()) }
    }

    /// The files as a person has given them; nothing if the certificate was made here.
    ///
    /// # Errors
    /// A file cannot be read, or the two cannot be used together.
    pub fn own_files(&self) -> Result<Option<OwnFiles>, CertificateError> {
        let _changing = self.changing.lock();
        let certificate = self.files.certificate()?.unwrap_or_default();
        if MadeHere::read(&certificate).is_some() {
            return Ok(None);
        }
        load(&self.files)?;
        let key = Secret::new(self.files.key()?);
        Ok(Some(OwnFiles { certificate, key }))
    }

    /// How it stands.
    ///
    /// # Errors
    /// The request's file cannot be read.
    pub fn state(&self) -> Result<CertificateState, CertificateError> {
        Ok(CertificateState {
            is_served_here: true,
            instead: None,
            certificate: self.current.0.read().shown.clone(),
            request: self.files.request()?,
            own_names: own_names(),
        })
    }

    /// Serves what a person gives.
    ///
    /// # Errors
    /// It cannot be used, and says why, or the files cannot be written. The one in use stays.
    pub fn replace(&self, given: &ReplaceCertificate) -> Result<(), CertificateError> {
        let _changing = self.changing.lock();
        let chain = Chain::read(&given.chain_pem, GIVEN)?;
        let of_request = match &given.key_pem {
            Some(_) => None,
            None => Some(self.files.request_key()?.ok_or(CertificateError::KeyMissing)?),
        };
        let key_pem = given.key_pem.as_ref().map(|key| key.reveal());
        let key_pem = key_pem.or(of_request.as_deref()).unwrap_or_default();
        let key = chain.with_key(key_pem)?;
        chain.ensure_good(self.clock.now())?;
        self.files.put_pair(&chain.pem(), key_pem)?;
        let shown = chain.describe(CertificateOrigin::Given);
        *self.current.0.write() = Served { key, shown };
        if of_request.is_some() {
            self.files.drop_request()?;
        }
        tracing::info!("a certificate that was given is served");
        Ok(())
    }

    /// Makes one that is signed by itself, and serves it.
    ///
    /// # Errors
    /// A name is none, or the files cannot be written. The one in use stays.
    pub fn make_own(&self, names: &[String]) -> Result<(), CertificateError> {
        let _changing = self.changing.lock();
        let is_given = names.iter().any(|name| !name.trim().is_empty());
        let whose = if is_given { Names::Given } else { Names::Own };
        make_own(&self.files, &wanted(names)?, whose, &*self.clock)?;
        let served = load(&self.files)?;
        *self.current.0.write() = served;
        Ok(())
    }

    /// Makes a key and what an authority is to sign. A request that waited is given up.
    ///
    /// # Errors
    /// A name is none, or the files cannot be written.
    pub fn request(&self, request: &SigningRequest) -> Result<(), CertificateError> {
        let _changing = self.changing.lock();
        let names = wanted(&request.names)?;
        let (waiting, key_pem) =
            make::request(names, request.organization.as_deref(), &*self.clock)?;
        self.files.put_request(&waiting, &key_pem)
    }

    /// Gives the request up that waits, with its key.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn withdraw_request(&self) -> Result<(), CertificateError> {
        let _changing = self.changing.lock();
        self.files.drop_request()
    }
}

fn load_or_make(files: &Files, clock: &dyn Clock) -> Result<Served, CertificateError> {
    let Some(text) = files.certificate()? else {
        make_own(files, &own_names(), Names::Own, clock)?;
        return load(files);
    };
    let Some(MadeHere { end, names }) = MadeHere::read(&text) else { return load(files) };
    let renewal = clock.now().seconds + RENEW_DAYS * SECONDS_PER_DAY;
    match load(files) {
        Ok(served) if renewal < end.seconds => Ok(served),
        // Ends soon, or its files do not belong together.
        _ => {
            let kept = Chain::read(&text, GIVEN).map(|chain| chain.names()).unwrap_or_default();
            match names {
                Names::Given if !kept.is_empty() => make_own(files, &kept, names, clock)?,
                _ => make_own(files, &own_names(), Names::Own, clock)?,
            }
            load(files)
        }
    }
}

fn load(files: &Files) -> Result<Served, CertificateError> {
    let text = files.certificate()?.unwrap_or_default();
    let chain = Chain::read(&text, &files.certificate_name())?;
    let key = chain.with_key(&files.key()?)?;
    let is_own = MadeHere::read(&text).is_some();
    let origin = if is_own { CertificateOrigin::SelfMade } else { CertificateOrigin::Given };
    Ok(Served { key, shown: chain.describe(origin) })
}

fn make_own(
    files: &Files,
    names: &[String],
    whose: Names,
    clock: &dyn Clock,
) -> Result<(), CertificateError> {
    let made = make::self_signed(names, whose, clock)?;
    files.put_pair(&made.certificate_pem, &made.key_pem)?;
    tracing::info!("a certificate for {} was made", names.join(", "));
    Ok(())
}
