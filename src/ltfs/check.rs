//! Checking a volume without writing to it: its chain of indexes and the tree of the newest one.
//!
//! What a mount finds is about the ends of the partitions; this looks at the rest. Bytes of files
//! are not compared here: their digests stand in the manifests.

use super::error::LtfsError;
use super::index::{FileEntry, IndexEvent, IndexLocation};
use super::mount::{EndOfData, MountedVolume};
use super::rollback::{DamagedIndex, Generation, IndexHead, index_heads};
use crate::drive::Drive;

/// Numbers up to here are compared exactly, in 128 MiB; higher ones are not looked at.
const UIDS_MAX: u64 = 1 << 30;
/// How many paths a report names of each kind.
const EXAMPLES_MAX: usize = 20;
/// Deepest nesting that every implementation reads (libxml2 without its huge option).
const PORTABLE_DEPTH: usize = 120;

/// What a check found besides the findings of the mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The indexes on the data partition, newest first.
    pub generations: Vec<Generation>,
    /// Indexes that do not lead back to the one before them on the tape, or are older than it.
    pub broken_chain: Vec<IndexLocation>,
    /// Older indexes on the data partition that cannot be gone back to. A damaged one behind the
    /// last good index is a finding of the mount.
    pub damaged_indexes: Vec<DamagedIndex>,
    /// Files that need blocks which are not there.
    pub out_of_reach: Examples,
    /// Entries whose `fileuid` was used before.
    pub repeated_uids: Examples,
    /// Directories nested deeper than every implementation reads.
    pub too_deep: Examples,
    /// Files and directories looked at.
    pub entries: u64,
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// How many.
    pub count: u64,
    /// Paths of the first twenty.
    pub paths: Vec<String>,
}

impl Examples {
    fn add(&mut self, path: impl FnOnce() -> String) {
        self.count += 1;
        if self.paths.len() < EXAMPLES_MAX {
            self.paths.push(path());
        }
    }
}

impl CheckReport {
    /// True if nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.broken_chain.is_empty()
            && self.damaged_indexes.is_empty()
            && [&self.out_of_reach, &self.repeated_uids, &self.too_deep]
                .iter()
                .all(|examples| examples.count == 0)
    }
}

/// Checks a mounted volume. Sends no command that writes.
///
/// # Errors
/// When the drive fails or the index kept off the tape cannot be read again.
pub fn check(drive: &mut Drive, mounted: &MountedVolume) -> Result<CheckReport, LtfsError> {
    let mut report = check_tree(mounted)?;
    let heads = index_heads(drive, mounted)?;
    for pair in heads.windows(2) {
        let [IndexHead::Good(newer), older] = pair else { continue };
        let is_older = match older {
            IndexHead::Good(older) => older.generation <= newer.generation,
            IndexHead::Damaged(_) => true,
        };
        if newer.previous != Some(older.location()) || !is_older {
            report.broken_chain.push(newer.location);
        }
    }
    if let Some(IndexHead::Good(oldest)) = heads.last()
        && oldest.previous.is_some()
    {
        report.broken_chain.push(oldest.location);
    }
    let last = mounted.data_partition.last_index.map(|last| last.location.block);
    for head in heads {
        match head {
            IndexHead::Good(index) => report.generations.push(index),
            IndexHead::Damaged(index) if Some(index.location.block) < last => {
                report.damaged_indexes.push(index);
            }
            IndexHead::Damaged(_) => {}
        }
    }
    Ok(report)
}

/// The part that needs no drive.
fn check_tree(mounted: &MountedVolume) -> Result<CheckReport, LtfsError> {
    let mut report = CheckReport::default();
    let mut path: Vec<String> = Vec::new();
    let mut uids = UidSet::default();
    mounted.index.file.replay(&mut |event| {
        match event {
            IndexEvent::EnterDirectory(entry) => {
                report.entries += 1;
                path.push(entry.name.to_string());
                if uids.is_repeated(entry.uid) {
                    report.repeated_uids.add(|| shown(&path, None));
                }
                if path.len() == PORTABLE_DEPTH + 1 {
                    report.too_deep.add(|| shown(&path, None));
                }
            }
            IndexEvent::File(entry) => {
                report.entries += 1;
                if uids.is_repeated(entry.uid) {
                    report.repeated_uids.add(|| shown(&path, Some(entry)));
                }
                if !is_within_reach(entry, mounted) {
                    report.out_of_reach.add(|| shown(&path, Some(entry)));
                }
            }
            IndexEvent::LeaveDirectory(_) => {
                path.pop();
            }
            IndexEvent::Header(_) | IndexEvent::End(_) => {}
        }
        Ok(())
    })?;
    Ok(report)
}

fn is_within_reach(entry: &FileEntry, mounted: &MountedVolume) -> bool {
    let states = [&mounted.data_partition, &mounted.index_partition];
    entry.extents.iter().all(|extent| {
        let Some(state) = states.into_iter().find(|state| state.id == extent.partition) else {
            return false;
        };
        match state.end_of_data {
            EndOfData::At(end) => extent.end_block(mounted.label.block_size) <= end,
            EndOfData::Missing | EndOfData::NotChecked => true,
        }
    })
}

/// The root's own name is the volume's and no part of a path.
fn shown(directories: &[String], file: Option<&FileEntry>) -> String {
    let mut path = String::new();
    for name in directories.iter().skip(1) {
        path.push('/');
        path.push_str(name);
    }
    if let Some(entry) = file {
        path.push('/');
        path.push_str(entry.name.as_str());
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// Numbers seen, a bit each.
#[derive(Debug, Default)]
struct UidSet {
    words: Vec<u64>,
}

impl UidSet {
    fn is_repeated(&mut self, uid: u64) -> bool {
        const BITS: u64 = 64;
        if uid >= UIDS_MAX {
            return false;
        }
        let Ok(word) = usize::try_from(uid / BITS) else { return false };
        if word >= self.words.len() {
            self.words.resize((word + 1).next_power_of_two(), 0);
        }
        let bit = 1 << (uid % BITS);
        let was_set = self.words[word] & bit != 0;
        self.words[word] |= bit;
        was_set
    }
}
