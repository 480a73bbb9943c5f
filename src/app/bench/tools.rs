//! The tools that people would use instead: GNU tar with openssl, openssl alone, zstd, and cp.
//!
//! tar alone proves nothing, so a hash goes with it: `tar | openssl dgst -sha256` for reading, and for
//! unpacking `openssl` reads the same archive beside tar, which spares it a pipe. That is one hash of a
//! whole stream; who wants to find one file's damage hashes each file, after tar. openssl alone, a process
//! a core, is what the processor can hash at all, and cp hashes nothing: it says how fast the machine
//! copies; dd with O_DIRECT says how fast its disk reads. coreutils' sha256sum is no reference, because it does not use the processor's instructions.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::available_parallelism;

use super::tree::failed;
use crate::app::error::AppError;

const OPENSSL_HASH: [&str; 2] = ["dgst", "-sha256"];
/// Files named in one command: what `xargs` would pass of names as long as these.
const FILES_PER_COMMAND: usize = 1000;

/// Refuses if one of the tools is missing.
pub(super) fn ensure_present() -> Result<(), AppError> {
    let tools =
        [("tar", "--version"), ("openssl", "version"), ("zstd", "--version"), ("cp", "--version")];
    for (tool, argument) in tools {
        let answer = Command::new(tool).arg(argument).stdout(Stdio::null()).status();
        if !answer.is_ok_and(|status| status.success()) {
            return Err(AppError::Offline {
                message: format!("{tool} does not work on this machine, and is compared with"),
                next_step: "Install GNU tar, openssl, zstd and coreutils.".to_owned(),
            });
        }
    }
    Ok(())
}

/// `tar --create tree | openssl dgst -sha256`.
pub(super) fn tar_hash(tree: &Path) -> Result<(), AppError> {
    let mut openssl = Command::new("openssl");
    openssl.args(OPENSSL_HASH);
    tar_into(tree, openssl)
}

/// `tar --create tree | zstd -1 -T0`.
pub(super) fn tar_zstd(tree: &Path) -> Result<(), AppError> {
    let mut zstd = Command::new("zstd");
    zstd.args(["-1", "-T0", "--quiet", "--stdout"]);
    tar_into(tree, zstd)
}

fn tar_into(tree: &Path, mut reader: Command) -> Result<(), AppError> {
    let name = Path::new(reader.get_program()).display().to_string();
    let mut tar = tar_of(tree, OsStr::new("-"));
    let mut packing = started(tar.stdout(Stdio::piped()))?;
    reader.stdout(Stdio::null());
    if let Some(stream) = packing.stdout.take() {
        reader.stdin(stream);
    }
    let reading = started(&mut reader);
    // The pipe has to be closed here, or tar never hears that its reader is gone.
    drop(reader);
    finished("tar", packing)?;
    finished(&name, reading?)
}

/// `openssl dgst -sha256` of every file, one process a core and as many files each as fit in a command.
pub(super) fn hash(tree: &Path) -> Result<(), AppError> {
    hash_each(tree, available_parallelism().map_or(1, usize::from))
}

/// `tar --create --file=archive tree`, then `openssl dgst -sha256` of every file.
pub(super) fn tar_then_hash(tree: &Path, archive: &Path) -> Result<(), AppError> {
    make_archive(tree, archive)?;
    hash_each(tree, 1)
}

/// Hashes every file with so many processes at a time.
fn hash_each(tree: &Path, processes: usize) -> Result<(), AppError> {
    let files = files_below(tree)?;
    let share = files.len().div_ceil(processes).max(1);
    for round in files.chunks(processes * share.min(FILES_PER_COMMAND)) {
        let share = round.len().div_ceil(processes).max(1);
        let hashing: Vec<_> = round
            .chunks(share)
            .map(|files| {
                let mut openssl = Command::new("openssl");
                started(openssl.args(OPENSSL_HASH).args(files).stdout(Stdio::null()))
            })
            .collect();
        for child in hashing {
            finished("openssl", child?)?;
        }
    }
    Ok(())
}

/// The files of a measured tree, which has folders of files and nothing else.
fn files_below(tree: &Path) -> Result<Vec<PathBuf>, AppError> {
    let mut files = Vec::new();
    for folder in entries(tree)? {
        files.extend(entries(&folder)?);
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, AppError> {
    let listed = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()
    });
    listed.map_err(failed("list", folder))
}

/// `tar --create --file=archive tree`.
pub(super) fn make_archive(tree: &Path, archive: &Path) -> Result<(), AppError> {
    finished("tar", started(&mut tar_of(tree, archive.as_os_str()))?)
}

/// `tar --extract` into a folder, while `openssl dgst -sha256` reads the archive.
pub(super) fn untar_hash(archive: &Path, to: &Path) -> Result<(), AppError> {
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(to);
    let mut openssl = Command::new("openssl");
    openssl.args(OPENSSL_HASH).arg(archive).stdout(Stdio::null());
    let unpacking = started(&mut tar)?;
    let hashing = started(&mut openssl);
    finished("tar", unpacking)?;
    finished("openssl", hashing?)
}

/// `dd` of every file past the caches, one after the other: what the disk gives to one reader.
pub(super) fn direct(tree: &Path) -> Result<(), AppError> {
    for file in files_below(tree)? {
        let mut input = OsStr::new("if=").to_owned();
        input.push(&file);
        let mut dd = Command::new("dd");
        dd.arg(input).args(["of=/dev/null", "bs=4M", "iflag=direct", "status=none"]);
        finished("dd", started(&mut dd)?)?;
    }
    Ok(())
}

/// `cp --archive tree to`.
pub(super) fn copy(tree: &Path, to: &Path) -> Result<(), AppError> {
    finished("cp", started(Command::new("cp").arg("--archive").arg(tree).arg(to))?)
}

fn tar_of(tree: &Path, archive: &OsStr) -> Command {
    let mut tar = Command::new("tar");
    tar.arg("--create").arg("--file").arg(archive).arg("--directory").arg(tree).arg(".");
    tar
}

fn started(command: &mut Command) -> Result<Child, AppError> {
    let program = Path::new(command.get_program()).to_owned();
    command.spawn().map_err(failed("start", &program))
}

fn finished(tool: &str, mut child: Child) -> Result<(), AppError> {
    let status: ExitStatus = child.wait().map_err(failed("wait for", Path::new(tool)))?;
    if status.success() {
        return Ok(());
    }
    Err(AppError::Offline {
        message: format!("{tool} failed: {status}"),
        next_step: "Look at what it said, and at the free space of the work folder.".to_owned(),
    })
}
