//! A signed record of what was read back: the evidence that survives the catalog.
//!
//! The tape proves by itself that a file is indexed, and not that anybody has read it since. So each
//! verification leaves a receipt a segment, beside the catalog, with what agreed and what failed. A
//! rebuilt catalog takes it over if the signature is trusted and it is about the very same manifest
//! on the very same cartridge.
//!
//! ```text
//! receipts/<run>/<volume>-<when>-<job>.json
//! receipts/<run>/<volume>-<when>-<job>.sig
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::{DriveSerial, JobId, RunId, Sha256Digest, Timestamp, VolumeUuid};
use crate::durable::{self, ANYBODY};
use crate::jobs::context::{Parts, make_folder};
use crate::jobs::error::JobError;
use crate::keys::{DetachedSignature, PinnedKeys, Purpose, SignatureVerdict};

const FORMAT: &str = "fossilsafe-receipt";
const VERSION: u32 = 1;

/// What one verification found of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    format: String,
    version: u32,
    /// The run.
    pub(crate) run: RunId,
    /// The volume.
    pub(crate) volume: VolumeUuid,
    /// The manifest whose copies are meant; they are numbered in its order.
    pub(crate) manifest_sha256: Sha256Digest,
    /// How many copies the segment has.
    pub(crate) copies: u64,
    /// Copies that were read and agreed, as ranges `[from, to)`.
    pub(crate) read_back: Vec<(u64, u64)>,
    /// Copies that did not, with the reason.
    pub(crate) failed: Vec<(u64, String)>,
    /// When the last of it was read.
    pub(crate) read: Timestamp,
    /// The drive.
    pub(crate) drive: DriveSerial,
    /// The serial number in the cartridge's memory.
    pub(crate) medium_serial: Option<String>,
    /// The job that read.
    pub(crate) job: JobId,
    /// The machine.
    pub(crate) host: String,
}

/// What a receipt is about.
#[derive(Clone, Debug)]
pub(super) struct ReceiptSubject {
    pub(super) run: RunId,
    pub(super) volume: VolumeUuid,
    pub(super) manifest_sha256: Sha256Digest,
    pub(super) copies: u64,
    pub(super) drive: DriveSerial,
    pub(super) medium_serial: Option<String>,
}

impl Receipt {
    /// Signs what was found and keeps it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn keep(
        parts: &Parts,
        job: JobId,
        subject: ReceiptSubject,
        read_back: Vec<(u64, u64)>,
        failed: Vec<(u64, String)>,
    ) -> Result<(), JobError> {
        let receipt = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            run: subject.run,
            volume: subject.volume,
            manifest_sha256: subject.manifest_sha256,
            copies: subject.copies,
            read_back,
            failed,
            read: parts.clock.now(),
            drive: subject.drive,
            medium_serial: subject.medium_serial,
            job,
            host: parts.host.clone(),
        };
        let json = |source| JobError::Json { what: "receipt", source };
        let text = serde_json::to_vec_pretty(&receipt).map_err(json)?;
        let digest = Sha256Digest(Sha256::digest(&text).into());
        let signature = parts.keys.sign(Purpose::Receipt, &digest).to_json();
        let folder = parts.folders.receipts(&receipt.run);
        make_folder(&folder)?;
        let when: String =
            receipt.read.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("{}-{when}-{job}", receipt.volume);
        // The signature first: a receipt without one would be called a forgery.
        for (extension, bytes) in [("sig", &signature), ("json", &text)] {
            let path = folder.join(format!("{name}.{extension}"));
            durable::replace(&path, bytes, ANYBODY).map_err(JobError::io("write", &path))?;
        }
        Ok(())
    }

    /// The believable receipts in a folder about one volume, oldest first, with a sentence for each
    /// that is not believed.
    pub(crate) fn read_all(
        folder: &Path,
        volume: VolumeUuid,
        pinned: &PinnedKeys,
    ) -> (Vec<Self>, Vec<String>) {
        let (mut receipts, mut refused) = (Vec::new(), Vec::new());
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let prefix = volume.to_string();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with(&prefix) || !name.ends_with(".json") {
                continue;
            }
            match Self::read(&path, pinned) {
                Ok(receipt) if receipt.volume == volume => receipts.push(receipt),
                Ok(_) => refused.push(format!("{name}: it is about another volume")),
                Err(reason) => refused.push(format!("{name}: {reason}")),
            }
        }
        receipts.sort_by_key(|receipt| receipt.read);
        (receipts, refused)
    }

    fn read(path: &Path, pinned: &PinnedKeys) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        let signature = std::fs::read(path.with_extension("sig"));
        let signature = signature.map_err(|error| format!("its signature: {error}"))?;
        let signature = DetachedSignature::parse(&signature)
            .map_err(|error| format!("its signature: {error}"))?;
        let digest = Sha256Digest(Sha256::digest(&text).into());
        match signature.verify(Purpose::Receipt, &digest, pinned) {
            SignatureVerdict::Trusted { .. } => {}
            SignatureVerdict::Foreign { key_id } => {
                return Err(format!("key {key_id} is not trusted"));
            }
            SignatureVerdict::Bad { key_id } => {
                return Err(format!("it is not what key {key_id} signed"));
            }
        }
        let receipt: Self = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if receipt.format != FORMAT || receipt.version > VERSION {
            return Err("it is of another release".to_owned());
        }
        Ok(receipt)
    }
}
