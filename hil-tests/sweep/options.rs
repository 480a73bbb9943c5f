//! What to sweep, from the command line; also what cargo and the gate pass to every test program.

use std::path::PathBuf;
use std::time::Duration;

use crate::faults::table;
use crate::host::Failed;
use crate::points::Place;
use crate::rig::Keeping;

/// Points of each scenario in the short form: the gate has some minutes for it.
const SAMPLE: usize = 80;
/// Which sample that is. A gate that fails by chance blames the wrong change; new points are tried by
/// `scripts/sweep`, which tries them all, and by `--random`.
const SAMPLE_SEED: u64 = 1;

const HELP: &str = "\
Usage: sweep [--whole | --random SECONDS] [--seed N] [--scenario NAME] [--point NAME] [--work DIR]
             [--disk]

Disturbs every job at every command and looks whether anything was lost. Without options a sample.

  --whole            every point of every scenario
  --random SECONDS   several faults at once, over several lives, for so long
  --seed N           which sample (1), or which faults (another each time); printed by each run
  --scenario NAME    this scenario only
  --point NAME       this point only, or those whose name begins so, with how the job first ended
  --work DIR         work in this folder instead of $TMPDIR; in /dev/shm it is quicker
  --disk             give the host a disk of its own, ext4 on a file: a power cut takes what was not synced, names and
                     renames too. For root; the sample does so where it can
  --help             this text
";

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Sample,
    Whole,
    Random { lasts: Duration },
}

pub(crate) struct Options {
    pub(crate) extent: Extent,
    pub(crate) seed: u64,
    pub(crate) work: PathBuf,
    pub(crate) keeping: Option<Keeping>,
    scenario: Option<String>,
    point: Option<String>,
}

impl Options {
    /// Nothing if there is nothing to be done.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            extent: Extent::Sample,
            seed: SAMPLE_SEED,
            work: std::env::temp_dir(),
            keeping: None,
            scenario: None,
            point: None,
        };
        let mut arguments = arguments;
        let mut seed_wanted = None;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
            match argument.as_str() {
                "--whole" => options.extent = Extent::Whole,
                "--random" => {
                    let lasts = Duration::from_secs(number(value()?)?);
                    options.extent = Extent::Random { lasts };
                }
                "--seed" => {
                    options.seed = number(value()?)?;
                    seed_wanted = Some(options.seed);
                }
                "--scenario" => options.scenario = Some(value()?),
                "--point" => options.point = Some(value()?),
                "--work" => options.work = value()?.into(),
                "--disk" => options.keeping = Some(Keeping::Disk),
                "--help" => {
                    print!("{HELP}");
                    return Ok(None);
                }
                // What every test program is passed.
                "--include-ignored" | "--ignored" | "--nocapture" | "--no-capture" | "--quiet"
                | "-q" | "--exact" | "--show-output" => {}
                "--test-threads" | "--color" | "--format" | "--skip" => drop(value()?),
                "--list" => return Ok(None),
                unknown if unknown.starts_with('-') => return Err(format!("what is {unknown}")),
                // A name of other tests.
                filter if !"sweep".contains(filter) => return Ok(None),
                _ => {}
            }
        }
        if seed_wanted.is_none() && options.extent != Extent::Sample {
            options.seed = another_seed();
        }
        println!("seed {}", options.seed);
        Ok(Some(options))
    }

    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.scenario.as_ref().is_none_or(|wanted| wanted == scenario)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.extent == Extent::Whole
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.point.is_some()
    }

    /// The points that are tried.
    pub(crate) fn choose(&self, scenario: &str, all: &[Place]) -> Result<Vec<Place>, Failed> {
        let table = table();
        if let Some(name) = &self.point {
            let is_named = |place: &&Place| {
                let full = place.name(&table);
                full == *name || full.split('@').next() == Some(name)
            };
            let chosen: Vec<_> = all.iter().filter(is_named).copied().collect();
            if chosen.is_empty() {
                return Err(format!("{scenario} has no point {name}").into());
            }
            return Ok(chosen);
        }
        if self.extent == Extent::Whole {
            return Ok(all.to_vec());
        }
        let step = all.len().div_ceil(SAMPLE).max(1);
        let first = usize::try_from(self.seed)? % step;
        Ok(all.iter().skip(first).step_by(step).copied().collect())
    }
}

/// Another one with each run that is meant to find what no run before it found.
fn another_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
