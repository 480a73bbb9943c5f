//! Network sources and the folders of this machine over the API. A password only on its way in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ByteCount, Secret, Timestamp};
use crate::system::sources::SourcePlace;

/// Makes or changes a network source.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    /// Where it is.
    pub place: SourcePlace,
    /// Whether files may be restored into it; it is mounted read-only otherwise.
    #[serde(default)]
    pub is_writable: bool,
    /// The password of its user; the one that is kept stays if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// One thing in a folder of the appliance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderEntry {
    /// Its name; what is no UTF-8 is shown as `\u{fffd}`.
    pub name: String,
    /// Its path, as a backup takes it; absent if the name is no UTF-8, then its folder can be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it is.
    pub kind: FolderEntryKind,
    /// The size of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<ByteCount>,
    /// When it was last changed; absent if that cannot be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

/// What a thing in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FolderEntryKind {
    /// A folder; it may be looked into.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link: it is kept as a link.
    Link,
    /// A pipe, a socket, a device.
    Other,
}
