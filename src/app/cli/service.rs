//! `fossilsafe run`, `fossilsafe engine` and `fossilsafe gateway`: the services.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::network::NETWORK_SOCKET;
use super::output::Output;
use super::size::parse_size;
use super::streaming::STAGING_SOCKET;
use super::update::UPDATE_SOCKET;
use crate::app::door::SOCKET_SYSTEM;
use crate::app::engine::{
    CatalogStart, CertificateDoor, Doors, HandoverDoor, HoldJobs, Keeping, NetworkDoor,
    SourcesDoor, StagingDoor, UpdatesDoor,
};
use crate::app::error::{AppError, Exit};
use crate::app::logging;
use crate::app::serve::{self, Addresses, EngineStart, GatewayStart, IfBroken};
use crate::app::settings::{LibraryChoice, PracticeTime, Settings};
use crate::domain::ByteCount;
use crate::gateway::{Hsts, Limits};

/// Where an appliance keeps everything.
pub(super) const DATA_SYSTEM: &str = "/var/lib/fossilsafe";
/// Where a user keeps it, below the home folder.
const DATA_USER: &str = ".local/share/fossilsafe";
/// Where an appliance's service for network sources answers.
pub(super) const SOURCES_SOCKET: &str = "/run/fossilsafe-sources/sources.sock";
/// The folder of network sources in the data folder of an engine that mounts them itself.
const SOURCES_FOLDER: &str = "sources";
/// For how long browsers remember that they are to use HTTPS: what lists of such sites ask for.
const HSTS_TIME: Duration = Duration::from_secs(365 * 86_400);

