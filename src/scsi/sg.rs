//! `/dev/sgN` by SG_IO: the way to a real device, and the only unsafe code for SCSI.
//!
//! The generic driver passes command blocks through and hides nothing, unlike `st`. A device is opened
//! exclusively: two programs on one drive have destroyed tapes. Timeouts of the kernel end in an abort
//! and maybe a reset by the host adapter, so the time limits given are long.
//!
//! Direct I/O (no copy in the kernel) is asked for only where the administrator allows it
//! (`/proc/scsi/sg/allow_dio`), and given up at the first sign that it does not work here.

#![expect(unsafe_code, reason = "SG_IO takes a structure with pointers to our buffers")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{self, c_int, c_uint, c_void};

use super::opcode;
use super::sense::Sense;
use super::status::Status;
use super::transport::{Command, Completion, Data, Transport, TransportError};

/// Longest sense that a device sends: 8 + 244 bytes.
const SENSE_BYTES: usize = 252;
/// The driver's buffer for one transfer: the longest block that we use.
const RESERVED_BYTES: c_int = 1 << 20;

/// `struct sg_io_hdr` of `<scsi/sg.h>`, interface `S`.
#[repr(C)]
struct SgIoHeader {
    interface_id: c_int,
    dxfer_direction: c_int,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: c_uint,
    dxferp: *mut c_void,
    cmdp: *const u8,
    sbp: *mut u8,
    /// Milliseconds.
    timeout: c_uint,
    flags: c_uint,
    pack_id: c_int,
    usr_ptr: *mut c_void,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: c_int,
    /// Milliseconds that the command took.
    duration: c_uint,
    info: c_uint,
}
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<SgIoHeader>() == 88);

const INTERFACE_ID: c_int = b'S' as c_int;
const DIRECTION_NONE: c_int = -1;
const DIRECTION_TO_DEVICE: c_int = -2;
const DIRECTION_FROM_DEVICE: c_int = -3;
const FLAG_DIRECT_IO: c_uint = 1;

nix::ioctl_readwrite_bad!(sg_io, 0x2285, SgIoHeader);
nix::ioctl_write_ptr_bad!(sg_set_reserved_size, 0x2275, c_int);
nix::ioctl_read_bad!(sg_get_version_number, 0x2282, c_int);

/// Oldest driver whose SG_IO we know: version 3.
const VERSION_MIN: c_int = 30_000;

/// A device behind `/dev/sgN`.
#[derive(Debug)]
pub struct SgDevice {
    file: File,
    name: String,
    is_direct: bool,
}

impl SgDevice {
    /// Opens a node for this process alone.
    ///
    /// # Errors
    /// If it cannot be opened, is in use by another program, or is no generic SCSI device.
    pub fn open(node: &Path) -> Result<Self, TransportError> {
        let name = node.display().to_string();
        let system = |source: io::Error| TransportError::System {
            device: name.clone(),
            command: "open",
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_EXCL | libc::O_CLOEXEC)
            .open(node)
            .map_err(system)?;
        let mut version = 0;
        // SAFETY: the driver writes one int to the pointer, which is valid for it.
        unsafe { sg_get_version_number(file.as_raw_fd(), &raw mut version) }
            .map_err(|errno| system(errno.into()))?;
        if version < VERSION_MIN {
            return Err(system(io::Error::from(io::ErrorKind::Unsupported)));
        }
        let reserve = RESERVED_BYTES;
        // A smaller reserve than asked for is no error: the driver then allocates for each transfer.
        // SAFETY: the driver reads one int from the pointer, which is valid for it.
        let _ = unsafe { sg_set_reserved_size(file.as_raw_fd(), &raw const reserve) };
        let is_direct = std::fs::read_to_string("/proc/scsi/sg/allow_dio")
            .is_ok_and(|allowed| allowed.trim() == "1");
        Ok(Self { file, name, is_direct })
    }

