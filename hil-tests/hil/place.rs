//! Where the devices of a rig are, and how something is done there: inside of the bench image or at this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Machine, run as run_here};
use crate::rig::{PlaceKind, Rig};

/// How long the devices may take to appear, and an engine to answer.
const WAIT_SECONDS: u32 = 300;
const ENGINE: &str = "fossilsafe-engine.service";
/// The engine's own data folder on this machine; no other engine's is touched.
const DATA: &str = "/tmp/fossilsafe-hil";

/// Where the program of the tests and the rig file are inside of the bench image.
const TESTS: &str = "/run/tests";

pub(crate) enum Place {
    /// The bench image; its engine is a service.
    Bench(Box<Machine>),
    /// This machine.
    Here {
        /// Where the program is.
        folder: PathBuf,
        /// The rig file.
        rig: PathBuf,
    },
}

impl Place {
    /// Switches it on if it is off, and makes the devices appear.
    pub(crate) fn open(rig: &Rig, file: &Path) -> Result<Self, String> {
        let mut place = match rig.place {
            PlaceKind::Bench => {
                let bench = std::env::var_os("IMAGE_TEST_BENCH").unwrap_or("target/bench".into());
                let image = Path::new(&bench).join("1.0.0/fossilsafe.img");
                let mut machine = Box::new(Machine::flash(&image)?);
                let files = [("hil", own_program()?), ("rig.toml", file.to_owned())];
                machine.attach_files(&files.map(|(name, file)| (name.to_owned(), file)))?;
                switch_on(&mut machine)?;
                Self::Bench(machine)
            }
            PlaceKind::Here => {
                let program = Path::new(env!("CARGO_BIN_EXE_fossilsafe"));
                let folder = program.parent().unwrap_or(program).to_owned();
                Self::Here { folder, rig: file.to_owned() }
            }
        };
        rig.prepare.as_ref().map_or(Ok(()), |command| place.run(command).map(drop))?;
        Ok(place)
    }

    /// Does it as root; what was printed, or that it failed.
    pub(crate) fn run(&mut self, command: &str) -> Result<String, String> {
        match self {
            Self::Bench(machine) => machine.inside(command),
            Self::Here { folder, .. } => {
                let path = std::env::var("PATH").unwrap_or_default();
                let path = format!("{}:{path}", folder.display());
                run_here(Command::new("sh").arg("-c").arg(command).env("PATH", path))
            }
        }
    }

    /// The command that starts the program of the tests there, with an option and the rig file.
    pub(crate) fn program(&self, option: &str) -> String {
        match self {
            Self::Bench(_) => format!("{TESTS}/hil {option} {TESTS}/rig.toml"),
            Self::Here { rig, .. } => {
                let program = own_program().unwrap_or_default();
                format!("'{}' {option} '{}'", program.display(), rig.display())
            }
        }
    }

    /// An engine that has the devices, and answers.
    pub(crate) fn start_engine(&mut self) -> Result<(), String> {
        let start = match self {
            Self::Bench(_) => format!("systemctl restart {ENGINE}"),
            Self::Here { .. } => format!(
                "mkdir -p {DATA}; (setsid fossilsafe run --devices --data {DATA}/data \
                 >{DATA}/engine.log 2>&1 & echo $! >{DATA}/pid)"
            ),
        };
        self.run(&start)?;
        self.run(&format!(
            "n=0; until fossilsafe library show >/dev/null 2>&1; do n=$((n + 1)); \
             [ $n -lt {WAIT_SECONDS} ] || exit 1; sleep 1; done"
        ))
        .map(drop)
    }

    /// Its jobs reach a safe point. Nothing to do if there is none.
    pub(crate) fn stop_engine(&mut self) -> Result<(), String> {
        let stop = match self {
            Self::Bench(_) => format!("systemctl stop {ENGINE}"),
            Self::Here { .. } => format!(
                "[ -e {DATA}/pid ] || exit 0; p=$(cat {DATA}/pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 1; done; \
                 rm {DATA}/pid"
            ),
        };
        self.run(&stop).map(drop)
    }

    /// What [`crash`](Self::crash) is here.
    pub(crate) fn name_of_crash(&self) -> &'static str {
        match self {
            Self::Bench(_) => "the machine loses its power, and comes back",
            Self::Here { .. } => "the engine is killed, and another takes its place",
        }
    }

    /// The worst that can be done to an engine here; then there is one again.
    pub(crate) fn crash(&mut self) -> Result<(), String> {
        if let Self::Bench(machine) = self {
            machine.cut_power();
            return switch_on(machine);
        }
        self.run(&format!("kill -9 $(cat {DATA}/pid); rm {DATA}/pid"))?;
        self.start_engine()
    }
}

/// Switches the bench image on and waits until its engine answers.
fn switch_on(machine: &mut Machine) -> Result<(), String> {
    machine.boot()?;
    machine.inside(&format!("mkdir -p {TESTS} && mount -o ro /dev/vdb {TESTS}"))?;
    machine.until(WAIT_SECONDS, "fossilsafe status >/dev/null")
}

fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}

impl Drop for Place {
    fn drop(&mut self) {
        if matches!(self, Self::Here { .. }) {
            let _ = self.run(&format!("kill $(cat {DATA}/pid 2>/dev/null) 2>/dev/null"));
        }
    }
}
