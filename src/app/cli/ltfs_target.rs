//! Which cartridge an `ltfs` command works on, brought to a drive and mounted, and a person's consent.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Args};

use super::vtl;
use crate::app::error::{AppError, Exit};
use crate::app::offline::{LoadedDrive, Target};
use crate::domain::{Barcode, Clock, SystemClock};
use crate::drive::Drive;
use crate::ltfs::error::LtfsError;
use crate::ltfs::mount::{CheckEnds, MountOptions, MountedVolume, mount};

const CHECK_NEXT: &str = "Look at it with `fossilsafe ltfs check`.";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("place").required(true).args(["device", "cartridge"])))]
pub(super) struct TargetArguments {
    /// The cartridge in this drive, as /dev/sg3
    #[arg(long, value_name = "NODE")]
    device: Option<PathBuf>,
    /// This cartridge of a virtual library; its engine must not run
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
    /// Folder of the virtual library [default: $FOSSILSAFE_LIBRARY, or the practice library]
    #[arg(long, value_name = "DIR", conflicts_with = "device")]
    library: Option<PathBuf>,
    /// Folder for indexes while they are read
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(super) work: PathBuf,
}

/// Does something with a loaded cartridge and puts it back, also when that failed.
pub(super) fn on_cartridge(
    arguments: &TargetArguments,
    work: impl FnOnce(
        LoadedDrive,
        &Arc<dyn Clock>,
        &MountOptions,
    ) -> (LoadedDrive, Result<Exit, AppError>),
) -> Result<Exit, AppError> {
    let target = match (&arguments.device, &arguments.cartridge) {
        (Some(node), _) => Target::Device(node.clone()),
        (None, Some(barcode)) => {
            let library = vtl::folder_of(arguments.library.clone())?;
            Target::Virtual { library, barcode: barcode.clone() }
        }
        (None, None) => return Err(AppError::Usage("name a drive or a cartridge".to_owned())),
    };
    // A folder of its own, so that two commands never share an index file.
    let spool_dir = arguments.work.join(format!("fossilsafe-{}", uuid::Uuid::new_v4()));
    let what = || format!("cannot make {}", spool_dir.display());
    std::fs::create_dir_all(&spool_dir).map_err(|source| AppError::Io { what: what(), source })?;
    let options =
        MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let done = LoadedDrive::open(&target, &clock).and_then(|loaded| {
        let (loaded, done) = work(loaded, &clock, &options);
        let back = loaded.put_back();
        let exit = done?;
        back.map(|()| exit)
    });
    // What remains is in a folder for temporary files.
    let _ = std::fs::remove_dir_all(&spool_dir);
    done
}

/// Does something with a mounted volume.
pub(super) fn on_volume(
    arguments: &TargetArguments,
    ends: CheckEnds,
    work: impl FnOnce(&mut Drive, &MountedVolume) -> Result<Exit, AppError>,
) -> Result<Exit, AppError> {
    on_cartridge(arguments, |mut loaded, _, options| {
        let options = MountOptions { ends, ..options.clone() };
        let volume = mount_volume(&mut loaded.drive, &options);
        let done = volume.and_then(|volume| work(&mut loaded.drive, &volume));
        (loaded, done)
    })
}

pub(super) fn mount_volume(
    drive: &mut Drive,
    options: &MountOptions,
) -> Result<MountedVolume, AppError> {
    mount(drive, options)
        .map_err(|error| AppError::offline("cannot mount", &error, next_step(&error)))
}

pub(super) fn next_step(error: &LtfsError) -> &'static str {
    match error {
        LtfsError::NotLtfs(_) => {
            "If nothing on it is needed, format it with `fossilsafe ltfs format`."
        }
        LtfsError::Locked { .. } | LtfsError::WriteProtected(_) => {
            "Take the protection away if the volume may be written."
        }
        LtfsError::NotRepairable(_) => {
            "It can still be read: copy its files with `fossilsafe ltfs extract`."
        }
        LtfsError::NoIndex { .. } => {
            "Clean the drive or try another one; its files can be copied with `fossilsafe ltfs carve`."
        }
        LtfsError::NoCartridge => "Put a cartridge into the drive.",
        _ => "Clean the drive or try another one before the cartridge is given up.",
    }
}

/// A barcode that a person types to agree, and the one that must be typed.
#[derive(Debug)]
pub(super) struct Consent {
    typed: Option<Barcode>,
    pub(super) barcode: Option<Barcode>,
}

impl Consent {
    /// Of a loaded cartridge: its label's barcode, or the one in its memory where nobody sees the label.
    ///
    /// # Errors
    /// If another barcode was typed.
    pub(super) fn of(
        typed: Option<&Barcode>,
        option: &str,
        loaded: &mut LoadedDrive,
    ) -> Result<Self, AppError> {
        let medium = loaded.drive.medium();
        let medium = medium
            .map_err(|error| AppError::offline("cannot use the drive", &error, CHECK_NEXT))?;
        let barcode = loaded.barcode.clone().or_else(|| medium.and_then(|medium| medium.barcode));
        if let (Some(typed), Some(barcode)) = (typed, &barcode)
            && !typed.is_same_label(barcode)
        {
            let why = format!("{option} {typed} does not name cartridge {barcode}");
            return Err(AppError::Usage(format!("{why}: nothing was written")));
        }
        Ok(Self { typed: typed.cloned(), barcode })
    }

    /// True if it was typed. A cartridge that nobody gave a barcode takes whatever is.
    pub(super) fn is_given(&self) -> bool {
        self.typed.is_some()
    }

    /// What to type.
    pub(super) fn example(&self) -> String {
        self.barcode.as_ref().map_or_else(|| "BARCODE".to_owned(), ToString::to_string)
    }
}
