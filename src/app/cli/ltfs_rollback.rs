//! `fossilsafe ltfs generations` and `fossilsafe ltfs rollback`: older states of a volume.
//!
//! Going back erases nothing: the older tree is appended as the newest index, and the state that it
//! replaces stays listed and can be gone forward to. It hides files all the same, so the cartridge's
//! barcode must be typed.

use std::sync::Arc;

use serde_json::json;

use super::ltfs_target::{Consent, next_step};
use super::output::{Output, Table, grouped, moment, size};
use crate::app::error::{AppError, Exit};
use crate::domain::Clock;
use crate::drive::Drive;
use crate::ltfs::merge::IndexFile;
use crate::ltfs::mount::{MountOptions, MountedVolume};
use crate::ltfs::rollback::{generations, read_generation, roll_back};
use crate::ltfs::writer::{Locked, WriteOptions, creator};

const SEE_GENERATIONS: &str = "See `fossilsafe ltfs generations`.";

/// Lists the states that the volume still holds, newest first.
pub(super) fn list(
    drive: &mut Drive,
    volume: &MountedVolume,
    output: &Output,
) -> Result<Exit, AppError> {
    let found = generations(drive, volume)
        .map_err(|error| AppError::offline("cannot look", &error, next_step(&error)))?;
    if output.is_json {
        let one = |generation: &crate::ltfs::rollback::Generation| {
            json!({
                "generation": generation.generation,
                "location": generation.location.to_string(),
                "written": generation.update_time,
                "creator": generation.creator,
                "is_current": generation.generation == volume.generation(),
            })
        };
        output.json(&found.iter().map(one).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["GENERATION", "AT", "WRITTEN", "BY"]);
    for generation in found {
        let is_current = generation.generation == volume.generation();
        let mark = if is_current { " (now)" } else { "" };
        table.row(vec![
            format!("{}{mark}", generation.generation),
            generation.location.to_string(),
            moment(generation.update_time),
            generation.creator,
        ]);
    }
    output.table(&table, "There is no index on the data partition.")?;
    Ok(Exit::Done)
}

/// Makes generation `wanted` the newest, if the barcode was typed; else says what that would hide.
pub(super) fn back(
    drive: Drive,
    volume: &MountedVolume,
    wanted: u64,
    consent: &Consent,
    options: &MountOptions,
    clock: &Arc<dyn Clock>,
    output: &Output,
) -> (Drive, Result<Exit, AppError>) {
    const DOING: &str = "cannot go back";
    if wanted == volume.generation() {
        return (
            drive,
            Err(AppError::Offline {
                message: format!("generation {wanted} is the newest already; nothing was written"),
                next_step: SEE_GENERATIONS.to_owned(),
            }),
        );
    }
    let mut drive = drive;
    let tree = match read_generation(&mut drive, volume, &options.spool_dir, wanted) {
        Ok(tree) => tree,
        Err(error) => {
            return (drive, Err(AppError::offline(DOING, &error, SEE_GENERATIONS)));
        }
    };
    let change = describe(volume, &tree);
    if !consent.is_given() {
        let typed = consent.example();
        let refused = AppError::Offline {
            message: format!("{change}; nothing was written"),
            next_step: format!(
                "Nothing is erased by it, and the present state stays in `ltfs generations`. If \
                 that is wanted, add --yes-roll-back {typed}."
            ),
        };
        return (drive, Err(refused));
    }
    let write = WriteOptions {
        spool_dir: options.spool_dir.clone(),
        creator: creator("rollback"),
        clock: Arc::clone(clock),
        locked: Locked::Respect,
    };
    match roll_back(drive, volume, tree, write) {
        Ok((drive, written)) => {
            let told = if output.is_json {
                output.json(&json!({
                    "volume": volume.label.uuid,
                    "rolled_back_to": wanted,
                    "generation": written.generation,
                }))
            } else {
                output.line(&format!(
                    "{change}. It is generation {} now; to undo this, go back to {}. An \
                     appliance that knows this volume must be told which files are gone: \
                     `fossilsafe verify --cartridge {}`.",
                    written.generation,
                    volume.generation(),
                    consent.example()
                ))
            };
            (drive, told.map(|()| Exit::Done))
        }
        Err(refused) => {
            let failed = AppError::offline(DOING, &refused.error, next_step(&refused.error));
            (refused.drive, Err(failed))
        }
    }
}

/// What a person must know before.
fn describe(volume: &MountedVolume, tree: &IndexFile) -> String {
    let (now, then) = (volume.index.file.counts(), tree.counts());
    format!(
        "generation {} of {} lists {} files, {}; generation {}, the newest, lists {} files, {}",
        tree.header().generation,
        moment(tree.header().update_time),
        grouped(then.files),
        size(then.file_bytes),
        volume.generation(),
        grouped(now.files),
        size(now.file_bytes),
    )
}
