//! Updates behind the API: asked of the service that changes slots; said where there are none.
//!
//! The engine receives a bundle and leaves it where the service takes it over. It knows which jobs are at
//! work, so it is the engine that refuses to install or restart under them.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::Service;
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{
    HealthStatus, InstallUpdateRequest, UpdateChannelRequest, UpdatesState, VersionFigures,
};
use crate::app::error::AppError;
use crate::system::updates::{
    BUNDLE_BYTES_MAX, ChannelSettings, UpdateOrder, UpdatesError, UpdatesErrorKind, ask_update,
    has_room,
};
use crate::system::{Boot, SystemError, Version};

/// Where a bundle that is uploaded is left, in the engine's folder.
const INBOX_FOLDER: &str = "update-inbox";
const INBOX_FILE: &str = "bundle.raucb";
/// The service takes it from there as root; nobody else has to see it.
const INBOX_MODE: u32 = 0o700;
const PIECE_BYTES: usize = 256 * 1024;
/// So often is looked whether there is still room.
const PIECES_A_LOOK: u32 = 64;

/// Who changes slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum UpdatesDoor {
    /// The service that answers at this socket, if this machine has slots.
    Service(PathBuf),
    /// Nobody: this is a program that a person has started.
    Nowhere,
}

/// The updates of an engine.
#[derive(Debug)]
pub(super) struct Updates {
    /// The service, or what to do instead.
    service: Result<PathBuf, &'static str>,
    inbox: PathBuf,
}

impl Updates {
    pub(super) fn open(door: &UpdatesDoor, data: &Path) -> Self {
        let service = match door {
            UpdatesDoor::Nowhere => {
                Err("Put the newer program in the place of this one, and start it again.")
            }
            UpdatesDoor::Service(socket) => match Boot::read(Path::new("/")) {
                Err(SystemError::NoSlots) => {
                    Err("Install the newer package: apt install ./fossilsafe_VERSION_amd64.deb.")
                }
                _ => Ok(socket.clone()),
            },
        };
        Self { service, inbox: data.join(INBOX_FOLDER) }
    }

    fn ask(&self, order: &UpdateOrder) -> Result<UpdatesState, EngineError> {
        match (&self.service, order) {
            (Ok(socket), _) => ask_update(socket, order).map_err(|error| refusal(&error)),
            (Err(instead), UpdateOrder::State) => {
                Ok(UpdatesState::without_slots(Version::of_program(), (*instead).to_owned()))
            }
            (Err(instead), _) => Err(EngineError::new(
                Kind::Conflict,
                "updates_no_slots",
                "This machine was not started from an image with slots.",
                *instead,
            )),
        }
    }

    /// Writes what comes to the inbox, where it appears whole or not at all.
    fn receive(&self, from: &mut dyn Read) -> Result<(), EngineError> {
        let part = self.inbox.join("part");
        let written = self.write_part(from, &part);
        if written.is_err() {
            // It would only take room; why it failed is what counts.
            let _ = fs::remove_file(&part);
        }
        written?;
        let moved = fs::rename(&part, self.inbox.join(INBOX_FILE));
        moved.map_err(|error| unwritable(&error))
    }

    fn write_part(&self, from: &mut dyn Read, part: &Path) -> Result<(), EngineError> {
        let made = fs::DirBuilder::new().recursive(true).mode(INBOX_MODE).create(&self.inbox);
        let mut file =
            made.and_then(|()| File::create(part)).map_err(|error| unwritable(&error))?;
        let mut piece = vec![0; PIECE_BYTES];
        let (mut pieces, mut bytes) = (0_u32, 0_u64);
        loop {
            let count = from.read(&mut piece).map_err(|error| broken_off(&error))?;
            if count == 0 {
                break;
            }
            bytes += u64::try_from(count).unwrap_or(u64::MAX);
            let is_look = pieces.is_multiple_of(PIECES_A_LOOK);
            let has_room = !is_look || has_room(part, 0).unwrap_or(true);
            if bytes > BUNDLE_BYTES_MAX || !has_room {
                return Err(refusal(&UpdatesError::NoRoom));
            }
            pieces = pieces.wrapping_add(1);
            file.write_all(&piece[..count]).map_err(|error| unwritable(&error))?;
        }
        file.sync_all().map_err(|error| unwritable(&error))
    }
}

