//! Files of an appliance that another service keeps, and hands over when a backup is made.
//!
//! The engine cannot see the folders of these services, and need not: what belongs in a backup is asked for and is in
//! memory until it is sealed. A service that is away is no reason to make no backup; that something is missing in it is
//! said.

use std::fmt;

use crate::domain::Secret;

/// A file that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedFile {
    /// Its path in the backup.
    pub name: String,
    /// What is in it.
    pub content: Secret,
}

/// A service that keeps files of the appliance.
pub trait KeptElsewhere: fmt::Debug + Send + Sync {
    /// What it keeps, as people call it: "the passwords of network sources".
    fn what(&self) -> &str;

    /// Its files as they are now; none if it keeps nothing of a person's.
    ///
    /// # Errors
    /// The service is away, or cannot read what it keeps.
    fn hand_over(&self) -> Result<Vec<HandedFile>, NotHandedOver>;
}

/// Why a service hands nothing over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotHandedOver(pub String);
