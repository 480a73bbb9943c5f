//! The certificate of HTTPS: made at the first start, replaced by a person's own, read again when asked.
//!
//! Two PEM files lie in one folder: `certificate.pem`, the chain with our own certificate first, and
//! `key.pem`. One that is made here says so in the text before its first block, with the day on which
//! it ends; only such a one is ever made anew. A person replaces both files and reloads the service;
//! files that cannot be used are refused, and the gateway goes on with what it has.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::domain::{Clock, Secret, Timestamp};

/// The chain, in the folder of a certificate.
pub const CERTIFICATE_FILE: &str = "certificate.pem";
/// Its private key, beside it.
pub const KEY_FILE: &str = "key.pem";
/// Who may read the key: the gateway alone.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The longest that every browser takes for a server's certificate.
const VALID_DAYS: i64 = 825;
/// A clock that is a little slow must not find the certificate to be of the future.
const VALID_BEFORE_DAYS: i64 = 1;
/// Made anew so long before its end.
const RENEW_DAYS: i64 = 60;
const SECONDS_PER_DAY: i64 = 86_400;
/// Begins the text before a certificate that was made here; a time follows.
const MADE_HERE: &str = "Made by FossilSafe for itself. Ends on ";

/// Why there is no certificate to use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is no PEM.
    #[error("{} holds nothing that can be used", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// Key and certificate do not belong together, or are of a kind that is not known.
    #[error("the certificate and the key in {} cannot be used", folder.display())]
    Pair {
        /// Where they are.
        folder: PathBuf,
        /// What is wrong with them.
        #[source]
        source: rustls::Error,
    },
    /// None can be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// The provider of TLS is not usable.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// The certificate in use.
#[derive(Debug)]
pub struct Certificate {
    folder: PathBuf,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
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
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Certificate {
    /// Takes the certificate of `folder`, or makes one if there is none or the one made here ends soon.
    ///
    /// # Errors
    /// A file cannot be read or written, or what a person put there cannot be used.
    pub fn open_or_make(folder: &Path, clock: &dyn Clock) -> Result<Self, CertificateError> {
        let key = load_or_make(folder, clock)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Tls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&current));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { folder: folder.to_owned(), current, config: Arc::new(config) })
    }

    /// Reads the files again; connections from now on get what is there.
    ///
    /// # Errors
    /// As [`open_or_make`](Self::open_or_make); then the one in use stays.
    pub fn reload(&self, clock: &dyn Clock) -> Result<(), CertificateError> {
        let key = load_or_make(&self.folder, clock)?;
        *self.current.0.write() = Arc::new(key);
        Ok(())
    }

    /// The files as a person has put them there; nothing if the certificate was made here.
    ///
    /// # Errors
    /// A file cannot be read, or the two cannot be used together.
    pub fn own_files(&self) -> Result<Option<OwnFiles>, CertificateError> {
        let read = |name| {
            let path = self.folder.join(name);
            fs::read_to_string(&path).map_err(|source| CertificateError::File {
                verb: "read",
                path,
                source,
            })
        };
        let certificate = read(CERTIFICATE_FILE)?;
        if end_of_own(&certificate).is_some() {
            return Ok(None);
        }
        load(&self.folder)?;
        let key = Secret::new(read(KEY_FILE)?);
        Ok(Some(OwnFiles { certificate, key }))
    }

    /// How TLS is spoken.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn load_or_make(folder: &Path, clock: &dyn Clock) -> Result<CertifiedKey, CertificateError> {
    let path = folder.join(CERTIFICATE_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(CertificateError::File { verb: "read", path, source }),
    };
    let Some(text) = text else {
        make(folder, clock)?;
        return load(folder);
    };
    let Some(end) = end_of_own(&text) else { return load(folder) };
    let renewal = clock.now().seconds + RENEW_DAYS * SECONDS_PER_DAY;
    match load(folder) {
        Ok(key) if renewal < end.seconds => Ok(key),
        // Ends soon, or a power failure came between its two files.
        _ => {
            make(folder, clock)?;
            load(folder)
        }
    }
}

/// When a certificate ends that was made here; `None` for a person's own.
fn end_of_own(text: &str) -> Option<Timestamp> {
    text.lines().next()?.strip_prefix(MADE_HERE)?.trim().parse().ok()
}

fn load(folder: &Path) -> Result<CertifiedKey, CertificateError> {
    let bad = |path: &Path, source: pem::Error| match source {
        pem::Error::Io(source) => {
            CertificateError::File { verb: "read", path: path.to_owned(), source }
        }
        source => CertificateError::Pem { path: path.to_owned(), source },
    };
    let path = folder.join(CERTIFICATE_FILE);
    let chain = CertificateDer::pem_file_iter(&path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(&path, error))?;
    let path = folder.join(KEY_FILE);
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| bad(&path, error))?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
    pair.map_err(|source| CertificateError::Pair { folder: folder.to_owned(), source })
}