    fn submit(&self, command: &mut Command<'_>, flags: c_uint) -> Result<Raw, Errno> {
        let mut sense = [0; SENSE_BYTES];
        let cdb = command.cdb;
        let (direction, pointer, len) = match &mut command.data {
            Data::None => (DIRECTION_NONE, std::ptr::null_mut(), 0),
            Data::In(buffer) => {
                (DIRECTION_FROM_DEVICE, buffer.as_mut_ptr().cast::<c_void>(), buffer.len())
            }
            // The driver only reads from it in this direction.
            Data::Out(bytes) => {
                (DIRECTION_TO_DEVICE, bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len())
            }
        };
        let mut header = SgIoHeader {
            interface_id: INTERFACE_ID,
            dxfer_direction: direction,
            cmd_len: u8::try_from(cdb.as_bytes().len()).unwrap_or(u8::MAX),
            mx_sb_len: u8::try_from(SENSE_BYTES).unwrap_or(u8::MAX),
            iovec_count: 0,
            dxfer_len: c_uint::try_from(len).map_err(|_| Errno::EINVAL)?,
            dxferp: pointer,
            cmdp: cdb.as_bytes().as_ptr(),
            sbp: sense.as_mut_ptr(),
            timeout: c_uint::try_from(command.timeout.as_millis()).unwrap_or(c_uint::MAX),
            flags,
            pack_id: 0,
            usr_ptr: std::ptr::null_mut(),
            status: 0,
            masked_status: 0,
            msg_status: 0,
            sb_len_wr: 0,
            host_status: 0,
            driver_status: 0,
            resid: 0,
            duration: 0,
            info: 0,
        };
        // SAFETY: SG_IO returns when the command has ended, so the header, the command block, the sense
        // and the data buffer, all of which live through this call, are not touched after it. The
        // lengths given are those of the buffers.
        unsafe { sg_io(self.file.as_raw_fd(), &raw mut header) }?;
        Ok(Raw {
            status: header.status,
            host_status: header.host_status,
            driver_status: header.driver_status,
            residual: header.resid,
            len,
            sense: Sense::parse(&sense[..usize::from(header.sb_len_wr).min(SENSE_BYTES)]),
        })
    }
}

