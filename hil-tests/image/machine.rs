//! The bench image as a machine: switched on, asked from outside and inside, cut from power.
//!
//! QEMU without hardware virtualisation, started as firmware and boot loader do it. Inside it is asked
//! over its second serial port, where the bench image has a shell if the boot loader's variables say so.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::line::Line;

/// Firmware, kernel and units on a machine that others use too, after three starts of a version that panics.
const BOOT_LIMIT: Duration = Duration::from_secs(1200);
/// Any one command inside.
const COMMAND_LIMIT: Duration = Duration::from_secs(420);
/// How long QEMU may take to connect its serial ports, in milliseconds.
const CONNECT_LIMIT_MS: u16 = 60_000;
/// How often it is looked whether the TPM is there, a tenth of a second apart.
const TPM_LOOKS: u32 = 300;
const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const FIRMWARE_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// The disk that the image is flashed to; the data partition grows into it.
const DISK_SIZE: &str = "3G";
/// What the kernel is told: the clock is not taken from a processor that is emulated on a busy machine (it
/// would run several times too fast), and there is a shell.
const KERNEL_WORDS: &str = "tsc=unstable bench.shell";

/// A machine with a disk of its own.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    running: Option<Running>,
    /// What it is started from.
    disk: PathBuf,
    /// What it has besides.
    second_disk: Option<(PathBuf, Access)>,
    /// The folder of its TPM's state, if it has one.
    tpm: Option<PathBuf>,
    /// What else is in its network: options of QEMU, each with a comma before it.
    others: String,
    /// Forwarded ports of this machine.
    pub(crate) http: u16,
    pub(crate) https: u16,
}

/// What the machine may do with a second disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

struct Running {
    process: Child,
    tpm: Option<Child>,
    console: Line,
    shell: Line,
    /// What was said on the shell's port before the command that is asked now.
    mark: usize,
}

impl Machine {
    /// Flashes the image to a new disk.
    pub(crate) fn flash(image: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("fossilsafe-image-").tempdir();
        let folder = folder.map_err(|error| format!("no folder: {error}"))?;
        let disk = folder.path().join("disk.img");
        run(Command::new("cp").arg("--sparse=always").arg(image).arg(&disk))?;
        run(Command::new("truncate").arg("--size").arg(DISK_SIZE).arg(&disk))?;
        run(Command::new("cp").arg(FIRMWARE_VARIABLES).arg(folder.path().join("firmware.fd")))?;
        let (http, https) = (free_port(), free_port());
        let (running, second_disk, tpm, others) = (None, None, None, String::new());
        let machine = Self { folder, running, disk, second_disk, tpm, others, http, https };
        machine.set_boot_variables(&[("extra", KERNEL_WORDS)])?;
        Ok(machine)
    }

    /// The file that is its disk. Only while it is off.
    pub(crate) fn disk(&self) -> &Path {
        &self.disk
    }

    /// Adds a second disk, from the next start on.
    pub(crate) fn attach(&mut self, disk: PathBuf, access: Access) {
        self.second_disk = Some((disk, access));
    }

    /// Adds an empty one that an image can be installed on.
    pub(crate) fn attach_empty(&mut self) -> Result<(), String> {
        let disk = self.folder.path().join("empty.img");
        run(Command::new("truncate").arg("--size").arg(DISK_SIZE).arg(&disk))?;
        self.attach(disk, Access::Write);
        Ok(())
    }

    /// Adds one with files, by the names that they have there, to be read.
    pub(crate) fn attach_files(&mut self, files: &[(String, PathBuf)]) -> Result<(), String> {
        let folder = self.folder.path().join("files");
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        for (name, file) in files {
            run(Command::new("cp").arg(file).arg(folder.join(name)))?;
        }
        let disk = self.folder.path().join("files.img");
        let mut make = Command::new("mke2fs");
        run(make.args(["-q", "-t", "ext4", "-d"]).arg(&folder).arg(&disk).arg("1G"))?;
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        self.attach(disk, Access::Read);
        Ok(())
    }

    /// Puts the second disk into the place of the first, and the first into its place.
    pub(crate) fn exchange_disks(&mut self) {
        if let Some((second, _)) = &mut self.second_disk {
            std::mem::swap(&mut self.disk, second);
        }
    }

    /// Gives it a TPM by a name, from the next start on: what one keeps no other knows. Or none.
    pub(crate) fn set_tpm(&mut self, name: Option<&str>) {
        self.tpm = name.map(|name| self.folder.path().join(name));
    }

