//! `fossilsafe vtl serve`: a virtual library as devices of this machine's kernel, until a signal.
//!
//! What the appliance is tested with on real device nodes where there is no tape library: everything from
//! SG_IO down to the kernel's initiator is then the same as on iron.

use super::output::Output;
use crate::app::error::{AppError, Exit};
use crate::app::serve::Signals;
use crate::vtl::{VirtualLibrary, tcmu};

/// Serves until SIGTERM or SIGINT; says one line once the devices are there.
pub(super) fn serve(library: &VirtualLibrary, output: &Output) -> Result<Exit, AppError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| AppError::Io { what: "cannot start".to_owned(), source })?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let served = tcmu::serve(library).map_err(|error| {
            AppError::offline("cannot serve the library to the kernel", &error, error.next_step())
        })?;
        let (drives, serial) = (library.drive_count(), library.serial());
        if output.is_json {
            output.json(&serde_json::json!({ "library": serial.0, "drives": drives }))?;
        } else {
            output.line(&format!(
                "serving library {serial} with {drives} drives to this kernel until Ctrl-C"
            ))?;
        }
        signals.next().await;
        drop(served);
        Ok(Exit::Done)
    })
}
