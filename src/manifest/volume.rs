//! `/.fossilsafe/volume.json`: what a volume is, for programs and people that find it.
//!
//! Its signature stands in `/.fossilsafe/volume.sig`, so that both are plain files that `sha256sum`
//! and `openssl` can check as they are.

use serde::{Deserialize, Serialize};

use super::header::PreviousVolume;
use crate::domain::{Barcode, CopyLetter, SetName, Timestamp, VolumeUuid};
use crate::keys::KeyId;

const FORMAT: &str = "fossilsafe-volume";
const VERSION: u32 = 1;

/// What a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRecord {
    /// The UUID in its LTFS labels.
    pub volume: VolumeUuid,
    /// Its barcode.
    pub barcode: Option<Barcode>,
    /// The set whose runs it holds.
    pub set: SetName,
    /// The copy of the set that it belongs to.
    #[serde(default)]
    pub copy: CopyLetter,
    /// Its place in that copy, from 1.
    pub sequence: u32,
    /// The volume before it in that copy.
    pub previous: Option<PreviousVolume>,
    /// Bytes in a tape block.
    pub block_size_bytes: u32,
    /// When this record was written.
    pub written: Timestamp,
    /// The machine that wrote it.
    pub host: String,
    /// Program and release.
    pub tool: String,
    /// The key that signs on this volume.
    pub key_id: KeyId,
    /// That key, for people with other tools; never believed because it stands here.
    pub public_key_pem: String,
}

#[derive(Serialize, Deserialize)]
struct VolumeFile<R> {
    format: String,
    version: u32,
    #[serde(flatten)]
    record: R,
}

impl VolumeRecord {
    /// The content of `volume.json`, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let file = VolumeFile { format: FORMAT.to_owned(), version: VERSION, record: self };
        // A struct of texts and numbers always has a JSON form.
        let mut json = serde_json::to_vec_pretty(&file).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads the content of `volume.json`.
    ///
    /// # Errors
    /// A sentence for people, when it is no such file or one of a newer release.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let file: VolumeFile<serde_json::Value> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if file.format != FORMAT {
            return Err(format!("its format is \"{}\"", file.format));
        }
        if file.version > VERSION {
            return Err(format!("version {} is newer than this release", file.version));
        }
        serde_json::from_value(file.record).map_err(|error| error.to_string())
    }
}
