//! The nouns that every layer shares: identities, quantities, barcodes, generations, time.
//!
//! They stand below everything so that a block number can never be taken for a count of blocks and
//! a barcode never for a serial number. Nothing here does I/O, except [`clock`], which is the only
//! place that reads the time.
//!
//! # Glossary
//!
//! One word for one thing, in code, API, console and messages alike.
//!
//! | word | meaning |
//! |---|---|
//! | cartridge | the object with a barcode |
//! | volume | the LTFS content on a cartridge, known by its UUID |
//! | medium | a cartridge in the language of the SCSI standards; only inside `scsi` and `vtl` |
//! | drive | what reads and writes a cartridge; known by its serial number |
//! | library | the box with drives, slots, mail slots and a robot |
//! | changer | the SCSI device that moves cartridges in a library |
//! | slot, mail slot | where a cartridge rests; where a person puts one in or takes one out |
//! | element | a slot, mail slot, robot or drive in the language of SMC; only `scsi`, `changer`, `vtl` |
//! | pool | cartridges used for one purpose under one policy |
//! | set | one protected thing: sources, pool and policy |
//! | run | one execution of a set's backup |
//! | segment | what one run put on one volume |
//! | copy | one file's bytes on one volume |
//! | copy A, copy B | the chains of volumes of a set that each hold all of it |
//! | index | the LTFS index: the list of everything on a volume |
//! | catalog | our SQLite database of what is on which volume |
//! | job | any long task; it survives the browser and a restart |
//! | evidence | what is proven of a copy: written, flushed, indexed, read-back, proven |

pub mod barcode;
pub mod clock;
pub mod copy_letter;
pub mod digest;
pub mod file;
pub mod generation;
pub mod ids;
pub mod lock;
mod owner_name;
pub mod peer;
pub mod problem;
pub mod secret;
pub mod source_name;
pub mod timestamp;
pub mod units;
pub mod worker;

pub use barcode::Barcode;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use copy_letter::CopyLetter;
pub use digest::Sha256Digest;
pub use file::{
    DataSegment, DeviceNumber, FileKind, FileMetadata, FileTimes, SourcePath, SourcePathError,
    Xattr,
};
pub use generation::LtoGeneration;
pub use ids::{DriveSerial, JobId, LibrarySerial, PoolName, RunId, SetName, VolumeUuid};
pub use lock::lock_alone;
pub use peer::Peer;
pub use problem::Problem;
pub use secret::Secret;
pub use source_name::{SOURCES_FOLDER, SourceName};
pub use timestamp::Timestamp;
pub use units::{BlockCount, BlockNumber, ByteCount, GIB, KIB, MIB, Partition, Position};