impl Transport for SgDevice {
    fn execute(&mut self, mut command: Command<'_>) -> Result<Completion, TransportError> {
        let name = opcode::name(command.cdb.opcode());
        let flags = if self.is_direct { FLAG_DIRECT_IO } else { 0 };
        let mut answer = self.submit(&mut command, flags);
        // These come from mapping our pages, before anything is sent to the device.
        if self.is_direct && matches!(answer, Err(Errno::EINVAL | Errno::ENOMEM | Errno::EFAULT)) {
            self.is_direct = false;
            answer = self.submit(&mut command, 0);
        }
        match answer {
            Ok(raw) => sort_out(raw, &self.name, name, command.timeout),
            Err(errno) => Err(error_of(errno, &self.name, name)),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// What SG_IO gave back.
#[derive(Clone, Debug)]
struct Raw {
    status: u8,
    host_status: u16,
    driver_status: u16,
    residual: c_int,
    len: usize,
    sense: Option<Sense>,
}

/// Whether a device answered, and what.
fn sort_out(
    raw: Raw,
    device: &str,
    command: &'static str,
    after: Duration,
) -> Result<Completion, TransportError> {
    const HOST_OK: u16 = 0x00;
    const HOST_NO_CONNECT: u16 = 0x01;
    const HOST_TIME_OUT: u16 = 0x03;
    const HOST_BAD_TARGET: u16 = 0x04;
    const DRIVER_CODE: u16 = 0x0F;
    const DRIVER_OK: u16 = 0x00;
    const DRIVER_TIMEOUT: u16 = 0x06;
    /// The driver only says that there is sense.
    const DRIVER_SENSE: u16 = 0x08;
    let device = device.to_owned();
    let transferred = match usize::try_from(raw.residual) {
        Ok(missing) => raw.len.saturating_sub(missing),
        // More moved than asked for is a lie; so is less than nothing.
        Err(_) => raw.len,
    };
    let status = Status::from_code(raw.status);
    // Some adapters report an underrun besides the device's own sense: the device has answered.
    let is_answered = status == Status::CheckCondition && raw.sense.is_some();
    let failed = match (raw.host_status, raw.driver_status & DRIVER_CODE) {
        (HOST_NO_CONNECT | HOST_BAD_TARGET, _) => {
            return Err(TransportError::Gone { device, source: None });
        }
        (HOST_TIME_OUT, _) | (_, DRIVER_TIMEOUT) => {
            return Err(TransportError::TimedOut { device, command, after });
        }
        (HOST_OK, DRIVER_OK | DRIVER_SENSE) => false,
        _ => !is_answered,
    };
    if failed {
        return Err(TransportError::Host {
            device,
            command,
            host_status: raw.host_status,
            driver_status: raw.driver_status,
        });
    }
    Ok(Completion { status, sense: raw.sense, transferred })
}

/// What a refusal by the system means.
fn error_of(errno: Errno, device: &str, command: &'static str) -> TransportError {
    let device = device.to_owned();
    match errno {
        Errno::ENODEV | Errno::ENXIO => TransportError::Gone { device, source: Some(errno.into()) },
        _ => TransportError::System { device, command, source: errno.into() },
    }
}

/// What kind of device a node leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A tape drive.
    Drive,
    /// A changer.
    Changer,
}

/// A node of a tape drive or changer. Its number changes with each restart; never a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `/dev/sgN`.
    pub path: PathBuf,
    /// What it leads to.
    pub kind: NodeKind,
}

/// The tape drives and changers of this machine, in the order of their numbers.
///
/// # Errors
/// If the system's list cannot be read. A machine without the generic driver has none.
pub fn find_nodes() -> io::Result<Vec<Node>> {
    find_nodes_in(Path::new("/sys/class/scsi_generic"))
}

fn find_nodes_in(class: &Path) -> io::Result<Vec<Node>> {
    let entries = match std::fs::read_dir(class) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("sg").and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        // A device that has just gone has no type any more.
        let kind = std::fs::read_to_string(entry.path().join("device/type")).unwrap_or_default();
        let kind = match kind.trim() {
            "1" => NodeKind::Drive,
            "8" => NodeKind::Changer,
            _ => continue,
        };
        found.push((number, Node { path: Path::new("/dev").join(name), kind }));
    }
    found.sort_by_key(|(number, _)| *number);
    Ok(found.into_iter().map(|(_, node)| node).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::SenseKey;

    const MINUTE: Duration = Duration::from_secs(60);

    fn raw() -> Raw {
        Raw { status: 0, host_status: 0, driver_status: 0, residual: 0, len: 100, sense: None }
    }

    fn sorted(raw: Raw) -> Result<Completion, TransportError> {
        sort_out(raw, "/dev/sg3", "READ(6)", MINUTE)
    }

    #[test]
    fn the_residual_tells_how_much_moved() {
        assert_eq!(sorted(Raw { residual: 40, ..raw() }).unwrap().transferred, 60);
        assert_eq!(sorted(Raw { residual: 400, ..raw() }).unwrap().transferred, 0);
        assert_eq!(sorted(Raw { residual: -4, ..raw() }).unwrap().transferred, 100);
    }

    #[test]
    fn sense_is_an_answer_even_if_the_adapter_reports_an_underrun() {
        let sense = Sense::new(SenseKey::MediumError, 0x11, 0x00);
        let checked = Raw {
            status: 2,
            host_status: 7,
            driver_status: 8,
            sense: Some(sense.clone()),
            ..raw()
        };
        assert_eq!(sorted(checked).unwrap().sense, Some(sense));
    }

    #[test]
    fn no_answer_is_told_apart_by_its_reason() {
        let host = |host_status| sorted(Raw { host_status, ..raw() });
        assert!(matches!(host(1), Err(TransportError::Gone { .. })));
        assert!(matches!(host(3), Err(TransportError::TimedOut { .. })));
        assert!(matches!(host(7), Err(TransportError::Host { .. })));
        let driver = sorted(Raw { driver_status: 6, ..raw() });
        assert!(matches!(driver, Err(TransportError::TimedOut { .. })));
        assert!(matches!(
            error_of(Errno::ENODEV, "/dev/sg3", "READ(6)"),
            TransportError::Gone { .. }
        ));
        assert!(matches!(
            error_of(Errno::EINVAL, "/dev/sg3", "READ(6)"),
            TransportError::System { .. }
        ));
    }

    #[test]
    fn a_file_that_is_no_device_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(SgDevice::open(file.path()), Err(TransportError::System { .. })));
        assert!(SgDevice::open(Path::new("/nonexistent/sg0")).is_err());
    }

    #[test]
    fn drives_and_changers_are_found_in_the_order_of_their_numbers() {
        let class = tempfile::tempdir().unwrap();
        for (name, kind) in [("sg10", "1\n"), ("sg2", "8\n"), ("sg0", "0\n"), ("bsg", "1\n")] {
            let device = class.path().join(name).join("device");
            std::fs::create_dir_all(&device).unwrap();
            std::fs::write(device.join("type"), kind).unwrap();
        }
        let nodes = find_nodes_in(class.path()).unwrap();
        let shown: Vec<_> = nodes.iter().map(|n| (n.path.to_str().unwrap(), n.kind)).collect();
        assert_eq!(shown, [("/dev/sg2", NodeKind::Changer), ("/dev/sg10", NodeKind::Drive)]);
        assert!(find_nodes_in(&class.path().join("absent")).unwrap().is_empty());
    }
}
