//! `fossilsafe verify`: read copies again and compare their hashes.

use clap::{ArgGroup, Args};

use super::Context;
use super::follow::DetachOption;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, RunId, SetName};
use crate::jobs::spec::{VerifyScope, VerifySpec};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("scope").required(true).args(["set", "run", "cartridge"])))]
pub(super) struct VerifyArguments {
    /// The newest run of this set, with every copy that it refers to
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Every copy of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Every copy on this cartridge
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
    #[command(flatten)]
    wait: DetachOption,
}

pub(super) fn run(arguments: VerifyArguments, context: &Context) -> Result<Exit, AppError> {
    let scope = match (arguments.set, arguments.run, arguments.cartridge) {
        (Some(set), _, _) => VerifyScope::Set(set),
        (_, Some(run), _) => VerifyScope::Run(RunId(run)),
        (_, _, Some(barcode)) => VerifyScope::Cartridge(barcode),
        (None, None, None) => {
            return Err(AppError::Usage("name a set, a run or a cartridge".to_owned()));
        }
    };
    let job = context.client.post("/api/verify", &VerifySpec { scope })?;
    arguments.wait.apply(&job, context)
}
