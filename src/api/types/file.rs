//! Files in the catalog: search, versions and where their copies are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::EvidenceState;
use super::page::PageRequest;
use crate::domain::{
    Barcode, CopyLetter, RunId, SetName, Sha256Digest, SourcePath, Timestamp, VolumeUuid,
};

/// A path as it was at the source. Not every path is UTF-8; none may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilePath {
    /// For people, with a replacement character for what is no UTF-8.
    pub path: String,
    /// The exact bytes in base64, only if `path` is not exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
}

impl FilePath {
    /// The path of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        use base64::Engine;
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { path: text.to_owned(), path_b64: None },
            Err(_) => Self {
                path: String::from_utf8_lossy(bytes).into_owned(),
                path_b64: Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
            },
        }
    }
}

impl From<&SourcePath> for FilePath {
    /// With the leading `/` that paths within a source do not have.
    fn from(path: &SourcePath) -> Self {
        Self::from_bytes(&[b"/", path.as_bytes()].concat())
    }
}

/// What to look for. Every condition given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// Words or parts of the path, case ignored. Empty: every file that meets the rest.
    pub text: String,
    /// Only in this set.
    pub set: Option<SetName>,
    /// Only in this run.
    pub run: Option<RunId>,
    /// Only names that end in `.EXTENSION`.
    pub extension: Option<String>,
    /// Only paths below this folder.
    pub under: Option<Vec<u8>>,
    /// At least this large.
    pub size_bytes_min: Option<u64>,
    /// At most this large.
    pub size_bytes_max: Option<u64>,
    /// Modified at or after.
    pub modified_after: Option<Timestamp>,
    /// Modified before.
    pub modified_before: Option<Timestamp>,
    /// Which page.
    pub page: PageRequest,
}

/// A file found: its newest version that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileHit {
    /// Where it was.
    #[serde(flatten)]
    pub path: FilePath,
    /// The set.
    pub set: SetName,
    /// The newest run that has this version.
    pub run: RunId,
    /// Its size.
    pub size_bytes: u64,
    /// When its content last changed.
    pub modified: Timestamp,
    /// The best evidence of its copies.
    pub evidence: EvidenceState,
    /// The copies of the set in which it is at least indexed.
    #[serde(default)]
    pub copies: Vec<CopyLetter>,
    /// Cartridges with a copy.
    pub cartridges: Vec<Barcode>,
}

/// Which file's versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsRequest {
    /// The exact path at the source.
    pub path: Vec<u8>,
    /// Only in this set.
    pub set: Option<SetName>,
    /// Which page.
    pub page: PageRequest,
}

/// One version of a file. Listed newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileVersion {
    /// The set.
    pub set: SetName,
    /// The run that stored it.
    pub run: RunId,
    /// When that run began.
    pub stored: Timestamp,
    /// Its size.
    pub size_bytes: u64,
    /// When its content last changed.
    pub modified: Timestamp,
    /// What its content is.
    pub sha256: Option<Sha256Digest>,
    /// Where it is.
    pub copies: Vec<CopyView>,
}

/// One copy of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyView {
    /// The copy of the set that it belongs to.
    pub copy: CopyLetter,
    /// The cartridge, if known.
    pub barcode: Option<Barcode>,
    /// The volume.
    pub volume: VolumeUuid,
    /// What is proven of it.
    pub evidence: EvidenceState,
    /// Which part of a file that was split over volumes: (number from 1, of how many).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<(u32, u32)>,
    /// Why it cannot be read, if it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_utf8_keeps_its_bytes() {
        let plain = FilePath::from_bytes("/srv/ü".as_bytes());
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"path":"/srv/ü"}"#);
        let odd = FilePath::from_bytes(b"/srv/\xFF");
        assert_eq!(odd.path_b64.as_deref(), Some("L3Nydi//"));
    }
}
