//! `fossilsafe diagnostics`: what somebody who helps has to know, in one file without secrets.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::Context;
use crate::api::types::DiagnosticsBundle;
use crate::app::error::{AppError, Exit};

#[derive(Debug, Args)]
pub(super) struct DiagnosticsArguments {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(arguments: &DiagnosticsArguments, context: &Context) -> Result<Exit, AppError> {
    let to = &arguments.to;
    let bundle: DiagnosticsBundle = context.client.get("/api/diagnostics/bundle")?;
    let text = serde_json::to_vec_pretty(&bundle).map_err(std::io::Error::from)?;
    let written = File::create_new(to).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()
    });
    let what = || format!("cannot write {}", to.display());
    written.map_err(|source| AppError::Io { what: what(), source })?;
    context.done(&format!(
        "{} names sets, files and this machine, and holds no secret; read it before you send it.",
        to.display()
    ))
}
