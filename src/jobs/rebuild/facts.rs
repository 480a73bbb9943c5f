//! What a manifest says of its run and its segment, from one pass over it.
//!
//! Every manifest of a run lists the whole run, so the files of the plan have the same numbers in all
//! of them. From that follows which stretch of the plan each volume took, also for a volume that is
//! not here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::catalog::FileTotals;
use crate::domain::{FileKind, Sha256Digest, SourcePath, Timestamp, VolumeUuid};
use crate::jobs::error::JobError;
use crate::jobs::verify::IndexedPlaces;
use crate::ltfs::extent::{Extent, PartitionId};
use crate::manifest::{EntryState, ManifestEntry, ManifestHeader, ManifestReader, part_name};

/// A place in the plan of a run where one volume ends and the next begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Edge {
    /// The first file behind it.
    pub(super) ordinal: u64,
    /// True if that file began before it.
    pub(super) is_inside: bool,
}

/// Files of the plan that are on another volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Elsewhere {
    /// That volume's place in the set.
    pub(super) sequence: u32,
    /// The first of them.
    pub(super) first: u64,
    /// The last of them.
    pub(super) last: u64,
}

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ManifestFacts {
    /// Its first line.
    pub(super) header: ManifestHeader,
    /// The hash of the whole file.
    pub(super) sha256: Sha256Digest,
    /// When it was written.
    pub(super) finished: Timestamp,
    /// Where the run went on behind this volume.
    pub(super) end: Edge,
    /// True if nothing of the plan was left.
    pub(super) is_plan_done: bool,
    /// The first file with bytes on this volume, and whether it began on an earlier one.
    pub(super) first_here: Option<Edge>,
    /// Which part of that file is here.
    pub(super) first_part: Option<u32>,
    /// The last byte of this volume's part of the file that goes on, and that part's number.
    pub(super) open_part: Option<(u32, u64)>,
    /// Other volumes of the run that were written before.
    pub(super) elsewhere: BTreeMap<VolumeUuid, Elsewhere>,
    /// What the run set out to store.
    pub(super) planned: FileTotals,
    /// What it left as unchanged.
    pub(super) unchanged: FileTotals,
    /// Entries that changed, vanished or could not be read.
    pub(super) failed: u64,
    /// What the walk could not look at: nothing below it is gone.
    pub(super) unknown: Vec<SourcePath>,
    /// Files that the volume's index does not have where the manifest says.
    pub(super) unlisted: Vec<u64>,
}

/// Numbers the files of a plan as backup did. Parts of a file that lie on one volume have a line each, one
/// behind the other, and share its number.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbering {
    next: u64,
    last: Option<SourcePath>,
}

impl Numbering {
    /// The number of an entry, if its content was to be stored.
    pub(super) fn number(&mut self, entry: &ManifestEntry) -> Option<u64> {
        let is_unchanged = matches!(entry.state, EntryState::Unchanged { .. });
        let is_planned = is_content(entry) && entry.links > 0 && !is_unchanged;
        is_planned.then(|| {
            if self.last.as_ref() != Some(&entry.path) {
                self.next += 1;
                self.last = Some(entry.path.clone());
            }
            self.next - 1
        })
    }
}

/// True for a file with content of its own.
fn is_content(entry: &ManifestEntry) -> bool {
    entry.kind == FileKind::File && entry.hard_link_of.is_none()
}

/// Opens a manifest kept off the tape.
///
/// # Errors
/// If it cannot be read.
pub(super) fn open_manifest(path: &Path) -> Result<ManifestReader<BufReader<File>>, JobError> {
    let file = File::open(path).map_err(JobError::io("read", path))?;
    Ok(ManifestReader::open(BufReader::with_capacity(1 << 20, file))?)
}