    /// Puts servers of this machine into its network, by the port there and the one here, from the next start on.
    pub(crate) fn reach(&mut self, address: &str, ports: &[(u16, u16)]) {
        // A program for each connection: what QEMU connects by itself is one for all of them.
        let lead = |(there, here): &(u16, u16)| {
            format!(",guestfwd=tcp:{address}:{there}-cmd:busybox nc 127.0.0.1 {here}")
        };
        self.others = ports.iter().map(lead).collect();
    }

    /// Takes the second disk out.
    pub(crate) fn detach(&mut self) -> Option<(PathBuf, Access)> {
        self.second_disk.take()
    }

    /// A folder for what a test needs beside the machine.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Changes the boot loader's variables of a machine that is off.
    pub(crate) fn set_boot_variables(&self, pairs: &[(&str, &str)]) -> Result<(), String> {
        let start = self.partition_start(2)?;
        let partition = format!("{}@@{start}", self.disk().display());
        let kept = self.folder.path().join("grubenv");
        run(Command::new("mcopy").args(["-n", "-i", &partition, "::grub/grubenv"]).arg(&kept))?;
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        run(Command::new("grub-editenv").arg(&kept).arg("set").args(pairs))?;
        run(Command::new("mcopy").args(["-o", "-i", &partition]).arg(&kept).arg("::grub/grubenv"))
            .and_then(|_| std::fs::remove_file(kept).map_err(|error| error.to_string()))
    }

    /// Where a partition begins on the disk, in bytes.
    pub(crate) fn partition_start(&self, number: u8) -> Result<u64, String> {
        let printed = run(Command::new("sgdisk").arg(format!("--info={number}")).arg(self.disk()))?;
        let sector = printed.lines().find_map(|line| line.strip_prefix("First sector: "));
        let sector = sector.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        sector.map(|sector| sector * 512).ok_or(format!("no partition {number}: {printed}"))
    }

    /// Switches it on and waits for the shell.
    pub(crate) fn boot(&mut self) -> Result<(), String> {
        self.switch_on()?;
        self.wait_for_shell(0)
    }

