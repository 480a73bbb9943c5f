//! Versions of files and where their copies are: what browsing, searching and restoring all show.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use smallvec::SmallVec;

use crate::domain::{ByteCount, CopyLetter, RunId, SetName, Sha256Digest, Timestamp, VolumeUuid};

use super::Catalog;
use super::copies::{CopyRecord, copy_ids, part_of, placed_copy};
use super::error::CatalogError;
use super::evidence::{Effective, EvidenceState, SegmentEvidence, effective_of_file};
use super::evidence_store::load_evidence;
use super::ids::{CopyId, SegmentId, time_from_sql};
use super::paths::{find_dir, normal_path, split_path};
use super::run_writer::CopyPart;
use super::sets::set_id;
use super::text_enum::text_enum;
use super::volumes::{VolumeState, uuid_at};

text_enum! {
    /// What a path is.
    FileKind {
        /// A regular file.
        File = "file",
        /// A folder.
        Directory = "directory",
        /// A symbolic link; its target is in the detail.
        Symlink = "symlink",
        /// Another name of a file that was stored under its first; which one is in the detail.
        HardLink = "hard_link",
        /// A named pipe.
        Fifo = "fifo",
        /// A socket.
        Socket = "socket",
        /// A device node; its numbers are in the detail.
        Device = "device",
    }
}

text_enum! {
    /// How a planned file ended that was not stored.
    OutcomeState {
        /// It changed while it was read.
        Changed = "changed_while_read",
        /// It was there when the plan was made, and not when it was read.
        Vanished = "vanished",
        /// It could not be read.
        Unreadable = "unreadable",
        /// The volume's format cannot hold it.
        NotStorable = "not_storable",
    }
}

/// The kind of a version that says: the path was gone.
pub(super) const KIND_GONE: i64 = 9;

impl FileKind {
    /// The number in the column `versions.kind`.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::File => 0,
            Self::Directory => 1,
            Self::Symlink => 2,
            Self::HardLink => 3,
            Self::Fifo => 4,
            Self::Socket => 5,
            Self::Device => 6,
        }
    }

    /// The kind of a number; `None` for a path that was gone.
    pub(super) fn from_code(code: i64) -> Result<Option<Self>, CatalogError> {
        let known = Self::ALL.iter().copied().find(|kind| kind.code() == code);
        if known.is_none() && code != KIND_GONE {
            let detail = format!("no kind has the number {code}");
            return Err(CatalogError::Decode { what: "the kind of a file", detail });
        }
        Ok(known)
    }
}

/// One state of a path, as a run stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// What it is.
    pub kind: FileKind,
    /// Bytes of the file.
    pub size: ByteCount,
    /// When its content last changed.
    pub modified: Timestamp,
    /// When its inode last changed, where the source knew.
    pub changed: Option<Timestamp>,
    /// Its inode number, where the source knew.
    pub inode: Option<u64>,
    /// The digest of its content; `None` for what has no content, and while parts are missing.
    pub sha256: Option<Sha256Digest>,
    /// The run that stored it.
    pub run: RunId,
    /// The volume with its first copy (first part).
    pub volume: Option<VolumeUuid>,
    /// Its first copy (first part).
    pub copy: Option<CopyId>,
    /// What counts for the whole file: that of its best copy.
    pub evidence: Effective,
    /// Each copy of the set that has something of it.
    pub copies: SmallVec<[CopyStanding; 1]>,
}

impl FileVersion {
    /// The copies of the set in which the whole file is at least `state`.
    pub fn copies_with(&self, state: EvidenceState) -> impl Iterator<Item = CopyLetter> {
        let good = self.copies.iter().filter(move |copy| copy.evidence.is_at_least(state));
        good.map(|copy| copy.copy)
    }
}

/// How a file stands in one copy of its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyStanding {
    /// Which copy.
    pub copy: CopyLetter,
    /// The volume with it, or with its first part.
    pub volume: VolumeUuid,
    /// What counts for all of its parts there.
    pub evidence: Effective,
}

