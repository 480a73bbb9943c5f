//! `fossilsafe verify`: read copies again and compare their hashes.

use clap::{ArgGroup, Args};

use super::Context;
use super::follow::DetachOption;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, RunId, SetName};
use crate::jobs::spec::{Priority, VerifyScope, VerifySpec};

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    task: VerifyTask,
    #[command(flatten)]
    wait: DetachOption,
}

/// What is to be read again.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("scope").required(true).args(["set", "run", "cartridge"])))]
pub(super) struct VerifyTask {
    /// The newest run of this set, with every copy that it refers to
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Every copy of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Every copy on this cartridge
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
    /// Whose turn it is among jobs that wait for a drive: high, normal or low
    #[arg(long, value_name = "PRIORITY", default_value_t = Priority::default())]
    priority: Priority,
}

pub(super) fn run(arguments: VerifyArguments, context: &Context) -> Result<Exit, AppError> {
    let job = context.client.post("/api/verify", &arguments.task.spec()?)?;
    arguments.wait.apply(&job, context)
}

impl VerifyTask {
    /// As the engine is asked for it.
    pub(super) fn spec(self) -> Result<VerifySpec, AppError> {
        let scope = match (self.set, self.run, self.cartridge) {
            (Some(set), _, _) => VerifyScope::Set(set),
            (_, Some(run), _) => VerifyScope::Run(RunId(run)),
            (_, _, Some(barcode)) => VerifyScope::Cartridge(barcode),
            (None, None, None) => {
                return Err(AppError::Usage("name a set, a run or a cartridge".to_owned()));
            }
        };
        Ok(VerifySpec { scope, priority: self.priority })
    }
}
