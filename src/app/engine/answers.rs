//! What answers have in common: refusals with their next step, and pages of lists held in memory.

use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{Page, PageRequest};
use crate::catalog::{CatalogError, CatalogErrorKind};
use crate::domain::Barcode;
use crate::health::{HealthError, HealthErrorKind};
use crate::jobs::JobError;
use crate::pools::PoolRefusal;

/// A refusal for what the catalog says.
pub(super) fn catalog(error: CatalogError) -> EngineError {
    let message = error.to_string();
    match error {
        CatalogError::NotFound(_) => EngineError::new(
            Kind::NotFound,
            "unknown",
            message,
            "See `fossilsafe set list`, `fossilsafe cartridge list` and `fossilsafe job list` for what there is.",
        ),
        CatalogError::Exists(_) => EngineError::new(
            Kind::Conflict,
            "exists",
            message,
            "Choose another name, or change the one that there is.",
        ),
        CatalogError::Transition { .. } => EngineError::new(
            Kind::Conflict,
            "wrong_state",
            message,
            "Look at its state with `fossilsafe job show`.",
        ),
        CatalogError::BadQuery(_) | CatalogError::BadPath { .. } => {
            EngineError::new(Kind::Invalid, "bad_request", message, "Correct the request.")
        }
        other if other.kind() == CatalogErrorKind::Corrupt => EngineError::new(
            Kind::Corrupt,
            "catalog_damaged",
            message,
            "Run `fossilsafe catalog check`; if it is damaged, rebuild it from the tapes.",
        ),
        _ => EngineError::new(
            Kind::Unavailable,
            "catalog_unavailable",
            message,
            "Check the disk of the data folder, then try again.",
        ),
    }
}

/// A refusal for what the jobs say.
pub(super) fn job(error: JobError) -> EngineError {
    match error {
        JobError::Catalog(error) => catalog(error),
        JobError::Keys(error) if error.vault().is_some() => super::keys::refused(error),
        other => {
            let kind = match &other {
                JobError::Unknown { .. } => Kind::NotFound,
                JobError::Restore(_) | JobError::Destination { .. } | JobError::Source(_) => {
                    Kind::Invalid
                }
                JobError::Pool(PoolRefusal::Unknown(_)) => Kind::NotFound,
                JobError::Pool(PoolRefusal::Retention(_)) => Kind::Invalid,
                JobError::Pool(_) => Kind::Conflict,
                JobError::Bug(_) => Kind::Bug,
                _ => Kind::Unavailable,
            };
            let failure = other.failure();
            EngineError::new(kind, "job_refused", failure.message, failure.next_step)
        }
    }
}

/// A refusal for what alerts and channels say.
pub(super) fn health(error: HealthError) -> EngineError {
    let message = error.to_string();
    let (kind, code, next_step) = match error.kind() {
        HealthErrorKind::NotFound => (
            Kind::NotFound,
            "unknown",
            "See `fossilsafe alert list` and `fossilsafe channel list`.",
        ),
        HealthErrorKind::Invalid => (
            Kind::Invalid,
            "bad_channel",
            "Correct what the message names and set the channel again.",
        ),
        HealthErrorKind::Conflict => {
            (Kind::Conflict, "channel_secret", "Set the channel again with its secret.")
        }
        HealthErrorKind::Unavailable => (
            Kind::Unavailable,
            "alerts_unavailable",
            "Check the disk of the data folder, then try again.",
        ),
        HealthErrorKind::Corrupt => (
            Kind::Corrupt,
            "alerts_damaged",
            "Put a copy of alerts.db back, or move it away and start again: channels have to be set anew.",
        ),
    };
    EngineError::new(kind, code, message, next_step)
}

/// Nobody knows that barcode.
pub(super) fn unknown_cartridge(barcode: &Barcode) -> EngineError {
    EngineError::new(
        Kind::NotFound,
        "cartridge_unknown",
        format!("no cartridge {barcode} is known"),
        "If it is in the library, run `fossilsafe library inventory`.",
    )
}

/// A page of a list that is held whole; the cursor is a count of items.
pub(super) fn page<T>(items: Vec<T>, request: &PageRequest) -> Result<Page<T>, EngineError> {
    let from = offset(request)?;
    let total = items.len();
    let items: Vec<T> = items.into_iter().skip(from).take(request.limit).collect();
    let end = from + items.len();
    let next = (end < total).then(|| end.to_string());
    Ok(Page { items, next })
}

/// The number that a cursor holds; 0 for the first page.
pub(super) fn offset<N: std::str::FromStr + Default>(
    request: &PageRequest,
) -> Result<N, EngineError> {
    match &request.after {
        None => Ok(N::default()),
        Some(cursor) => cursor.parse().map_err(|_| bad_cursor(cursor)),
    }
}

/// That is not where a page of this list ended.
pub(super) fn bad_cursor(cursor: &str) -> EngineError {
    EngineError::new(
        Kind::Invalid,
        "bad_cursor",
        format!("\"{cursor}\" is no cursor of this list"),
        "Use the `next` of the page before.",
    )
}