/// A version with all that a restore needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullVersion {
    /// The version.
    pub version: FileVersion,
    /// Every copy and part of it.
    pub copies: Vec<CopyRecord>,
    /// Attributes shared with other files, as they were pushed.
    pub attributes: Vec<u8>,
    /// Attributes of its own, as they were pushed.
    pub detail: Option<Vec<u8>>,
}

impl Catalog {
    /// All versions of a path, newest first.
    ///
    /// # Errors
    /// `NotFound` for an unknown set; an unknown path has no versions.
    pub fn versions(&self, set: &SetName, path: &[u8]) -> Result<Vec<FullVersion>, CatalogError> {
        let path = normal_path(path)?;
        self.read("list the versions of a file", |reader| {
            let set = set_id(reader, set)?;
            let root = root_dir(reader, set)?;
            let (dir, name) = split_path(path);
            let Some(dir) = find_dir(reader, root, dir)? else { return Ok(Vec::new()) };
            let runs = reader
                .prepare_cached(
                    "SELECT run_id FROM versions WHERE dir_id = ?1 AND name = ?2
                     ORDER BY run_id DESC",
                )?
                .query_map(params![dir, name], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            let mut book = EvidenceBook::default();
            let mut versions = Vec::new();
            for run in runs {
                versions.extend(full_version(reader, &mut book, dir, name, run)?);
            }
            Ok(versions)
        })
    }
}

/// The top folder of a set.
pub(super) fn root_dir(connection: &Connection, set: i64) -> Result<i64, CatalogError> {
    Ok(connection
        .prepare_cached("SELECT root_dir_id FROM sets WHERE id = ?1")?
        .query_row([set], |row| row.get(0))?)
}

/// Columns that [`VersionRow::from_row`] reads, of a table or query called `v`.
pub(super) const VERSION_COLUMNS: &str = "v.name, v.run_id, v.kind, v.size, v.modified, v.changed,
    v.inode, v.sha256, v.segment_id, v.sequence";

/// A row of `versions`.
#[derive(Clone, Debug)]
pub(super) struct VersionRow {
    pub name: Vec<u8>,
    pub run: i64,
    pub kind: i64,
    pub size: u64,
    pub modified: i64,
    pub changed: Option<i64>,
    pub inode: Option<i64>,
    pub sha256: Option<[u8; 32]>,
    pub copy: Option<CopyId>,
}

impl VersionRow {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let segment: Option<i64> = row.get(8)?;
        let sequence: Option<u64> = row.get(9)?;
        Ok(Self {
            name: row.get(0)?,
            run: row.get(1)?,
            kind: row.get(2)?,
            size: row.get(3)?,
            modified: row.get(4)?,
            changed: row.get(5)?,
            inode: row.get(6)?,
            sha256: row.get(7)?,
            copy: segment.zip(sequence).map(|(g, s)| CopyId::new(SegmentId(g), s)),
        })
    }

    /// The version, with the evidence of all its copies; `None` if it says that the path was gone.
    pub(super) fn into_version(
        self,
        connection: &Connection,
        book: &mut EvidenceBook,
        dir: i64,
    ) -> Result<Option<FileVersion>, CatalogError> {
        let copies = book.of_version(connection, dir, &self)?;
        self.with_copies(connection, book, copies)
    }

    /// The version, of whose copies is known how they stand; `None` if it says that the path was gone.
    pub(super) fn with_copies(
        self,
        connection: &Connection,
        book: &mut EvidenceBook,
        copies: SmallVec<[CopyStanding; 1]>,
    ) -> Result<Option<FileVersion>, CatalogError> {
        let Some(kind) = FileKind::from_code(self.kind)? else { return Ok(None) };
        let evidence = copies.iter().map(|copy| &copy.evidence).max().cloned();
        let first = self.copy.map(|copy| book.segment(connection, copy.segment())).transpose()?;
        Ok(Some(FileVersion {
            kind,
            size: ByteCount(self.size),
            modified: time_from_sql(self.modified),
            changed: self.changed.map(time_from_sql),
            inode: self.inode.map(i64::cast_unsigned),
            sha256: self.sha256.map(Sha256Digest),
            run: book.run(connection, self.run)?,
            volume: first.map(|segment| segment.volume),
            copy: self.copy,
            evidence: evidence.unwrap_or(Effective::State(EvidenceState::Planned)),
            copies,
        }))
    }
}

