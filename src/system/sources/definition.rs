//! What a network source is: a share of another machine.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SourcesError;

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

impl SourcePlace {
    /// The other machine, and the port that it answers on.
    #[must_use]
    pub fn server(&self) -> (&str, u16) {
        match self {
            Self::Smb(share) => (&share.host, share.port.unwrap_or(445)),
            Self::Nfs(export) => (&export.host, export.port.unwrap_or(2049)),
        }
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smb(SmbShare { host, share, .. }) => write!(f, "//{host}/{share}"),
            Self::Nfs(NfsExport { host, export, .. }) => write!(f, "{host}:{export}"),
        }
    }
}

impl SourceSpec {
    /// Refuses what no server can mean.
    pub(super) fn ensure_sensible(&self) -> Result<(), SourcesError> {
        let (host, _) = self.place.server();
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.chars().all(is_host) {
            return Err(malformed("host", host, "nas.example or 192.0.2.7"));
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