/// Makes a certificate for the names and addresses by which this machine may be reached.
fn make(folder: &Path, clock: &dyn Clock) -> Result<(), CertificateError> {
    let now = clock.now().seconds;
    let at = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    };
    let end = now + VALID_DAYS * SECONDS_PER_DAY;
    let names = own_names();
    let mut params = CertificateParams::new(names.clone())?;
    params.not_before = at(now) - Duration::days(VALID_BEFORE_DAYS);
    params.not_after = at(end);
    params.distinguished_name.push(DnType::CommonName, names[0].as_str());
    params.distinguished_name.push(DnType::OrganizationName, "FossilSafe");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let end = Timestamp { seconds: end, nanoseconds: 0 };
    let text = format!("{MADE_HERE}{end}\n{}", certificate.pem());
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(|source| {
        CertificateError::File { verb: "write", path: folder.to_owned(), source }
    })?;
    // The key first: a certificate whose key is not there yet is made anew at the next start.
    replace(&folder.join(KEY_FILE), key.serialize_pem().as_bytes())?;
    replace(&folder.join(CERTIFICATE_FILE), text.as_bytes())?;
    tracing::info!("a certificate for {} was made in {}", names.join(", "), folder.display());
    Ok(())
}

/// The host's name first. Only the addresses that lead out of the machine are known without asking the
/// kernel for all, which the service may not; others are names that its certificate does not have.
fn own_names() -> Vec<String> {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = host.filter(|name| is_dns_name(name)).unwrap_or_else(|| "fossilsafe".to_owned());
    let mut names = vec![format!("{host}.local"), "localhost".to_owned()];
    names.insert(0, host);
    let mut addresses: Vec<IpAddr> =
        vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()];
    // Nothing is sent: connecting a datagram socket only chooses the address that it would send from.
    for (from, to) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let chosen = UdpSocket::bind(from).and_then(|socket| {
            socket.connect(to)?;
            socket.local_addr()
        });
        addresses.extend(chosen.map(|address| address.ip()));
    }
    addresses.sort_unstable();
    addresses.dedup();
    names.extend(addresses.iter().map(ToString::to_string));
    names
}

fn is_dns_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !name.is_empty() && name.bytes().all(is_plain)
}

/// Replaces a file so that a power failure leaves the old one or the new one.
fn replace(path: &Path, content: &[u8]) -> Result<(), CertificateError> {
    let new = path.with_extension("new");
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut file = options.open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| CertificateError::File {
        verb: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::domain::VirtualClock;

    fn read(folder: &Path) -> String {
        fs::read_to_string(folder.join(CERTIFICATE_FILE)).unwrap()
    }

    fn days(clock: &VirtualClock, days: u64) {
        clock.advance(std::time::Duration::from_secs(days * 86_400));
    }

    #[test]
    fn one_is_made_once_kept_and_made_anew_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        let clock = VirtualClock::default();
        let certificate = Certificate::open_or_make(&folder, &clock).unwrap();
        let first = read(&folder);
        assert!(first.starts_with("Made by FossilSafe for itself. Ends on 2028-04-05T"), "{first}");
        let mode = fs::metadata(folder.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        days(&clock, 700);
        Certificate::open_or_make(&folder, &clock).unwrap();
        assert_eq!(read(&folder), first);
        days(&clock, 100);
        certificate.reload(&clock).unwrap();
        assert_ne!(read(&folder), first);
    }

    #[test]
    fn a_persons_own_is_used_and_never_written_over_and_a_bad_one_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let clock = VirtualClock::default();
        let certificate = Certificate::open_or_make(folder, &clock).unwrap();
        assert!(certificate.own_files().unwrap().is_none(), "it was made here");
        let own = read(folder).lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
        fs::write(folder.join(CERTIFICATE_FILE), &own).unwrap();
        days(&clock, 5000);
        certificate.reload(&clock).unwrap();
        assert_eq!(read(folder), own);
        let files = certificate.own_files().unwrap().unwrap();
        assert_eq!(files.certificate, own);
        assert_eq!(files.key.reveal(), fs::read_to_string(folder.join(KEY_FILE)).unwrap());
        let in_use = Arc::clone(&certificate.current.0.read());
        let other = KeyPair::generate().unwrap().serialize_pem();
        fs::write(folder.join(KEY_FILE), other).unwrap();
        let error = certificate.reload(&clock).unwrap_err();
        assert!(matches!(error, CertificateError::Pair { .. }), "{error}");
        assert!(
            certificate.own_files().is_err(),
            "one that cannot be used is not kept as if it could"
        );
        fs::write(folder.join(CERTIFICATE_FILE), "nothing").unwrap();
        assert!(certificate.reload(&clock).is_err());
        fs::remove_file(folder.join(KEY_FILE)).unwrap();
        fs::write(folder.join(CERTIFICATE_FILE), &own).unwrap();
        let error = certificate.reload(&clock).unwrap_err();
        assert!(error.to_string().contains(KEY_FILE), "{error}");
        assert!(Arc::ptr_eq(&in_use, &certificate.current.0.read()), "the one in use stays");
    }

    #[test]
    fn a_power_failure_between_the_two_files_of_a_new_one_is_repaired() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let clock = VirtualClock::default();
        Certificate::open_or_make(folder, &clock).unwrap();
        let other = KeyPair::generate().unwrap().serialize_pem();
        fs::write(folder.join(KEY_FILE), other).unwrap();
        Certificate::open_or_make(folder, &clock).unwrap();
        assert!(load(folder).is_ok());
    }
}
