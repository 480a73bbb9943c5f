//! Network sources behind the API: asked of the service that mounts them, or mounted by this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::jobs::ACTIVE;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{SourceRequest, SourceState};
use crate::app::error::AppError;
use crate::domain::SourceName;
use crate::jobs::JobSpec;
use crate::jobs::runner::spec_of;
use crate::system::sources::{Keeper, Order, SourceSpec, SourcesError, SourcesErrorKind, ask};

/// Who mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum SourcesDoor {
    /// The service that answers at this socket.
    Service(PathBuf),
    /// This process, which may; what it mounts is kept in this folder.
    Here(PathBuf),
}

/// The sources of an engine.
#[derive(Debug)]
pub(super) enum Sources {
    Service(PathBuf),
    Here(Arc<Keeper>),
}

impl Sources {
    pub(super) fn open(door: &SourcesDoor) -> Result<Self, AppError> {
        let folder = match door {
            SourcesDoor::Service(socket) => return Ok(Self::Service(socket.clone())),
            SourcesDoor::Here(folder) => folder,
        };
        let keeper = Keeper::open(folder).map_err(|error| AppError::Start {
            message: "the network sources cannot be read".to_owned(),
            next_step: "Put the file back from a copy, or move it away and describe them again."
                .to_owned(),
            source: Some(Box::new(error)),
        })?;
        let keeper = Arc::new(keeper);
        let mounting = Arc::clone(&keeper);
        // A server that is away takes its time to be given up; nobody waits for it here.
        std::thread::spawn(move || mounting.mount_all());
        Ok(Self::Here(keeper))
    }

    pub(super) fn states(&self) -> Result<Vec<SourceState>, EngineError> {
        self.carry_out(Order::List)
    }

    pub(super) fn put(
        &self,
        name: &SourceName,
        request: SourceRequest,
    ) -> Result<SourceState, EngineError> {
        let SourceRequest { place, is_writable, password } = request;
        let spec = SourceSpec { place, is_writable };
        self.one(Order::Put { name: name.clone(), spec, password })
    }

    pub(super) fn remove(&self, name: &SourceName) -> Result<(), EngineError> {
        self.carry_out(Order::Remove { name: name.clone() }).map(drop)
    }

    pub(super) fn mount(&self, name: &SourceName) -> Result<SourceState, EngineError> {
        self.one(Order::Mount { name: name.clone() })
    }

    /// Mounts the source that a path lies in, if it lies in one.
    pub(super) fn ensure_mounted(&self, path: &Path) -> Result<(), EngineError> {
        SourceName::of_path(path).map_or(Ok(()), |name| self.mount(&name).map(drop))
    }

    fn one(&self, order: Order) -> Result<SourceState, EngineError> {
        let state = self.carry_out(order)?.into_iter().next();
        state.ok_or_else(|| {
            let message = "The service that mounts sources answered nothing.";
            EngineError::new(Kind::Bug, "bug", message, "Report it with the log.")
        })
    }

    fn carry_out(&self, order: Order) -> Result<Vec<SourceState>, EngineError> {
        let done = match self {
            Self::Service(socket) => ask(socket, &order),
            Self::Here(keeper) => order.carry_out(keeper),
        };
        done.map_err(|error| refusal(&error))
    }
}

fn refusal(error: &SourcesError) -> EngineError {
    let (kind, code) = match error.kind() {
        SourcesErrorKind::Unknown => (Kind::NotFound, "source_unknown"),
        SourcesErrorKind::Malformed => (Kind::Invalid, "source_malformed"),
        SourcesErrorKind::Away => (Kind::Conflict, "source_away"),
        SourcesErrorKind::Refused => (Kind::Conflict, "source_refused"),
        SourcesErrorKind::HostKey => (Kind::Conflict, "source_host_key"),
        SourcesErrorKind::Machine => (Kind::Unavailable, "sources_unavailable"),
    };
    EngineError::new(kind, code, AppError::chain_of(error), error.next_step())
}

impl Service {
    /// No job reads files of that source, or is about to.
    pub(super) fn is_source_free(&self, name: &SourceName) -> Result<(), EngineError> {
        for state in ACTIVE {
            for job in self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)? {
                let is_in_it = |path: &PathBuf| SourceName::of_path(path).as_ref() == Some(name);
                let is_user = match spec_of(&job) {
                    Ok(JobSpec::Backup(spec)) => spec.paths.iter().any(is_in_it),
                    Ok(JobSpec::Restore(spec)) => is_in_it(&spec.destination),
                    Ok(JobSpec::CatalogBackup(spec)) => is_in_it(&spec.folder),
                    _ => false,
                };
                if is_user {
                    let id = job.id;
                    return Err(EngineError::new(
                        Kind::Conflict,
                        "source_in_use",
                        format!("Job {id} uses the source {name}; it is {state}."),
                        format!("Wait for it, or end it with `fossilsafe job cancel {id}`."),
                    ));
                }
            }
        }
        Ok(())
    }
}
