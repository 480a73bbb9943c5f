//! The tools that people would use instead: GNU tar with openssl, and cp.
//!
//! tar alone proves nothing, so a hash goes with it: `tar | openssl dgst -sha256` for reading, and for
//! unpacking `openssl` reads the same archive beside tar, which spares it a pipe. cp hashes nothing; it
//! says how fast the machine copies at all.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::tree::failed;
use crate::app::error::AppError;

const OPENSSL_HASH: [&str; 2] = ["dgst", "-sha256"];

/// Refuses if one of the tools is missing.
pub(super) fn ensure_present() -> Result<(), AppError> {
    for (tool, argument) in [("tar", "--version"), ("openssl", "version"), ("cp", "--version")] {
        let answer = Command::new(tool).arg(argument).stdout(Stdio::null()).status();
        if !answer.is_ok_and(|status| status.success()) {
            return Err(AppError::Offline {
                message: format!("{tool} does not work on this machine, and is compared with"),
                next_step: "Install GNU tar, openssl and coreutils.".to_owned(),
            });
        }
    }
    Ok(())
}

/// `tar --create tree | openssl dgst -sha256`.
pub(super) fn tar_hash(tree: &Path) -> Result<(), AppError> {
    let mut tar = tar_of(tree, OsStr::new("-"));
    let mut packing = started(tar.stdout(Stdio::piped()))?;
    let mut openssl = Command::new("openssl");
    openssl.args(OPENSSL_HASH).stdout(Stdio::null());
    if let Some(stream) = packing.stdout.take() {
        openssl.stdin(stream);
    }
    let hashing = started(&mut openssl);
    // The pipe has to be closed here, or tar never hears that openssl is gone.
    drop(openssl);
    finished("tar", packing)?;
    finished("openssl", hashing?)
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