/// What is needed again and again while versions are read: the evidence of segments, names of runs.
#[derive(Debug, Default)]
pub(super) struct EvidenceBook {
    segments: HashMap<SegmentId, Arc<KnownSegment>>,
    runs: HashMap<i64, RunId>,
}

/// A segment as versions need it.
#[derive(Debug)]
pub(super) struct KnownSegment {
    pub volume_id: i64,
    pub volume: VolumeUuid,
    pub run: i64,
    pub copy: CopyLetter,
    pub volume_state: VolumeState,
    pub evidence: SegmentEvidence,
}

impl KnownSegment {
    /// What counts for a copy. One whose volume cannot be used is as good as failed, until it can.
    pub(super) fn effective(&self, sequence: u64) -> Effective {
        match unusable(self.volume, self.volume_state) {
            Some(reason) => Effective::Failed { reason },
            None => self.evidence.effective(sequence),
        }
    }
}

/// Why nothing on a volume in this state can be relied on.
pub(super) fn unusable(volume: VolumeUuid, state: VolumeState) -> Option<String> {
    match state {
        VolumeState::Missing => Some(format!("volume {volume} is missing")),
        VolumeState::Quarantined => Some(format!("volume {volume} is quarantined")),
        VolumeState::Erased => Some(format!("volume {volume} was erased")),
        VolumeState::Blank | VolumeState::Open | VolumeState::Closed | VolumeState::Foreign => None,
    }
}

impl EvidenceBook {
    pub(super) fn segment(
        &mut self,
        connection: &Connection,
        id: SegmentId,
    ) -> Result<Arc<KnownSegment>, CatalogError> {
        if let Some(known) = self.segments.get(&id) {
            return Ok(Arc::clone(known));
        }
        let mut known = connection
            .prepare_cached(
                "SELECT g.volume_id, v.uuid, g.run_id, g.copy_number, v.state
                 FROM segments g JOIN volumes v ON v.id = g.volume_id WHERE g.id = ?1",
            )?
            .query_row([id.0], |row| {
                Ok(KnownSegment {
                    volume_id: row.get(0)?,
                    volume: uuid_at(row, 1)?,
                    run: row.get(2)?,
                    copy: row.get(3)?,
                    volume_state: row.get(4)?,
                    evidence: SegmentEvidence::default(),
                })
            })?;
        known.evidence = load_evidence(connection, id)?;
        let known = Arc::new(known);
        self.segments.insert(id, Arc::clone(&known));
        Ok(known)
    }

    pub(super) fn run(&mut self, connection: &Connection, key: i64) -> Result<RunId, CatalogError> {
        if let Some(run) = self.runs.get(&key) {
            return Ok(run.clone());
        }
        let run = connection
            .prepare_cached("SELECT run FROM runs WHERE id = ?1")?
            .query_row([key], |row| row.get(0).map(RunId))?;
        self.runs.insert(key, run.clone());
        Ok(run)
    }

    /// How a file stands in each copy of its set.
    fn of_version(
        &mut self,
        connection: &Connection,
        dir: i64,
        version: &VersionRow,
    ) -> Result<SmallVec<[CopyStanding; 1]>, CatalogError> {
        let mut copies = Vec::new();
        for copy in copy_ids(connection, dir, version)? {
            copies.push((copy, part_of(connection, copy)?));
        }
        self.standing(connection, &copies, version.size)
    }

