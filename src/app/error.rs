//! Why a command fails, and the exit code that says so.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use super::settings::SettingsError;
use crate::api::ServerError;
use crate::api::types::Problem;
use crate::gateway::GatewayError;
use crate::system::certificate::CertificateError;

/// How a command ends. The numbers are promised in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It failed, or something is missing.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// The engine does not answer.
    Unreachable = 3,
    /// A person has to do something first.
    NeedsOperator = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Status of a refusal that a person can lift; see `api::types::Problem`.
const NEEDS_OPERATOR_STATUS: u16 = 412;

/// Why a command fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppError {
    /// Arguments that cannot be right together.
    #[error("{0}")]
    Usage(String),
    /// Nothing answers where the engine should be.
    #[error("nothing answers at {server}")]
    Unreachable {
        /// Where it was sought.
        server: String,
        #[source]
        source: io::Error,
    },
    /// The connection broke, or what answers is no engine of ours.
    #[error("{server} gave no usable answer: {why}")]
    Protocol {
        /// What was asked.
        server: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The engine refuses.
    #[error("{}", .0.message)]
    Refused(Problem),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The API cannot be served.
    #[error("the API cannot start")]
    Server(#[from] ServerError),
    /// The gateway cannot start.
    #[error("the gateway cannot start")]
    Gateway(#[from] GatewayError),
    /// HTTPS cannot be served.
    #[error("HTTPS cannot be served")]
    Certificate(#[from] CertificateError),
    /// Nobody could be told apart on a network yet.
    #[error("{0} is not a loopback address, and there are no users yet")]
    NotLoopback(SocketAddr),
    /// A part of the engine cannot start.
    #[error("{message}")]
    Start {
        /// What does not start, and on what.
        message: String,
        /// What to do.
        next_step: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A command that works without an engine failed.
    #[error("{message}")]
    Offline {
        /// What failed, on what.
        message: String,
        /// What to do.
        next_step: String,
    },
    /// A file or folder of this machine.
    #[error("{what}")]
    Io {
        /// What was done to what.
        what: String,
        #[source]
        source: io::Error,
    },
    /// The terminal or pipe does not take what is printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

impl AppError {
    /// A command without an engine failed, with every cause in its message.
    pub(super) fn offline(
        doing: &str,
        error: &dyn std::error::Error,
        next_step: impl Into<String>,
    ) -> Self {
        let message = format!("{doing}: {}", Self::chain_of(error));
        Self::Offline { message, next_step: next_step.into() }
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused(problem) if problem.status == NEEDS_OPERATOR_STATUS => {
                Exit::NeedsOperator
            }
            // The reader of a pipe that has enough is no failure.
            Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Failed,
        }
    }

    /// What to do about it, where that is known.
    pub(super) fn next_step(&self) -> Option<&str> {
        match self {
            Self::Unreachable { .. } => Some(
                "Start the engine with `fossilsafe run`, or name it with --server or FOSSILSAFE_ENGINE.",
            ),
            Self::Protocol { .. } => Some("Look at the log of the engine, then try again."),
            Self::Refused(problem) => Some(&problem.next_step),
            Self::Settings(error) => Some(error.next_step()),
            Self::Server(_) => Some("Stop the other engine, or name another socket."),
            Self::Gateway(_) => {
                Some("Stop what uses the address, or choose another: see --help for its options.")
            }
            Self::Certificate(_) => Some(
                "Put certificate.pem and key.pem right, or remove both: then one is made at the next start.",
            ),
            Self::NotLoopback(_) => Some("Use 127.0.0.1 or ::1."),
            Self::Start { next_step, .. } | Self::Offline { next_step, .. } => Some(next_step),
            Self::Usage(_) | Self::Io { .. } | Self::Print(_) => None,
        }
    }

    /// A stable name for programs.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Usage(_) => "usage",
            Self::Unreachable { .. } => "engine_unreachable",
            Self::Protocol { .. } => "answer_unusable",
            Self::Refused(problem) => &problem.code,
            Self::Settings(_) => "settings_unusable",
            Self::Server(_) => "api_not_started",
            Self::Gateway(_) => "gateway_not_started",
            Self::Certificate(_) => "certificate_unusable",
            Self::NotLoopback(_) => "not_loopback",
            Self::Start { .. } => "engine_not_started",
            Self::Offline { .. } => "offline_failed",
            Self::Io { .. } => "file_failed",
            Self::Print(_) => "print_failed",
        }
    }

    /// The message with its causes, as one line.
    pub(super) fn chain(&self) -> String {
        Self::chain_of(self)
    }

    /// Any error with its causes, as one line.
    pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
