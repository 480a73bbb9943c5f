//! The catalog: what is on which volume, what is proven of it, and what was asked for.
//!
//! One SQLite file. It never says more than the tapes hold: a copy counts only as far as evidence was
//! recorded for it, evidence beyond a synced checkpoint is refused, and after a kill whatever lies
//! beyond the checkpoint is discarded. If the file is lost it is rebuilt from the tapes (`rebuild`); if
//! it is damaged that is said, and it is left for a person to decide.
//!
//! Ten million files on a volume are ordinary. So evidence is kept by ranges and not by file, folders
//! are interned, extents are packed, whatever can be large is read in pages, and the search index is a
//! file of its own that is written behind the run and can be made again at any time.
//!
//! Four files beside it outlive it: who may sign in (`people`), who did what (`audit_log`), what needs
//! a person (`alerts`), and what people said of cartridges (`cartridge_notes`). They cannot be read back from tapes, so a catalog that is moved aside leaves them
//! where they are.
//!
//! `SCHEMA.md` has the tables, their writers, sizes as measured, and how to add a migration. All SQL of
//! the product is in this folder. Threads: [`Catalog`] is shared by cloning; one writer, many readers.

pub mod alerts;
pub mod audit_log;
pub mod browse;
mod cartridge_history;
mod cartridge_notes;
pub mod cartridges;
pub mod cleaning;
pub mod copies;
pub mod equipment;
pub mod error;
pub mod evidence;
mod evidence_store;
mod evidence_sums;
mod events;
pub mod extents;
pub mod files;
mod folder_copies;
mod gone;
pub mod ids;
pub mod jobs;
pub mod located;
pub mod log_lines;
mod loss;
mod open;
mod paths;
pub mod people;
pub mod previous;
mod readings;
pub mod rebuild;
pub mod run_writer;
pub mod runs;
pub mod schedules;
pub mod search;
pub mod selection;
pub mod sets;
mod settings;
pub mod side_file;
mod sizes;
pub mod snapshot;
#[cfg(test)]
mod test_support;
mod text_enum;
mod volume_browse;
mod volume_folders;
pub mod volumes;

pub use browse::{Child, ChildPage};
pub use cartridge_history::{CartridgeEvent, HistoryPlace};
pub use cartridge_notes::{CartridgeLock, CartridgeNote, NoteChange};
pub use cartridges::{CartridgeKind, CartridgeRecord, CartridgeSighting, CartridgeState, Sighted};
pub use copies::{CopyRecord, StoredCodec};
pub use equipment::{DriveRecord, LibraryRecord, MoveEnd, MoveOrder, MoveRecord, ProductIdentity};
pub use error::{CatalogError, CatalogErrorKind, Subject};
pub use evidence::{Effective, EvidenceState, SegmentEvidence};
pub use evidence_store::{EvidenceTable, OutcomeRecord};
pub use evidence_sums::{ReferredEvidence, SetProof, VolumeSums};
pub use extents::CopyExtent;
pub use files::{CopyStanding, FileKind, FileVersion, FullVersion, OutcomeState};
pub use ids::{CartridgeId, CopyId, SegmentId};
pub use jobs::{
    EventLevel, HowFar, JobEvent, JobRecord, JobRequest, JobState, Priority, RecordedEvent,
};
pub use located::LocatedCopy;
pub use loss::{LostFile, VolumeLoss};
pub use open::{Catalog, OpenCheck};
pub use previous::{PreviousEntries, PreviousEntry};
pub use rebuild::{RebuiltRun, SegmentTakeover};
pub use run_writer::{CopyCodec, CopyPart, NewCopy, NotStored, RunWriter};
pub use runs::{AsOf, Checkpoint, FileTotals, NewRun, RunKind, RunRecord, RunState, SegmentRecord};
pub use schedules::{
    ScheduleEvent, ScheduleEventKind, ScheduleProgress, ScheduleRecord, ScheduledStart,
};
pub use search::{SearchCursor, SearchHit, SearchPage, SearchQuery, SearchStatus};
pub use selection::{
    Choosing, ItemKey, ItemState, SelectionItem, SelectionRequest, SelectionTotals, VolumeShare,
};
pub use sets::SetRecord;
pub use side_file::StoreError;
pub use sizes::CatalogSizes;
pub use text_enum::UnknownWord;
pub use volume_browse::{VolumeEntry, VolumePage};
pub use volumes::{IndexGeneration, NewVolume, SetPlace, VolumeRecord, VolumeState};

#[cfg(test)]
mod tests;
