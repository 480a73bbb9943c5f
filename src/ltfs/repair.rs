//! Repair: bring a volume into the state of a clean close by appending, and nothing else.
//!
//! The data partition is never truncated: torn indexes and blocks that no index lists stay where
//! they are, for analysis and for carving. A new index goes behind them. On the index partition it
//! replaces the index that is its own last good one; where the partition does not end cleanly in
//! one, it is appended there too, because files of other writers may lie on it.

use super::error::LtfsError;
use super::index::{FileEntry, IndexEvent};
use super::merge::{EventSource, IndexFile, TreeError};
use super::mount::{CheckEnds, EndOfData, Finding, MountOptions, MountedVolume, Severity, mount};
use super::writer::{IndexPlacement, IndexWritten, OpenVolume, Purpose, Refused, WriteOptions};
use crate::domain::ByteCount;
use crate::drive::Drive;

/// What a repair did.
#[derive(Debug)]
pub struct Repaired {
    /// The index that was written on both partitions.
    pub index: IndexWritten,
    /// What had been found and is no more.
    pub healed: Vec<Finding>,
    /// What is still to be said of the volume.
    pub left: Vec<Finding>,
}

/// Repairs a volume that was mounted with [`CheckEnds::Always`].
///
/// `tree` is what the new index lists, if more is known than the tape says: a journal kept off the
/// tape, merged with the mounted index. Its extents must lie on the tape. `None` keeps the mounted
/// tree.
///
/// # Errors
/// When the volume must not be written, the end of data of the data partition is missing
/// ([`LtfsError::NotRepairable`]), or the drive fails. What could be read before can be read after.
pub fn repair(
    drive: Drive,
    mounted: &MountedVolume,
    options: WriteOptions,
    tree: Option<&mut dyn EventSource>,
) -> Result<(Drive, Repaired), Box<Refused>> {
    let spool_dir = options.spool_dir.clone();
    if let Err(error) = ensure_repairable(mounted) {
        return Err(Box::new(Refused { drive, error }));
    }
    let mut volume = OpenVolume::begin_for(drive, mounted, options, Purpose::Repair)?;
    let index = append_index(&mut volume, mounted, tree);
    let mut drive = volume.into_drive();
    let found = index.and_then(|index| {
        let again = MountOptions { spool_dir, known: None, ends: CheckEnds::Always };
        let after = mount(&mut drive, &again)?;
        if after.generation() != index.generation {
            return Err(LtfsError::NotAsWritten(index.on_data));
        }
        Ok((index, after.findings))
    });
    match found {
        Ok((index, left)) => {
            let is_healed = |finding: &&Finding| !left.contains(finding);
            let healed = mounted.findings.iter().filter(is_healed).cloned().collect();
            Ok((drive, Repaired { index, healed, left }))
        }
        Err(error) => Err(Box::new(Refused { drive, error })),
    }
}

fn append_index(
    volume: &mut OpenVolume,
    mounted: &MountedVolume,
    tree: Option<&mut dyn EventSource>,
) -> Result<IndexWritten, LtfsError> {
    let mut kept = IndexFile::clone(&mounted.index.file);
    let tree: &mut dyn EventSource = match tree {
        Some(tree) => tree,
        None => &mut kept,
    };
    ensure_on_tape(tree, mounted)?;
    volume.write_index(tree, IndexPlacement::Both)
}

fn ensure_repairable(mounted: &MountedVolume) -> Result<(), LtfsError> {
    for finding in &mounted.findings {
        let why = match finding {
            Finding::LabelUnusable { .. } => {
                "a label is missing: copy the files to another cartridge"
            }
            Finding::LabelsContradict { .. } => {
                "the labels contradict each other: copy the files to another cartridge"
            }
            _ => continue,
        };
        return Err(LtfsError::NotRepairable(why));
    }
    if mounted.data_partition.end_of_data == EndOfData::Missing {
        return Err(LtfsError::NotRepairable(
            "the drive does not know where the data ends: copy the files to another cartridge",
        ));
    }
    Ok(())
}

/// Refuses a tree with files behind the end of what is on tape.
fn ensure_on_tape(tree: &mut dyn EventSource, mounted: &MountedVolume) -> Result<(), LtfsError> {
    let mut is_behind = false;
    tree.replay(&mut |event| {
        if let IndexEvent::File(entry) = event {
            is_behind |= !is_on_tape(entry, mounted);
        }
        Ok(())
    })?;
    // What the mounted index itself lists behind the end is a finding already and stays listed.
    let was_known = mounted.findings.iter().any(|finding| {
        matches!(finding, Finding::ExtentsBeyondEnd { .. } | Finding::ExtentsNowhere(_))
    });
    if is_behind && !was_known {
        return Err(LtfsError::Misuse("a file of the tree lies behind the end of the tape's data"));
    }
    Ok(())
}

/// True if every block of the file lies before the end of its partition's data.
fn is_on_tape(entry: &FileEntry, mounted: &MountedVolume) -> bool {
    let block_size = mounted.label.block_size;
    let states = [&mounted.data_partition, &mounted.index_partition];
    entry.extents.iter().all(|extent| {
        let state = states.into_iter().find(|state| state.id == extent.partition);
        match state.map(|state| state.end_of_data) {
            Some(EndOfData::At(end)) => extent.end_block(block_size) <= end,
            _ => false,
        }
    })
}

/// A tree without the files that reach behind the end of what is on tape: what is left of a journal
/// after a crash.
#[derive(Debug)]
pub struct OnTape<'a, S> {
    tree: &'a mut S,
    mounted: &'a MountedVolume,
    left_out: u64,
}

impl<'a, S: EventSource> OnTape<'a, S> {
    /// The files of `tree` that are on the mounted volume's tape.
    pub fn new(tree: &'a mut S, mounted: &'a MountedVolume) -> Self {
        Self { tree, mounted, left_out: 0 }
    }

    /// How many files the last replay left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl<S: EventSource> EventSource for OnTape<'_, S> {
    fn highest_uid(&self) -> u64 {
        self.tree.highest_uid()
    }

    fn estimated_index_bytes(&self) -> ByteCount {
        self.tree.estimated_index_bytes()
    }

    fn replay(
        &mut self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        let (mounted, mut left_out) = (self.mounted, 0);
        let replayed = self.tree.replay(&mut |event| match event {
            IndexEvent::File(entry) if !is_on_tape(entry, mounted) => {
                left_out += 1;
                Ok(())
            }
            event => visit(event),
        });
        self.left_out = left_out;
        replayed
    }
}

/// True if a repair would make other implementations mount the volume again.
#[must_use]
pub fn is_worth_repairing(mounted: &MountedVolume) -> bool {
    mounted.findings.iter().any(|finding| finding.severity() == Severity::Repair)
        && ensure_repairable(mounted).is_ok()
}
