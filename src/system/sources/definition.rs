//! What a network source is: a share, an export or a folder of another machine, or a bucket.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SourcesError;
use crate::outgoing::{HttpAddress, root_store};

/// Longest name of a host in DNS.
const HOST_BYTES_MAX: usize = 253;
/// Longest text of any other field; servers allow less.
const TEXT_BYTES_MAX: usize = 1024;

/// A network source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Where it is.
    pub place: SourcePlace,
    /// Whether files may be restored into it; it is mounted read-only otherwise.
    #[serde(default)]
    pub is_writable: bool,
}

/// Where a network source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourcePlace {
    /// A share of Windows, Samba or a NAS: SMB 3.
    Smb(SmbShare),
    /// An export of a Unix machine or a NAS: NFS 4.2, or 4.1 where the server has no more.
    Nfs(NfsExport),
    /// A folder of a machine with SSH, over SFTP.
    Sftp(SftpFolder),
    /// A bucket of an object store that speaks S3. Of files in it, only content and names are kept.
    S3(S3Bucket),
}

/// An SMB share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmbShare {
    /// Name or address of the server.
    pub host: String,
    /// The TCP port, if it is not 445.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The name of the share.
    pub share: String,
    /// Who signs in there; a guest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The domain of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whether everything on the wire is encrypted.
    #[serde(default)]
    pub is_encrypted: bool,
}

/// An NFS export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NfsExport {
    /// Name or address of the server.
    pub host: String,
    /// The TCP port, if it is not 2049.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path of the export.
    pub export: String,
}

/// A folder of a machine with SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SftpFolder {
    /// Name or address of the server.
    pub host: String,
    /// The TCP port, if it is not 22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Who signs in there: with a password, or without one by the appliance's own key.
    pub user: String,
    /// The path of the folder there; a relative one begins in the user's home.
    pub folder: String,
    /// The fingerprint of the server's key, as `SHA256:…`, once somebody has compared it. Until then nothing is
    /// sent to the server, and the state of the source has what it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

impl SftpFolder {
    /// The port that is connected to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(22)
    }
}

impl fmt::Display for SftpFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, user, folder, .. } = self;
        write!(f, "{user}@{host}:{folder}")
    }
}

/// A bucket, or what is below a prefix in it. Keys are taken for paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Bucket {
    /// The address of the store, as `https://s3.example`.
    pub endpoint: String,
    /// The region that it is in; `us-east-1` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The name of the bucket.
    pub bucket: String,
    /// The folder in it, without a slash at its ends; all of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The access key's name; its secret is the password. Without it nobody signs in: a public bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// Certificates of an authority of your own that vouches for the store, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}

impl fmt::Display for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.endpoint.trim_end_matches('/'), self.bucket)?;
        self.prefix.as_ref().map_or(Ok(()), |prefix| write!(f, "/{prefix}"))
    }
}

impl SourcePlace {
    /// The other machine, and the port that it answers on; nothing where an address says both.
    pub(super) fn server(&self) -> Option<(&str, u16)> {
        match self {
            Self::Smb(share) => Some((&share.host, share.port.unwrap_or(445))),
            Self::Nfs(export) => Some((&export.host, export.port.unwrap_or(2049))),
            Self::Sftp(folder) => Some((&folder.host, folder.port())),
            Self::S3(_) => None,
        }
    }

    /// True if this program reads it itself.
    pub(super) fn is_served(&self) -> bool {
        matches!(self, Self::Sftp(_) | Self::S3(_))
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smb(SmbShare { host, share, .. }) => write!(f, "//{host}/{share}"),
            Self::Nfs(NfsExport { host, export, .. }) => write!(f, "{host}:{export}"),
            Self::Sftp(folder) => folder.fmt(f),
            Self::S3(bucket) => bucket.fmt(f),
        }
    }
}

impl SourceSpec {
    /// Refuses what no server can mean.
    pub(super) fn ensure_sensible(&self) -> Result<(), SourcesError> {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if let Some((host, _)) = self.place.server() {
            let is_long = host.len() > HOST_BYTES_MAX;
            if host.is_empty() || host.starts_with('-') || is_long || !host.chars().all(is_host) {
                return Err(malformed("host", host, "nas.example or 192.0.2.7"));
            }
        }
        match &self.place {
            SourcePlace::Smb(smb) => {
                if smb.share.contains(['/', '\\']) {
                    return Err(malformed("share", &smb.share, "photos, without slashes"));
                }
                text("share", Some(&smb.share), "photos")?;
                text("user", smb.user.as_deref(), "ada")?;
                text("domain", smb.domain.as_deref(), "HOME")
            }
            SourcePlace::Nfs(nfs) => {
                if !nfs.export.starts_with('/') {
                    return Err(malformed("export", &nfs.export, "/volume1/photos"));
                }
                text("export", Some(&nfs.export), "/volume1/photos")
            }
            SourcePlace::Sftp(sftp) => {
                if sftp.user.starts_with('-') {
                    return Err(malformed("user", &sftp.user, "ada"));
                }
                text("user", Some(&sftp.user), "ada")?;
                text("folder", Some(&sftp.folder), "/home/ada/photos")?;
                match &sftp.host_key {
                    Some(key) if !key.trim().starts_with("SHA256:") => Err(malformed(
                        "host_key",
                        key,
                        "SHA256: and 43 characters, as ssh-keygen -l",
                    )),
                    key => text("host_key", key.as_deref(), "SHA256: and 43 characters"),
                }
            }
            SourcePlace::S3(s3) => {
                let like = "https://s3.example, without a path";
                let address = HttpAddress::parse(&s3.endpoint);
                if !address.is_ok_and(|address| address.path() == "/") {
                    return Err(malformed("endpoint", &s3.endpoint, like));
                }
                if s3.bucket.contains('/') {
                    return Err(malformed("bucket", &s3.bucket, "photos, without slashes"));
                }
                let prefix = s3.prefix.as_deref();
                if prefix.is_some_and(|text| text.starts_with('/') || text.ends_with('/')) {
                    return Err(malformed("prefix", prefix.unwrap_or_default(), "photos/1999"));
                }
                text("bucket", Some(&s3.bucket), "photos")?;
                text("prefix", prefix, "photos/1999")?;
                text("region", s3.region.as_deref(), "us-east-1")?;
                text("access_key", s3.access_key.as_deref(), "AKIAEXAMPLE")?;
                match root_store(s3.ca_pem.as_deref()) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(malformed("ca_pem", "…", "-----BEGIN CERTIFICATE-----")),
                }
            }
        }
    }
}

/// Refuses empty texts, endless ones, and those that hold what no name has.
fn text(field: &'static str, text: Option<&str>, like: &'static str) -> Result<(), SourcesError> {
    match text {
        Some(text)
            if text.is_empty()
                || text.len() > TEXT_BYTES_MAX
                || text.chars().any(char::is_control) =>
        {
            Err(malformed(field, text, like))
        }
        _ => Ok(()),
    }
}

fn malformed(field: &'static str, text: &str, like: &'static str) -> SourcesError {
    SourcesError::Malformed { field, text: text.to_owned(), like }
}
