//! The library as it stands: its changer, its elements and its drives.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Barcode, DriveSerial, JobId, LibrarySerial, LtoGeneration, Timestamp};

/// Everything that holds or reads a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryView {
    /// True if the library is files in a folder.
    pub is_practice: bool,
    /// The changer; a drive that stands alone has none.
    pub changer: Option<ChangerView>,
    /// Slots, mail slots, drives and robots, in that order, by number.
    pub elements: Vec<ElementView>,
    /// The drives that can be used.
    pub drives: Vec<DriveView>,
    /// When the elements were last looked at.
    pub inventory_taken: Option<Timestamp>,
}

/// The device that moves cartridges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangerView {
    /// From the device.
    pub serial: LibrarySerial,
    /// From the device.
    pub vendor: String,
    /// From the device.
    pub product: String,
    /// Its firmware.
    pub revision: String,
}

/// A place that can hold a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElementView {
    /// What it is.
    pub kind: ElementKind,
    /// Counted from 0 within its kind.
    pub number: u16,
    /// The device's own number for it.
    pub address: u16,
    /// True if a cartridge is in it.
    pub is_full: bool,
    /// The cartridge's barcode, if it could be read.
    pub barcode: Option<Barcode>,
    /// False if the robot cannot get there.
    pub is_accessible: bool,
    /// What is wrong with it, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// What an element is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ElementKind {
    /// Where a cartridge rests.
    Slot,
    /// Where a person puts one in or takes one out.
    MailSlot,
    /// A drive.
    Drive,
    /// The robot's hand.
    Robot,
}

impl ElementKind {
    /// In a person's words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::MailSlot => "mail slot",
            Self::Drive => "drive",
            Self::Robot => "robot",
        }
    }
}

/// A drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveView {
    /// Its number among the library's drives, counted from 0; a drive that stands alone has none.
    pub number: Option<u16>,
    /// The only name that never changes.
    pub serial: DriveSerial,
    /// From the device.
    pub vendor: String,
    /// From the device.
    pub product: String,
    /// Its firmware.
    pub revision: String,
    /// What it writes.
    pub generation: Option<LtoGeneration>,
    /// What it is doing.
    pub state: DriveState,
    /// The cartridge in it.
    pub barcode: Option<Barcode>,
    /// The job that holds it.
    pub job: Option<JobId>,
    /// Since when somebody holds it.
    #[serde(default)]
    pub held_since: Option<Timestamp>,
    /// What it complains of, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
}

/// Who has reserved a drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationView {
    /// The drive.
    pub drive: DriveSerial,
    /// Whose it is.
    pub holder: ReservationHolder,
    /// The other host's key, as 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Whose a drive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationHolder {
    /// Nobody has reserved it.
    Nobody,
    /// A job here uses it, or left a cartridge in it.
    ThisAppliance,
    /// Another host has reserved it.
    AnotherHost,
}

/// Takes a drive from another host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakeDriveRequest {
    /// That host's key, typed by a person who knows that it does not need the drive.
    pub take_from: String,
}

/// What a drive is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriveState {
    /// No cartridge in it.
    Empty,
    /// A cartridge in it and no job.
    Loaded,
    /// A job holds it.
    Busy,
    /// It must be cleaned before it is used.
    NeedsCleaning,
    /// It does not answer or must not be used.
    Failed,
}

impl DriveState {
    /// In a person's words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Loaded => "loaded",
            Self::Busy => "busy",
            Self::NeedsCleaning => "needs cleaning",
            Self::Failed => "failed",
        }
    }
}
