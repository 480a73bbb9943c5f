//! `fossilsafe catalog`: check it, fill it from tapes.

use clap::{Args, Subcommand};

use super::Context;
use super::follow::DetachOption;
use crate::api::types::CatalogCheck;
use crate::app::error::{AppError, Exit};
use crate::domain::Barcode;
use crate::jobs::spec::RebuildSpec;

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Read what cartridges say about themselves into the catalog
    Rebuild(RebuildArguments),
    /// Check the catalog's file and its sums
    Check,
}

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    /// Only these cartridges; without any, every cartridge in the library
    #[arg(value_name = "BARCODE")]
    barcodes: Vec<Barcode>,
    #[command(flatten)]
    wait: DetachOption,
}

pub(super) fn run(command: CatalogCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        CatalogCommand::Rebuild(arguments) => {
            let spec = RebuildSpec { barcodes: arguments.barcodes };
            let job = context.client.post("/api/catalog/rebuild", &spec)?;
            arguments.wait.apply(&job, context)
        }
        CatalogCommand::Check => check(context),
    }
}

fn check(context: &Context) -> Result<Exit, AppError> {
    let found: CatalogCheck = context.client.get("/api/catalog/check")?;
    if context.output.is_json {
        context.output.json(&found)?;
    } else {
        context.output.line(&found.sentence)?;
        for problem in &found.problems {
            context.output.line(&format!("  {problem}"))?;
        }
    }
    Ok(if found.is_sound { Exit::Done } else { Exit::Failed })
}
