//! What is wrong with a schedule as it was written.

/// Why a schedule cannot be used. Each names what was written and how it is written right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The pattern cannot be read.
    #[error(
        "\"{pattern}\" is no schedule: {reason}; write minute, hour, day, month and weekday, with seconds \
         before them where they are wanted: \"30 2 * * *\" is half past two every night"
    )]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such time zone.
    #[error("\"{0}\" is no time zone: write one as \"Europe/Berlin\" or \"UTC\"")]
    Zone(String),
    /// The pattern has no moment, such as 30 February.
    #[error("\"{0}\" never comes: no day fits it")]
    Never(String),
    /// A window that lasts no time or longer than it may.
    #[error("a window of {0} minutes: it must last from 1 minute to 7 days")]
    Window(u32),
    /// More attempts than may be.
    #[error(
        "{attempts} attempts {after_minutes} minutes apart: at most 20, 1 to 1440 minutes apart"
    )]
    Retries {
        /// How many.
        attempts: u32,
        /// How far apart.
        after_minutes: u32,
    },
}
