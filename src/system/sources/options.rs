//! A source as the kernel's SMB and NFS clients want to be told of it, option by option.
//!
//! Options go to the kernel one by one, not as a line of text, so a comma in a password is a comma.

use std::net::IpAddr;
use std::os::fd::RawFd;

use super::definition::{NfsExport, SmbShare, SourcePlace};
use crate::domain::Secret;

/// Seconds between signs of life of an SMB server. After two without an answer it counts as gone, and reads
/// fail rather than wait; the kernel's own choice would be two minutes.
const SMB_ECHO_SECONDS: &str = "15";
/// The best one first.
const NFS_VERSIONS: [&str; 2] = ["4.2", "4.1"];
/// Tenths of a second that an NFS server has for an answer, and how often it is asked again.
const NFS_TIMEOUT: (&str, &str) = ("300", "2");
/// Who signs in on a share that is for everybody.
const GUEST: &str = "guest";

/// One option of a mount.
#[derive(PartialEq, Eq)]
pub(super) enum Setting {
    Text(&'static str, Secret),
    Flag(&'static str),
}

/// What a source is for the kernel.
pub(super) struct KernelMount {
    /// The name of the file system.
    pub(super) file_system: &'static str,
    pub(super) settings: Vec<Setting>,
}

/// One after the other as the server refuses a version: the kernel settles it for SMB, not for NFS.
///
/// `address` is the host's: the kernel asks no name server.
pub(super) fn kernel_mounts(
    place: &SourcePlace,
    address: IpAddr,
    password: Option<&Secret>,
) -> Vec<KernelMount> {
    let port = place.server().map_or(0, |(_, port)| port).to_string();
    match place {
        SourcePlace::Smb(share) => vec![smb(share, address, port, password)],
        SourcePlace::Nfs(export) => {
            NFS_VERSIONS.map(|version| nfs(export, address, port.clone(), version)).into()
        }
        // Served by this program: see `served_mount`.
        SourcePlace::Sftp(_) | SourcePlace::S3(_) => Vec::new(),
    }
}

fn smb(share: &SmbShare, address: IpAddr, port: String, password: Option<&Secret>) -> KernelMount {
    let user = share.user.clone().unwrap_or_else(|| GUEST.to_owned());
    let password = password.cloned().unwrap_or_else(|| Secret::new(String::new()));
    let mut settings = vec![
        text("source", format!("//{}/{}", share.host, share.share)),
        text("ip", address.to_string()),
        text("port", port),
        // 3.0 and later: what came before has no signatures worth the name.
        text("vers", "3".to_owned()),
        text("username", user),
        Setting::Text("password", password),
        text("iocharset", "utf8".to_owned()),
        text("echo_interval", SMB_ECHO_SECONDS.to_owned()),
        // Reads fail when the server is gone, and files are listed as not read.
        Setting::Flag("soft"),
    ];
    settings.extend(share.domain.clone().map(|domain| text("domain", domain)));
    if share.is_encrypted {
        settings.push(Setting::Flag("seal"));
    }
    KernelMount { file_system: "smb3", settings }
}

fn nfs(export: &NfsExport, address: IpAddr, port: String, version: &str) -> KernelMount {
    let host =
        if export.host.contains(':') { format!("[{}]", export.host) } else { export.host.clone() };
    let (timeout, retries) = NFS_TIMEOUT;
    let settings = vec![
        text("source", format!("{host}:{}", export.export)),
        text("addr", address.to_string()),
        text("port", port),
        text("vers", version.to_owned()),
        text("proto", if address.is_ipv6() { "tcp6" } else { "tcp" }.to_owned()),
        Setting::Flag("soft"),
        text("timeo", timeout.to_owned()),
        text("retrans", retries.to_owned()),
    ];
    KernelMount { file_system: "nfs", settings }
}

/// A source that this program serves over `device`. The kernel asks who may read what by the modes of files, as
/// everywhere.
pub(super) fn served_mount(place: &SourcePlace, device: RawFd) -> KernelMount {
    let settings = vec![
        text("source", place.to_string()),
        text("fd", device.to_string()),
        // A folder; the kernel wants it before it can ask.
        text("rootmode", "40000".to_owned()),
        text("user_id", "0".to_owned()),
        text("group_id", "0".to_owned()),
        Setting::Flag("default_permissions"),
        Setting::Flag("allow_other"),
    ];
    KernelMount { file_system: "fuse", settings }
}

fn text(name: &'static str, value: String) -> Setting {
    Setting::Text(name, Secret::new(value))
}
