//! Everything that is told: a stable word, how urgent it is, and how it ends.
//!
//! Words are never reused for something else: people's rules and programs are written against them.

use crate::catalog::alerts::AlertSeverity::{self, Critical, Info, Warning};

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// When it is so no more.
    ByItself,
    /// When somebody takes note of it.
    WhenNoted,
    /// It is told, and leaves no alert.
    AtOnce,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal $severity:ident $ends:ident;)*) => {
        /// A kind of alert or notice.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// How urgent it is, unless what is known of it says otherwise.
            #[must_use]
            pub fn severity(self) -> AlertSeverity {
                match self { $(Self::$name => $severity),* }
            }

            fn ends(self) -> Ends {
                match self { $(Self::$name => Ends::$ends),* }
            }
        }
    };
}

kinds! {
    /// A job has done all that was asked.
    JobCompleted = "job_completed" Info AtOnce;
    /// A job has ended and something is missing.
    JobIncomplete = "job_incomplete" Warning WhenNoted;
    /// A job could not be done.
    JobFailed = "job_failed" Warning WhenNoted;
    /// A job waits for a person.
    JobWaiting = "job_waiting" Warning ByItself;
    /// A moment of a schedule passed and its job was refused or missed.
    ScheduleMissed = "schedule_missed" Warning WhenNoted;
    /// The library does not answer.
    LibraryUnreachable = "library_unreachable" Critical ByItself;
    /// The catalog cannot be read.
    CatalogUnreadable = "catalog_unreadable" Critical ByItself;
    /// The last backup of the catalog is too old.
    CatalogBackupOld = "catalog_backup_old" Warning ByItself;
    /// The disk of the data folder is full, read-only or away.
    DataUnwritable = "data_unwritable" Critical ByItself;
    /// The newest run of a set has files that are not safe on tape.
    SetIncomplete = "set_incomplete" Critical ByItself;
    /// Nothing of a set was ever read back.
    SetNeverProven = "set_never_proven" Warning ByItself;
    /// The last proof of a set is too old.
    EvidenceOld = "evidence_old" Warning ByItself;
    /// A set has one copy.
    SingleCopy = "set_single_copy" Info ByItself;
    /// A cartridge is not what it was, or not one that was expected.
    CartridgeUnexpected = "cartridge_unexpected" Warning ByItself;
    /// A volume was set aside until it is repaired.
    CartridgeNeedsRepair = "cartridge_needs_repair" Critical ByItself;
    /// A cartridge has shown errors.
    CartridgeBad = "cartridge_bad" Warning ByItself;
    /// An encrypted pool cannot be used.
    PoolBlocked = "pool_blocked" Warning ByItself;
    /// The token for the key server ends soon, or is refused.
    KeyServerToken = "key_server_token" Warning ByItself;
    /// Data keys were found on tapes and no kit has opened them.
    KeysWaiting = "keys_waiting" Warning ByItself;
    /// A drive asks to be cleaned.
    CleaningDue = "cleaning_due" Warning ByItself;
    /// A drive reports a fault.
    DriveAlert = "drive_alert" Warning ByItself;
    /// Something tried to write to or erase what may not be changed.
    WriteRefused = "write_refused" Critical WhenNoted;
    /// A signature is bad, or of a key that nobody trusts.
    SignatureBad = "signature_bad" Critical WhenNoted;
    /// The audit log is not what was written.
    AuditBroken = "audit_broken" Critical ByItself;
    /// An update did not work and the machine went back, or it was never written whole.
    UpdateLeft = "update_left" Warning WhenNoted;
    /// The staging folder cannot be used: its disk is away or full.
    StagingUnusable = "staging_unusable" Warning ByItself;
    /// The certificate of HTTPS ends soon, or has ended.
    CertificateEnds = "certificate_ends" Warning ByItself;
    /// The last self-test found parts that are not as they should be.
    SelfTestFailed = "self_test_failed" Warning ByItself;
    /// Somebody tries a channel.
    Test = "test" Info AtOnce;
}

impl Kind {
    /// The kind that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// True if it leaves an alert.
    #[must_use]
    pub fn is_kept(self) -> bool {
        self.ends() != Ends::AtOnce
    }
}

/// The words of what ends when it is so no more.
#[must_use]
pub fn standing() -> Vec<&'static str> {
    let kinds = Kind::ALL.iter().filter(|kind| kind.ends() == Ends::ByItself);
    kinds.map(|kind| kind.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::from_word("fire"), None);
        assert!(standing().contains(&"set_single_copy") && !standing().contains(&"job_failed"));
    }
}