impl Service {
    pub(super) fn updates_state(&self) -> Result<UpdatesState, EngineError> {
        self.order_update(&UpdateOrder::State)
    }

    pub(super) fn order_update(&self, order: &UpdateOrder) -> Result<UpdatesState, EngineError> {
        let state = self.updates.ask(order)?;
        Ok(UpdatesState { jobs_active: self.health_view().jobs_active, ..state })
    }

    /// What runs, and what is in the other slot; nothing if the service does not answer.
    pub(super) fn version_figures(&self) -> Vec<VersionFigures> {
        let Ok(state) = self.updates.ask(&UpdateOrder::State) else { return Vec::new() };
        if !state.has_slots {
            let (slot, version) = (String::new(), state.version.to_string());
            return vec![VersionFigures { slot, version, is_running: true }];
        }
        let slots = state.slots.into_iter().filter_map(|slot| {
            let (name, version) = (slot.name.to_string(), slot.version?.to_string());
            Some(VersionFigures { slot: name, version, is_running: slot.is_booted })
        });
        slots.collect()
    }

    pub(super) fn taken_bundle(&self, from: &mut dyn Read) -> Result<UpdatesState, EngineError> {
        if self.updates.service.is_ok() {
            self.updates.receive(from)?;
        }
        self.order_update(&UpdateOrder::TakeBundle)
    }

    pub(super) fn begin_update(
        &self,
        request: InstallUpdateRequest,
    ) -> Result<UpdatesState, EngineError> {
        self.ensure_idle(request.during_jobs)?;
        self.order_update(&UpdateOrder::Install {
            is_older_allowed: request.allow_older,
            was_sound: self.health_view().status != HealthStatus::Failed,
        })
    }

    /// No job is at work, or that does not matter.
    pub(super) fn ensure_idle(&self, during_jobs: bool) -> Result<(), EngineError> {
        match self.health_view().jobs_active {
            active if active > 0 && !during_jobs => Err(EngineError::new(
                Kind::Conflict,
                "update_jobs_active",
                format!("{active} jobs are at work."),
                "Wait for them, or ask for it during jobs: they go on from a safe point.",
            )),
            _ => Ok(()),
        }
    }
}

pub(super) fn set_channel(request: Option<&UpdateChannelRequest>) -> UpdateOrder {
    let settings = request.cloned().map(|request| {
        let UpdateChannelRequest { address, name, key_pem, is_automatic, ca_pem } = request;
        ChannelSettings { address, name, key_pem, is_automatic, ca_pem }
    });
    UpdateOrder::SetChannel { settings }
}

fn refusal(error: &UpdatesError) -> EngineError {
    let (kind, code) = match error.kind() {
        UpdatesErrorKind::NoSlots => (Kind::Conflict, "updates_no_slots"),
        UpdatesErrorKind::Busy => (Kind::Conflict, "update_running"),
        UpdatesErrorKind::NoBundle => (Kind::Conflict, "update_no_bundle"),
        UpdatesErrorKind::Refused => (Kind::Invalid, "update_refused"),
        UpdatesErrorKind::NotNewer => (Kind::Conflict, "update_not_newer"),
        UpdatesErrorKind::NothingBefore => (Kind::Conflict, "update_nothing_before"),
        UpdatesErrorKind::ChannelNotSet => (Kind::Conflict, "update_channel_not_set"),
        UpdatesErrorKind::Malformed => (Kind::Invalid, "update_channel_malformed"),
        UpdatesErrorKind::Channel => (Kind::Conflict, "update_channel_unusable"),
        UpdatesErrorKind::NoRoom => (Kind::Conflict, "update_no_room"),
        UpdatesErrorKind::Machine => (Kind::Unavailable, "updates_unavailable"),
    };
    EngineError::new(kind, code, AppError::chain_of(error), error.next_step())
}

fn unwritable(error: &io::Error) -> EngineError {
    if error.kind() == io::ErrorKind::StorageFull {
        return refusal(&UpdatesError::NoRoom);
    }
    EngineError::new(
        Kind::Unavailable,
        "updates_unavailable",
        format!("The bundle cannot be kept: {error}"),
        "Look whether the data partition is mounted and writable.",
    )
}

fn broken_off(error: &io::Error) -> EngineError {
    EngineError::new(
        Kind::Invalid,
        "request_invalid",
        format!("The bundle did not come whole: {error}"),
        "Send it again.",
    )
}
