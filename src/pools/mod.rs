//! Policy over cartridges, pure: which one is written next and why the others are not.
//!
//! Nothing here touches a device or the catalog; the caller brings what is known and gets a choice with
//! its reasons, so that a person who is asked for another cartridge is told about each that was passed
//! over.

pub mod choice;
pub mod policy;
pub mod retention;

pub use choice::{Candidate, Demand, NoCandidate, Refusal, VolumeUse, choose_volume};
pub use policy::{Encryption, KeyPlace, Pool, PoolRefusal, choose_pool};
pub use retention::Retention;
