//! What the engine asks the service for updates, and how that is answered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::channel_store::ChannelSettings;
use super::updater::{InstallOptions, Updater};
use super::{UpdatesError, UpdatesErrorKind, UpdatesState};
use crate::system::line::{exchange, line_of};

/// The channel is given up before, and a bundle's signature is looked at within seconds.
const ANSWER_TIME: Duration = Duration::from_secs(240);

/// What the service is asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum UpdateOrder {
    /// Say how everything stands.
    State,
    /// Take over the bundle that the engine has received.
    TakeBundle,
    /// Ask the channel.
    Check,
    /// Begin to install.
    Install {
        /// Also what is not newer.
        is_older_allowed: bool,
        /// Whether the engine can do its work now.
        was_sound: bool,
    },
    /// Restart the machine.
    Restart,
    /// Make the other slot the next.
    RollBack,
    /// Set the channel, or take it away.
    SetChannel {
        /// Where newer versions are looked for.
        settings: Option<ChannelSettings>,
    },
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// How everything stands after it.
    State(Box<UpdatesState>),
    /// It cannot be done.
    Problem { kind: UpdatesErrorKind, message: String },
}

impl UpdateOrder {
    fn carry_out(self, updater: &Arc<Updater>, inbox: &Path) -> Result<UpdatesState, UpdatesError> {
        match self {
            Self::State => updater.state(),
            Self::TakeBundle => updater.take_bundle(inbox),
            Self::Check => updater.check(),
            Self::Install { is_older_allowed, was_sound } => {
                let options = InstallOptions { is_older_allowed, was_sound };
                updater.ensure_installable(options)?;
                let working = Arc::clone(updater);
                // Its end is in the state; nobody waits for minutes on a socket.
                std::thread::spawn(move || match working.install(options) {
                    Ok(version) => tracing::info!(%version, "installed"),
                    Err(error) => tracing::error!(error = error.whole(), "not installed"),
                });
                updater.state()
            }
            Self::Restart => updater.restart(),
            Self::RollBack => updater.roll_back(),
            Self::SetChannel { settings } => updater.set_channel(settings),
        }
    }
}

/// The answer to a line that was received; ends with a line feed. `inbox` is where the engine leaves bundles.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer_update(
    updater: &Arc<Updater>,
    inbox: &Path,
    line: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let order: UpdateOrder = serde_json::from_slice(line)?;
    line_of(&match order.carry_out(updater, inbox) {
        Ok(state) => Reply::State(Box::new(state)),
        Err(error) => Reply::Problem { kind: error.kind(), message: error.whole() },
    })
}

/// Asks the service at `socket`. Blocks until it has answered.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_update(socket: &Path, order: &UpdateOrder) -> Result<UpdatesState, UpdatesError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::State(state)) => Ok(*state),
        Ok(Reply::Problem { kind, message }) => Err(UpdatesError::Told { kind, message }),
        Err(source) => Err(UpdatesError::Service { socket: socket.to_owned(), source }),
    }
}
