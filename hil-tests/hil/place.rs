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

pub(crate) enum Place {
    /// The bench image; its engine is a service.
    Bench(Box<Machine>),
    /// This machine, with the program in this folder.
    Here(PathBuf),
}

impl Place {
    /// Switches it on if it is off, and makes the devices appear.
    pub(crate) fn open(rig: &Rig) -> Result<Self, String> {
        let mut place = match rig.place {
            PlaceKind::Bench => {
                let bench = std::env::var_os("IMAGE_TEST_BENCH").unwrap_or("target/bench".into());
                let image = Path::new(&bench).join("1.0.0/fossilsafe.img");
                let mut machine = Box::new(Machine::flash(&image)?);
                machine.boot()?;
                machine.until(WAIT_SECONDS, "fossilsafe status >/dev/null")?;
                Self::Bench(machine)
            }
            PlaceKind::Here => {
                let program = Path::new(env!("CARGO_BIN_EXE_fossilsafe"));
                Self::Here(program.parent().unwrap_or(program).to_owned())
            }
        };
        rig.prepare.as_ref().map_or(Ok(()), |command| place.run(command).map(drop))?;
        Ok(place)
    }

    /// Does it as root; what was printed, or that it failed.
    pub(crate) fn run(&mut self, command: &str) -> Result<String, String> {
        match self {
            Self::Bench(machine) => machine.inside(command),
            Self::Here(folder) => {
                let path = std::env::var("PATH").unwrap_or_default();
                let path = format!("{}:{path}", folder.display());
                run_here(Command::new("sh").arg("-c").arg(command).env("PATH", path))
            }
        }
    }

    /// An engine that has the devices, and answers.
    pub(crate) fn start_engine(&mut self) -> Result<(), String> {
        let start = match self {
            Self::Bench(_) => format!("systemctl restart {ENGINE}"),
            Self::Here(_) => format!(
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

    /// Its jobs reach a safe point.
    pub(crate) fn stop_engine(&mut self) -> Result<(), String> {
        let stop = match self {
            Self::Bench(_) => format!("systemctl stop {ENGINE}"),
            Self::Here(_) => format!(
                "p=$(cat {DATA}/pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 1; done; \
                 rm {DATA}/pid"
            ),
        };
        self.run(&stop).map(drop)
    }

    /// Ends it as a power failure does.
    pub(crate) fn kill_engine(&mut self) -> Result<(), String> {
        let kill = match self {
            Self::Bench(_) => format!("systemctl kill --signal=KILL {ENGINE}"),
            Self::Here(_) => format!("kill -9 $(cat {DATA}/pid); rm {DATA}/pid"),
        };
        self.run(&kill).map(drop)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if matches!(self, Self::Here(_)) {
            let _ = self.run(&format!("kill $(cat {DATA}/pid 2>/dev/null) 2>/dev/null"));
        }
    }
}
