//! The keys of a volume that a drive has encrypted, opened with a kit and handed to the drive, without an engine.
//!
//! Key files and index are plain on such a volume; everything else that is read after this opens by itself.

use std::path::Path;
use std::sync::Arc;

use super::audit::read;
use super::kit_verify::{Opened, parse_kit};
use crate::app::error::AppError;
use crate::drive::Drive;
use crate::jobs::block_keys::DataKeys;
use crate::jobs::volume_tree::{OwnFiles, read_text, walk_files};
use crate::keys::{KeyFile, KeyId};
use crate::ltfs::mount::MountedVolume;
use crate::ltfs::reader::VolumeReader;

const NEXT: &str =
    "See which kit opens the tape with `fossilsafe kit verify`, and compare it with the paper.";

/// Lets the drive find the keys of the volume that the kit in the file `kit` opens.
pub(super) fn open_with(
    kit: &Path,
    drive: &mut Drive,
    volume: &MountedVolume,
) -> Result<(), AppError> {
    let kit = parse_kit(&String::from_utf8_lossy(&read(kit)?))?;
    let failed = |error: &dyn std::error::Error| {
        AppError::offline("cannot read the keys of the volume", error, NEXT)
    };
    let mut own = OwnFiles::default();
    walk_files(&volume.index.file, &mut |folder, file| own.meet(folder, file))
        .map_err(|error| failed(&error))?;
    let mut opened = Opened::default();
    let mut refused: Option<(KeyId, String)> = None;
    let mut reader = VolumeReader::new(drive, volume);
    for entry in &own.keys {
        let text = read_text(&mut reader, Some(entry)).map_err(|error| failed(&error))?;
        // One that is damaged or another kit's: what it would open is told when it is met.
        let Some(file) = text.ok().and_then(|json| KeyFile::parse(&json).ok()) else { continue };
        match file.open(&kit) {
            Ok(key) => opened.take(key),
            Err(error) => refused = Some((file.key_id, error.to_string())),
        }
    }
    if let (Some((id, why)), true) = (refused, opened.is_empty()) {
        let message = format!("the kit opens no key of this volume: data key {id}: {why}");
        return Err(AppError::Offline { message, next_step: NEXT.to_owned() });
    }
    drive.find_keys_in(Arc::new(DataKeys(Arc::new(opened))));
    Ok(())
}