    /// The same for a file of that size whose copies and parts are known.
    pub(super) fn standing(
        &mut self,
        connection: &Connection,
        all: &[(CopyId, Option<CopyPart>)],
        size: u64,
    ) -> Result<SmallVec<[CopyStanding; 1]>, CatalogError> {
        // Nearly every file: one copy in one piece.
        if let [(copy, None)] = all {
            let segment = self.segment(connection, copy.segment())?;
            let evidence = segment.effective(copy.sequence());
            let only = CopyStanding { copy: segment.copy, volume: segment.volume, evidence };
            return Ok(SmallVec::from_elem(only, 1));
        }
        let mut copies: BTreeMap<CopyLetter, Pieces> = BTreeMap::new();
        for (copy, part) in all {
            let segment = self.segment(connection, copy.segment())?;
            let pieces = copies.entry(segment.copy).or_default();
            pieces.is_split |= part.is_some();
            let (offset, bytes) =
                part.as_ref().map_or((0, u64::MAX), |part| (part.offset, part.size.0));
            let piece = pieces.by_offset.entry(offset).or_default();
            piece.size = piece.size.max(bytes);
            piece.volume.get_or_insert(segment.volume);
            piece.evidence.push(segment.effective(copy.sequence()));
        }
        let standing = |(copy, pieces): (CopyLetter, Pieces)| {
            let volume = pieces.by_offset.values().find_map(|piece| piece.volume)?;
            let evidence = pieces.effective(size);
            Some(CopyStanding { copy, volume, evidence })
        };
        Ok(copies.into_iter().filter_map(standing).collect())
    }
}

/// What one copy of a set has of a file.
#[derive(Debug, Default)]
struct Pieces {
    is_split: bool,
    by_offset: BTreeMap<u64, Piece>,
}

/// A part of a file, or the whole of it.
#[derive(Debug, Default)]
struct Piece {
    size: u64,
    volume: Option<VolumeUuid>,
    evidence: Vec<Effective>,
}

impl Pieces {
    /// What counts for the file whose length is `whole`: of each part the best, of the parts the worst.
    fn effective(mut self, whole: u64) -> Effective {
        if self.is_split {
            return effective_of_file(&chain_of(self.by_offset, whole));
        }
        let first = self.by_offset.pop_first().map(|(_, piece)| piece.evidence);
        effective_of_file(&[first.unwrap_or_default()])
    }
}

/// The copies of each part in the order of the file; where a part is missing the chain ends with an
/// empty one.
fn chain_of(mut parts: BTreeMap<u64, Piece>, whole: u64) -> Vec<Vec<Effective>> {
    let mut chain = Vec::new();
    let mut next = 0_u64;
    while next < whole {
        let Some(part) = parts.remove(&next).filter(|part| part.size > 0) else {
            chain.push(Vec::new());
            break;
        };
        chain.push(part.evidence);
        next = next.saturating_add(part.size);
    }
    chain
}

/// One version with its copies and attributes; `None` if there is none or it says "gone".
pub(super) fn full_version(
    connection: &Connection,
    book: &mut EvidenceBook,
    dir: i64,
    name: &[u8],
    run: i64,
) -> Result<Option<FullVersion>, CatalogError> {
    let Some((row, attributes, detail)) = version_row(connection, dir, name, run)? else {
        return Ok(None);
    };
    let ids = copy_ids(connection, dir, &row)?;
    let Some(version) = row.into_version(connection, book, dir)? else { return Ok(None) };
    let copy = |id| {
        let placed = placed_copy(connection, book, id)?;
        let placed = placed.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(placed.record)
    };
    let copies = ids.into_iter().map(copy).collect::<Result<_, CatalogError>>()?;
    Ok(Some(FullVersion { version, copies, attributes, detail }))
}

type RowWithAttributes = (VersionRow, Vec<u8>, Option<Vec<u8>>);

fn version_row(
    connection: &Connection,
    dir: i64,
    name: &[u8],
    run: i64,
) -> Result<Option<RowWithAttributes>, CatalogError> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS}, a.content, d.content FROM versions v
         LEFT JOIN attributes a ON a.id = v.attributes_id
         LEFT JOIN details d ON d.dir_id = v.dir_id AND d.name = v.name AND d.run_id = v.run_id
         WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id = ?3"
    );
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![dir, name, run], |row| {
            let attributes: Option<Vec<u8>> = row.get(10)?;
            Ok((VersionRow::from_row(row)?, attributes.unwrap_or_default(), row.get(11)?))
        })
        .optional()?)
}
