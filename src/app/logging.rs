//! The log: the journal when systemd started us, standard error otherwise.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::kept_log::{Keeper, kept_log};
use super::settings::SettingsError;

/// Starts logging what `filter` lets through. `RUST_LOG` wins over it.
pub(super) fn start(filter: &str) -> Result<(), SettingsError> {
    let chosen = std::env::var("RUST_LOG").unwrap_or_else(|_| filter.to_owned());
    // Levels by module are enough: a filter by fields would bring a regular expression engine with it.
    let filter: Targets = chosen
        .parse()
        .map_err(|error| SettingsError::Value { key: "log", why: format!("{error}") })?;
    let registry = tracing_subscriber::registry().with(filter).with(Keeper::of(kept_log()));
    // The journal adds time and level itself; text over its pipe would hide both.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    // A second start in one process happens in tests only, and keeps the first log.
    let _ = match journal {
        Some(journal) => registry.with(journal).try_init(),
        None => {
            let text = fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal());
            registry.with(text).try_init()
        }
    };
    Ok(())
}