/// What an engine is started with, by itself or not.
#[derive(Debug, Args)]
pub(super) struct EngineOptions {
    /// Folder of catalog, keys, settings and practice cartridges
    /// [default: /var/lib/fossilsafe for root, ~/.local/share/fossilsafe for others]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use the practice library: drives and cartridges are files in the data folder
    #[arg(long, conflicts_with = "devices")]
    practice_library: bool,
    /// Use the tape devices of this machine
    #[arg(long)]
    devices: bool,
    /// Capacity of each practice cartridge, when the practice library is made
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    practice_capacity: Option<ByteCount>,
    /// What takes as long with the practice library as with one of iron
    #[arg(long, value_enum, value_name = "WHAT")]
    practice_takes_time: Option<PracticeTime>,
    /// Folder on a fast disk that continues the memory between source and drive
    #[arg(long, value_name = "DIR")]
    staging_folder: Option<PathBuf>,
    /// Space that is reserved in the staging folder while a backup writes [default: 64GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    staging_size: Option<ByteCount>,
    /// If the catalog is damaged, move it aside and begin an empty one; `catalog rebuild` then fills it
    /// from the tapes
    #[arg(long)]
    set_aside_catalog: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    engine: EngineOptions,
    /// Address of the API; loopback only
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(super) struct EngineArguments {
    #[command(flatten)]
    engine: EngineOptions,
    /// The Unix socket on which the API is answered
    #[arg(long, value_name = "PATH", default_value = SOCKET_SYSTEM)]
    socket: PathBuf,
    /// The Unix socket of the service that mounts network sources
    #[arg(long, value_name = "PATH", default_value = SOURCES_SOCKET)]
    sources: PathBuf,
    /// The Unix socket of the service that installs updates
    #[arg(long, value_name = "PATH", default_value = UPDATE_SOCKET)]
    updates: PathBuf,
    /// The Unix socket of the service that sets the network
    #[arg(long, value_name = "PATH", default_value = NETWORK_SOCKET)]
    network: PathBuf,
    /// The Unix socket of the service that makes a disk the staging disk
    #[arg(long, value_name = "PATH", default_value = STAGING_SOCKET)]
    staging: PathBuf,
    /// The Unix socket of the gateway, which hands over its certificate for catalog backups and takes
    /// orders about it
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
    /// If what it keeps cannot be opened, answer with the reason and try again, instead of ending
    #[arg(long)]
    stay: bool,
    /// If this file exists, no job and no schedule is started by itself; jobs that were at work stay queued
    #[arg(long, value_name = "FILE")]
    hold_jobs_if: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct GatewayArguments {
    /// The Unix socket of the engine
    #[arg(long, value_name = "PATH", default_value = SOCKET_SYSTEM)]
    engine: PathBuf,
    /// Folder of the certificate, in `tls`: one is made at the first start; put your own
    /// certificate.pem and key.pem there and send SIGHUP
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A Unix socket on which the engine gives orders about the certificate, and is handed your own one for
    /// catalog backups; whoever can open it may do so
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Address for HTTP
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8080")]
    http: SocketAddr,
    /// Address for HTTPS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8443")]
    https: SocketAddr,
    /// Tell browsers to come back over HTTPS only; for a certificate that they know
    #[arg(long)]
    hsts: bool,
    /// Largest request that is passed on
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    body_max: Option<ByteCount>,
    /// Requests a second that one address may ask for long; twice as many at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_second: Option<u32>,
    /// How long a client may take for the next piece of a request or an answer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    stall_seconds: Option<u16>,
    /// What is logged, in the syntax of RUST_LOG
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// Runs engine and gateway until a signal.
pub(super) fn run(arguments: &RunArguments, output: &Output) -> Result<Exit, AppError> {
    let mut start = arguments.engine.start()?;
    if nix::unistd::geteuid().is_root() {
        start.doors.sources = SourcesDoor::Here(start.data.join(SOURCES_FOLDER));
    }
    if let Some(listen) = arguments.listen {
        start.settings.listen = listen;
    }
    logging::start(&start.settings.log)?;
    let data = start.data.clone();
    let on_ready = |addresses: Addresses| {
        // The log says the same; a terminal shows this without a level and a time before it.
        let address = addresses.http;
        let _ = if output.is_json {
            output.json(&serde_json::json!({ "listen": address.to_string(), "data": data }))
        } else {
            let data = data.display();
            output.line(&format!("FossilSafe answers on http://{address}; its data is in {data}."))
        };
    };
    runtime()?.block_on(serve::run(start, on_ready))?;
    Ok(Exit::Done)
}

/// Runs an engine until a signal.
pub(super) fn run_engine(arguments: &EngineArguments, output: &Output) -> Result<Exit, AppError> {
    let mut start = arguments.engine.start()?;
    let sources = absolute(&arguments.sources)?;
    start.doors.sources = SourcesDoor::Service(sources.clone());
    start.doors.elsewhere.push(HandoverDoor { keeping: Keeping::Sources, socket: sources });
    if let Some(gateway) = &arguments.gateway {
        let socket = absolute(gateway)?;
        start.doors.certificate = CertificateDoor::Gateway(socket.clone());
        let door = HandoverDoor { keeping: Keeping::Gateway, socket };
        start.doors.elsewhere.push(door);
    }
    start.doors.updates = UpdatesDoor::Service(absolute(&arguments.updates)?);
    start.doors.network = NetworkDoor::Service(absolute(&arguments.network)?);
    start.doors.staging = StagingDoor::Service(absolute(&arguments.staging)?);
    if arguments.hold_jobs_if.as_deref().is_some_and(std::path::Path::exists) {
        start.doors.hold = HoldJobs::Yes;
    }
    logging::start(&start.settings.log)?;
    let socket = absolute(&arguments.socket)?;
    let on_ready = || {
        let _ = if output.is_json {
            output.json(&serde_json::json!({ "socket": socket }))
        } else {
            output.line(&format!("The engine answers at {}.", socket.display()))
        };
    };
    let if_broken = if arguments.stay { IfBroken::Stay } else { IfBroken::End };
    runtime()?.block_on(serve::engine(start, &socket, if_broken, on_ready))?;
    Ok(Exit::Done)
}

/// Runs a gateway until a signal.
pub(super) fn run_gateway(arguments: &GatewayArguments, output: &Output) -> Result<Exit, AppError> {
    logging::start(&arguments.log)?;
    let mut limits = Limits::default();
    if let Some(bytes) = arguments.body_max {
        limits.body_bytes_max = bytes.0;
    }
    if let Some(rate) = arguments.requests_per_second {
        limits.requests_per_second = f64::from(rate);
        limits.requests_burst = 2.0 * f64::from(rate);
    }
    if let Some(seconds) = arguments.stall_seconds {
        limits.stall_time = Duration::from_secs(u64::from(seconds));
        limits.head_time = limits.stall_time;
    }
    let start = GatewayStart {
        data: absolute(&arguments.data)?,
        engine: absolute(&arguments.engine)?,
        socket: arguments.socket.as_deref().map(absolute).transpose()?,
        http: arguments.http,
        https: arguments.https,
        hsts: if arguments.hsts { Hsts::For(HSTS_TIME) } else { Hsts::Off },
        limits,
    };
    let on_ready = |Addresses { http, https }: Addresses| {
        let https = https.map(|address| address.to_string()).unwrap_or_default();
        let _ = if output.is_json {
            output.json(&serde_json::json!({ "http": http.to_string(), "https": https }))
        } else {
            output.line(&format!("The gateway answers on http://{http} and https://{https}."))
        };
    };
    runtime()?.block_on(serve::gateway(start, on_ready))?;
    Ok(Exit::Done)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let what = || "cannot start the runtime".to_owned();
    runtime.map_err(|source| AppError::Io { what: what(), source })
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, AppError> {
    let what = || format!("cannot use {}", path.display());
    std::path::absolute(path).map_err(|source| AppError::Io { what: what(), source })
}

impl EngineOptions {
    fn start(&self) -> Result<EngineStart, AppError> {
        let data = absolute(&self.data.clone().map_or_else(data_default, Ok)?)?;
        let settings = self.apply(Settings::load(&data)?)?;
        settings.ensure_usable()?;
        let catalog = if self.set_aside_catalog {
            CatalogStart::SetAsideIfDamaged
        } else {
            CatalogStart::Open
        };
        let sources = SourcesDoor::Service(PathBuf::from(SOURCES_SOCKET));
        let (network, updates) = (NetworkDoor::Nowhere, UpdatesDoor::Nowhere);
        let (staging, certificate) = (StagingDoor::Nowhere, CertificateDoor::Nowhere);
        let (elsewhere, hold) = (Vec::new(), HoldJobs::No);
        let doors = Doors { sources, network, updates, elsewhere, staging, certificate, hold };
        Ok(EngineStart { data, settings, catalog, doors })
    }

    /// The settings as this start wants them.
    fn apply(&self, mut settings: Settings) -> Result<Settings, AppError> {
        if self.practice_library {
            settings.library = LibraryChoice::Practice;
        }
        if self.devices {
            settings.library = LibraryChoice::Devices;
        }
        if let Some(capacity) = self.practice_capacity {
            settings.practice.capacity_bytes = capacity;
        }
        if let Some(what) = self.practice_takes_time {
            settings.practice.takes_time = what;
        }
        if let Some(folder) = &self.staging_folder {
            settings.stream.staging_folder = Some(absolute(folder)?);
        }
        if let Some(size) = self.staging_size {
            settings.stream.staging_bytes = size;
        }
        Ok(settings)
    }
}

pub(super) fn data_default() -> Result<PathBuf, AppError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from(DATA_SYSTEM));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let missing =
        || AppError::Usage("there is no home folder: name a folder with --data".to_owned());
    Ok(home.ok_or_else(missing)?.join(DATA_USER))
}