impl ManifestFacts {
    /// Reads a manifest that was found whole.
    ///
    /// # Errors
    /// If it cannot be read any more.
    pub(super) fn read(path: &Path, places: &mut IndexedPlaces) -> Result<Self, JobError> {
        let mut reader = open_manifest(path)?;
        let header = reader.header().clone();
        let run_folder = format!("{}/{}", header.set, header.run);
        let mut facts = Self {
            header,
            sha256: Sha256Digest([0; 32]),
            finished: Timestamp::default(),
            end: Edge::default(),
            is_plan_done: true,
            first_here: None,
            first_part: None,
            open_part: None,
            elsewhere: BTreeMap::new(),
            planned: FileTotals::default(),
            unchanged: FileTotals::default(),
            failed: 0,
            unknown: Vec::new(),
            unlisted: Vec::new(),
        };
        let mut numbering = Numbering::default();
        while let Some(entry) = reader.next_entry()? {
            let number = numbering.number(&entry);
            facts.meet(&entry, number);
            let is_stored = entry.state == EntryState::Stored;
            if let (Some(number), true) = (number, is_stored)
                && !is_listed(places, &run_folder, &entry)
            {
                facts.unlisted.push(number);
            }
        }
        let end = reader.end().ok_or_else(|| JobError::Bug("a manifest without end".to_owned()))?;
        (facts.sha256, facts.finished) = (end.sha256, end.finished);
        facts.is_plan_done &= !facts.end.is_inside;
        Ok(facts)
    }

    fn meet(&mut self, entry: &ManifestEntry, number: Option<u64>) {
        if entry.links == 0 {
            self.unknown.push(entry.path.clone());
        }
        let add = |totals: &mut FileTotals| {
            totals.files += 1;
            totals.bytes.0 += entry.size_bytes;
        };
        match &entry.state {
            EntryState::Unchanged { .. } if is_content(entry) => add(&mut self.unchanged),
            EntryState::ChangedWhileRead | EntryState::Vanished | EntryState::Unreadable { .. } => {
                self.failed += 1;
            }
            _ => {}
        }
        let Some(ordinal) = number else { return };
        // The next part of a file is no other file.
        if ordinal == self.planned.files {
            add(&mut self.planned);
        }
        if entry.state == EntryState::ToFollow {
            self.is_plan_done = false;
            return;
        }
        self.end = Edge { ordinal: ordinal + 1, is_inside: false };
        self.open_part = None;
        match (&entry.state, &entry.part) {
            (EntryState::Stored, part) => {
                let number = part.as_ref().map_or(1, |part| part.number);
                self.first_here.get_or_insert(Edge { ordinal, is_inside: number > 1 });
                self.first_part.get_or_insert(number);
                // Whoever holds the last part knows the hash of the whole file.
                if let Some(part) = part.as_ref().filter(|_| !entry.is_to_its_end()) {
                    self.end = Edge { ordinal, is_inside: true };
                    self.open_part = Some((part.number, part.offset + part.length));
                }
            }
            (EntryState::OnVolume { sequence, volume }, _) => {
                let first = Elsewhere { sequence: *sequence, first: ordinal, last: ordinal };
                self.elsewhere.entry(*volume).or_insert(first).last = ordinal;
            }
            _ => {}
        }
    }
}

/// The path of a stored file below its run's folder on the volume.
pub(super) fn stored_path(entry: &ManifestEntry) -> Option<String> {
    let part = entry.part.as_ref();
    match (&entry.stored_path, part) {
        (None, None) => None,
        (Some(stored), None) => Some(stored.clone()),
        (stored, Some(part)) => {
            let whole = stored.clone().unwrap_or_else(|| entry.path.to_string());
            Some(part_name(&whole, part.number))
        }
    }
}

fn is_listed(places: &mut IndexedPlaces, run_folder: &str, entry: &ManifestEntry) -> bool {
    let below = match stored_path(entry) {
        Some(stored) => stored,
        None => match entry.path.to_str() {
            Some(path) => path.to_owned(),
            None => return false,
        },
    };
    let extents = entry.extents.iter().map(|extent| {
        Some(Extent {
            file_offset: extent.file_offset,
            start_block: extent.start_block,
            byte_count: extent.byte_count,
            byte_offset: extent.byte_offset,
            partition: PartitionId::from_letter(u8::try_from(extent.partition).ok()?)?,
        })
    });
    let Some(extents) = extents.collect::<Option<Vec<_>>>() else { return false };
    places.lists(&format!("{run_folder}/{below}"), &extents)
}