    /// Switches it on.
    pub(crate) fn switch_on(&mut self) -> Result<(), String> {
        let at = |name: &str| self.folder.path().join(name);
        let log = File::options().create(true).append(true).open(at("qemu.log"));
        let log = log.map_err(|error| error.to_string())?;
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024"]);
        command.args(["-nodefaults", "-display", "none", "-device", "virtio-rng-pci"]);
        for options in [
            format!("if=pflash,format=raw,unit=0,file={FIRMWARE},readonly=on"),
            format!("if=pflash,format=raw,unit=1,file={}", at("firmware.fd").display()),
        ] {
            command.args(["-drive", &options]);
        }
        add_disk(&mut command, 1, &self.disk, Access::Write);
        if let Some((disk, access)) = &self.second_disk {
            add_disk(&mut command, 2, disk, *access);
        }
        let (http, https) = (self.http, self.https);
        let forward = format!(
            "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{http}-:8080,hostfwd=tcp:127.0.0.1:{https}-:8443{}",
            self.others
        );
        command.args(["-netdev", &forward, "-device", "virtio-net-pci,netdev=net,romfile="]);
        let mut listeners = Vec::new();
        for name in ["console", "shell"] {
            let (socket, log) = (at(name), at(&format!("{name}.log")));
            let _ = std::fs::remove_file(&socket);
            listeners.push(UnixListener::bind(&socket).map_err(|error| error.to_string())?);
            let (socket, log) = (socket.display(), log.display());
            let port = format!("socket,id={name},path={socket},logfile={log},logappend=on");
            command.args(["-chardev", &port, "-serial", &format!("chardev:{name}")]);
        }
        let tpm = self.tpm.as_ref().map(|state| start_tpm(state, &mut command)).transpose()?;
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(|e| e.to_string())?);
        let process = command.stderr(log).spawn();
        let process = process.map_err(|error| format!("qemu-system-x86_64: {error}"))?;
        let console = connected(&listeners[0])?;
        let shell = connected(&listeners[1])?;
        self.running = Some(Running { process, tpm, console, shell, mark: 0 });
        Ok(())
    }

    /// Waits until the shell says again, after `mark`, that it is there: the machine has started anew.
    pub(crate) fn wait_for_shell(&mut self, mark: usize) -> Result<(), String> {
        let running = self.running.as_mut().ok_or("the machine is off")?;
        let ready = |said: &str| said.find("@@ready\n").map(|at| mark + at);
        let found = running.shell.wait(mark, BOOT_LIMIT, ready);
        running.mark = found.map_err(|error| {
            format!("{error}\nand on the console:\n{}", running.console.since(0))
        })?;
        Ok(())
    }

    /// How much was said on the shell's port; see [`wait_for_shell`](Self::wait_for_shell).
    pub(crate) fn shell_mark(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.shell.mark())
    }

    /// The console's serial port.
    pub(crate) fn console(&self) -> Result<&Line, String> {
        self.running.as_ref().map(|running| &running.console).ok_or("the machine is off".to_owned())
    }

    /// Runs a command as root inside; what it printed, or that it failed.
    pub(crate) fn inside(&mut self, command: &str) -> Result<String, String> {
        let running = self.running.as_mut().ok_or("the machine is off")?;
        let mark = running.shell.mark();
        running.shell.send(&format!("{command}\n"))?;
        let (said, code) = running.shell.wait(mark, COMMAND_LIMIT, |said| {
            let (before, after) = said.rsplit_once("\n@@done ")?;
            let code = after.strip_suffix('\n')?.parse::<i32>().ok()?;
            Some((before.to_owned(), code))
        })?;
        if code == 0 { Ok(said) } else { Err(format!("{command}: exit {code}\n{said}")) }
    }

    /// The same again and again inside until it succeeds.
    pub(crate) fn until(&mut self, seconds: u32, command: &str) -> Result<(), String> {
        let inner = command.replace('\'', "'\\''");
        let waiting =
            format!("timeout {seconds} sh -c 'until {inner}; do sleep 1; done' >/dev/null");
        let waited = self.inside(&waiting);
        waited.map(drop).map_err(|_| {
            let now = self.inside(command).unwrap_or_else(|error| error);
            format!("not in {seconds} s: {now}")
        })
    }

    /// Waits until it has switched itself off.
    pub(crate) fn wait_for_off(&mut self) -> Result<(), String> {
        let running = self.running.as_ref().ok_or("the machine is off")?;
        running.console.wait_for_end(COMMAND_LIMIT)?;
        self.cut_power();
        Ok(())
    }

    /// Takes its power away.
    pub(crate) fn cut_power(&mut self) {
        if let Some(mut running) = self.running.take() {
            for process in std::iter::once(&mut running.process).chain(&mut running.tpm) {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut_power();
        if let Some(kept) = std::env::var_os("IMAGE_TEST_LOGS") {
            for log in ["console.log", "shell.log", "qemu.log"] {
                let _ = std::fs::copy(self.folder.path().join(log), Path::new(&kept).join(log));
            }
        }
    }
}

/// A TPM 2.0 in a process of its own, which keeps its state in a folder.
fn start_tpm(state: &Path, command: &mut Command) -> Result<Child, String> {
    std::fs::create_dir_all(state).map_err(|error| error.to_string())?;
    let socket = state.join("control");
    let _ = std::fs::remove_file(&socket);
    let mut tpm = Command::new("swtpm");
    tpm.args(["socket", "--tpm2", "--flags", "startup-clear"]);
    tpm.arg("--tpmstate").arg(format!("dir={}", state.display()));
    tpm.arg("--ctrl").arg(format!("type=unixio,path={}", socket.display()));
    let mut tpm = tpm
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("swtpm: {error}"))?;
    for _ in 0..TPM_LOOKS {
        if socket.exists() {
            command.args(["-chardev", &format!("socket,id=tpm,path={}", socket.display())]);
            command.args([
                "-tpmdev",
                "emulator,id=tpm0,chardev=tpm",
                "-device",
                "tpm-crb,tpmdev=tpm0",
            ]);
            return Ok(tpm);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = tpm.kill();
    let _ = tpm.wait();
    Err("swtpm does not start".to_owned())
}

/// A disk of the guest; the firmware starts from the one with the lowest number.
fn add_disk(command: &mut Command, number: u8, file: &Path, access: Access) {
    let read_only = if access == Access::Read { "on" } else { "off" };
    let file = file.display();
    let id = format!("disk{number}");
    let drive = format!("if=none,id={id},format=raw,cache=unsafe,readonly={read_only},file={file}");
    let device = format!("virtio-blk-pci,drive={id},bootindex={number}");
    command.args(["-drive", &drive, "-device", &device]);
}

/// Runs a program of this machine; what it printed, or why it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{name}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// The serial port that QEMU connects.
fn connected(listener: &UnixListener) -> Result<Line, String> {
    let mut waiting = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let count = poll(&mut waiting, PollTimeout::from(CONNECT_LIMIT_MS));
    if count.map_err(|error| error.to_string())? == 0 {
        return Err("QEMU does not start: see qemu.log".to_owned());
    }
    let stream = listener.accept().map_err(|error| error.to_string())?.0;
    Line::of(stream).map_err(|error| error.to_string())
}

/// A port that nobody has now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0");
    listener.and_then(|listener| listener.local_addr()).map_or(18080, |address| address.port())
}
