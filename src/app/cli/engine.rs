//! `fossilsafe run`: the engine and its API in this process.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::size::parse_size;
use crate::app::engine::CatalogStart;
use crate::app::error::{AppError, Exit};
use crate::app::settings::{LibraryChoice, Settings};
use crate::app::{logging, supervise};
use crate::domain::ByteCount;

/// Where an appliance keeps everything.
const DATA_SYSTEM: &str = "/var/lib/fossilsafe";
/// Where a user keeps it, below the home folder.
const DATA_USER: &str = ".local/share/fossilsafe";

#[derive(Debug, Args)]
pub(super) struct RunArguments {
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
    /// Folder on a fast disk that continues the memory between source and drive
    #[arg(long, value_name = "DIR")]
    staging_folder: Option<PathBuf>,
    /// Space that is reserved in the staging folder while a backup writes [default: 64GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    staging_size: Option<ByteCount>,
    /// Address of the API; loopback only
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// If the catalog is damaged, move it aside and begin an empty one; `catalog rebuild` then fills it
    /// from the tapes
    #[arg(long)]
    set_aside_catalog: bool,
}

/// Runs until a signal.
pub(super) fn run(arguments: &RunArguments, output: &Output) -> Result<Exit, AppError> {
    let data = arguments.data.clone().map_or_else(data_default, Ok)?;
    let what = || format!("cannot use {}", data.display());
    let data =
        std::path::absolute(&data).map_err(|source| AppError::Io { what: what(), source })?;
    let settings = with_arguments(Settings::load(&data)?, arguments)?;
    settings.ensure_usable()?;
    logging::start(&settings.log)?;
    let catalog = if arguments.set_aside_catalog {
        CatalogStart::SetAsideIfDamaged
    } else {
        CatalogStart::Open
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let what = || "cannot start the runtime".to_owned();
    let runtime = runtime.map_err(|source| AppError::Io { what: what(), source })?;
    let on_ready = |address: SocketAddr| {
        // The log says the same; a terminal shows this without a level and a time before it.
        let _ = if output.is_json {
            output.json(&serde_json::json!({ "listen": address.to_string(), "data": data }))
        } else {
            let data = data.display();
            output.line(&format!("FossilSafe answers on http://{address}; its data is in {data}."))
        };
    };
    runtime.block_on(supervise::run(&data, &settings, catalog, on_ready))?;
    Ok(Exit::Done)
}

/// The settings as this start wants them.
fn with_arguments(mut settings: Settings, arguments: &RunArguments) -> Result<Settings, AppError> {
    if arguments.practice_library {
        settings.library = LibraryChoice::Practice;
    }
    if arguments.devices {
        settings.library = LibraryChoice::Devices;
    }
    if let Some(capacity) = arguments.practice_capacity {
        settings.practice.capacity_bytes = capacity;
    }
    if let Some(listen) = arguments.listen {
        settings.listen = listen;
    }
    if let Some(folder) = &arguments.staging_folder {
        let what = || format!("cannot use {}", folder.display());
        let absolute =
            std::path::absolute(folder).map_err(|source| AppError::Io { what: what(), source })?;
        settings.stream.staging_folder = Some(absolute);
    }
    if let Some(size) = arguments.staging_size {
        settings.stream.staging_bytes = size;
    }
    Ok(settings)
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
