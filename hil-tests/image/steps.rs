//! What is reported: one line a step, in the form that the gate counts.

use std::time::Instant;

/// The steps of one scenario; the first that fails ends it.
pub(crate) struct Steps {
    scenario: &'static str,
    begun: Instant,
}

/// A step has failed and was reported.
#[derive(Debug)]
pub(crate) struct Failed;

impl Steps {
    pub(crate) fn of(scenario: &'static str) -> Self {
        Self { scenario, begun: Instant::now() }
    }

    /// Reports how a step ended; what it found, if it went well.
    pub(crate) fn step<T>(&mut self, name: &str, ended: Result<T, String>) -> Result<T, Failed> {
        let seconds = self.begun.elapsed().as_secs();
        let scenario = self.scenario;
        ended.inspect(|_| println!("ok - {scenario}: {name} ({seconds} s)")).map_err(|why| {
            println!("not ok - {scenario}: {name} ({seconds} s)");
            eprintln!("{why}");
            Failed
        })
    }
}

/// `Ok` if it is so, else what was found.
pub(crate) fn ensure(is_so: bool, found: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(found()) }
}
