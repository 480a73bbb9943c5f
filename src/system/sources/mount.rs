//! One mount, and what the kernel says when it refuses.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, unmount,
};

use super::SourcesError;
use super::definition::{SourcePlace, SourceSpec};
use super::options::{KernelMount, Setting, kernel_mounts, served_mount};
use super::s3::S3;
use super::served;
use super::sftp::Sftp;
use crate::domain::Secret;

/// Longest message of the kernel about a mount.
const MESSAGE_BYTES_MAX: usize = 512;

/// Mounts a source on `folder`, which must be there. What is kept of servers is in `data`.
pub(super) fn mount(
    spec: &SourceSpec,
    password: Option<&Secret>,
    folder: &Path,
    data: &Path,
) -> Result<(), SourcesError> {
    match &spec.place {
        SourcePlace::Sftp(place) => {
            mount_served(spec, Sftp::connect(place, password, data)?, folder)
        }
        SourcePlace::S3(place) => mount_served(spec, S3::connect(place, password)?, folder),
        SourcePlace::Smb(_) | SourcePlace::Nfs(_) => mount_by_kernel(spec, password, folder),
    }
}

fn mount_by_kernel(
    spec: &SourceSpec,
    password: Option<&Secret>,
    folder: &Path,
) -> Result<(), SourcesError> {
    let mut refusal = None;
    for kernel_mount in kernel_mounts(&spec.place, address_of(&spec.place)?, password) {
        match mount_once(spec, &kernel_mount, folder) {
            Err((Errno::PROTONOSUPPORT, error)) => refusal = Some(error),
            ended => return ended.map_err(|(_, error)| error),
        }
    }
    // Every place has at least one way.
    refusal.map_or(Ok(()), Err)
}

/// Mounts what this program reads itself.
fn mount_served(
    spec: &SourceSpec,
    remote: impl served::Remote,
    folder: &Path,
) -> Result<(), SourcesError> {
    let device = served::open_device().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SourcesError::NotOfThisKernel { file_system: "fuse" },
        _ => SourcesError::Kernel {
            place: spec.place.to_string(),
            said: "its device cannot be opened".to_owned(),
            source,
        },
    })?;
    let mounted = served_mount(&spec.place, device.as_raw_fd());
    mount_once(spec, &mounted, folder).map_err(|(_, error)| error)?;
    served::serve(Arc::new(remote), device).map_err(|source| {
        // Nobody would answer for it; the next attempt begins with taking it away too.
        let _ = take_away(folder);
        let said = "it cannot be served".to_owned();
        SourcesError::Kernel { place: spec.place.to_string(), said, source }
    })
}

/// A failure comes with what the kernel has called it.
fn mount_once(
    spec: &SourceSpec,
    KernelMount { file_system, settings }: &KernelMount,
    folder: &Path,
) -> Result<(), (Errno, SourcesError)> {
    let context =
        fsopen(*file_system, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| match errno {
            Errno::NODEV => (errno, SourcesError::NotOfThisKernel { file_system }),
            other => (other, refused(spec, other, String::new())),
        })?;
    let mounted = configure(context.as_fd(), settings, spec.is_writable).and_then(|()| {
        let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        if !spec.is_writable {
            attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
        }
        let mounted = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
        move_mount(mounted, c"", CWD, folder, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    });
    mounted.map_err(|errno| (errno, refused(spec, errno, messages(context.as_fd()))))
}

/// Takes a mount away. Files that are open in it stay open until they are closed.
pub(super) fn take_away(folder: &Path) -> io::Result<()> {
    match unmount(folder, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // Nothing is mounted there.
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn configure(
    context: BorrowedFd<'_>,
    settings: &[Setting],
    is_writable: bool,
) -> Result<(), Errno> {
    for setting in settings {
        match setting {
            Setting::Text(name, value) => fsconfig_set_string(context, *name, value.reveal())?,
            Setting::Flag(name) => fsconfig_set_flag(context, *name)?,
        }
    }
    if !is_writable {
        fsconfig_set_flag(context, c"ro")?;
    }
    fsconfig_create(context)
}

fn address_of(place: &SourcePlace) -> Result<IpAddr, SourcesError> {
    let (host, port) = place.server().unwrap_or_default();
    let unknown = |source| SourcesError::HostUnknown { host: host.to_owned(), source };
    let mut found = (host, port).to_socket_addrs().map_err(unknown)?;
    let none = || unknown(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
    found.next().map(|address| address.ip()).ok_or_else(none)
}

/// What the kernel has noted about a mount that failed.
fn messages(context: BorrowedFd<'_>) -> String {
    let mut lines = Vec::new();
    let mut bytes = [0; MESSAGE_BYTES_MAX];
    // A message a read; "e " or "w " and the module's name come first.
    while let Ok(length) = rustix::io::read(context, &mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..length]);
        lines.push(text.trim_start_matches(['e', 'w', 'i']).trim().to_owned());
    }
    lines.join("; ")
}

fn refused(spec: &SourceSpec, errno: Errno, said: String) -> SourcesError {
    let place = spec.place.to_string();
    match errno {
        Errno::ACCESS | Errno::KEYREJECTED | Errno::KEYEXPIRED => SourcesError::SignIn { place },
        Errno::PERM => SourcesError::NotAllowed,
        Errno::NOENT | Errno::NODEV | Errno::NXIO => SourcesError::NoSuchShare { place },
        Errno::CONNREFUSED
        | Errno::CONNRESET
        | Errno::CONNABORTED
        | Errno::HOSTDOWN
        | Errno::HOSTUNREACH
        | Errno::NETUNREACH
        | Errno::TIMEDOUT
        | Errno::AGAIN => SourcesError::NoAnswer { place, source: errno.into() },
        other => SourcesError::Kernel { place, said, source: other.into() },
    }
}
