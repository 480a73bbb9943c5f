//! `fossilsafe evidence`: what is proven, and what is missing.

use clap::{ArgGroup, Args};

use super::Context;
use super::output::{Table, grouped, or_dash, size};
use crate::api::types::{EvidenceState, EvidenceTable};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, SetName};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("scope").args(["set", "run", "cartridge"])))]
pub(super) struct EvidenceArguments {
    /// Of the newest run of this set
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Of every copy on this cartridge
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
}

pub(super) fn run(arguments: &EvidenceArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/evidence")
        .query_if("set", arguments.set.as_ref())
        .query_if("run", arguments.run.as_ref())
        .query_if("cartridge", arguments.cartridge.as_ref());
    let evidence: EvidenceTable = context.client.get(address.as_str())?;
    let exit = if evidence.is_complete { Exit::Done } else { Exit::Failed };
    let output = &context.output;
    if output.is_json {
        output.json(&evidence)?;
        return Ok(exit);
    }
    output.line(&format!("Evidence for {}", evidence.scope))?;
    output.line(&evidence.sentence)?;
    output.line("")?;
    output.line(&table(&evidence).text())?;
    if !evidence.copies.is_empty() {
        let mut table = Table::new(&["COPY", "INDEXED OR BETTER", "READ BACK", "FILES"]);
        for copy in &evidence.copies {
            let from = |least: EvidenceState| -> u64 {
                copy.rows.iter().filter(|row| row.state >= least).map(|row| row.files).sum()
            };
            let left_out: u64 = copy.left_out.iter().map(|row| row.files).sum();
            table.row(vec![
                copy.copy.to_string(),
                grouped(from(EvidenceState::Indexed)),
                grouped(from(EvidenceState::ReadBack)),
                grouped(from(EvidenceState::Planned) + left_out),
            ]);
        }
        output.line("")?;
        output.line(&table.text())?;
    }
    if !evidence.cartridges.is_empty() {
        let mut table = Table::new(&["CARTRIDGE", "WHERE", "AT LEAST", "FILES", "SIZE", "VOLUME"]);
        for cartridge in &evidence.cartridges {
            let place = if cartridge.is_present { "in the library" } else { "not here" };
            table.row(vec![
                or_dash(cartridge.barcode.as_ref()),
                place.to_owned(),
                cartridge.weakest.name().replace('_', " "),
                grouped(cartridge.files),
                size(cartridge.bytes),
                cartridge.volume.to_string(),
            ]);
        }
        output.line("")?;
        output.line(&table.text())?;
    }
    Ok(exit)
}

/// Each planned file in exactly one row, and their sum.
fn table(evidence: &EvidenceTable) -> Table {
    let mut table = Table::new(&["EVIDENCE", "FILES", "SIZE", "MEANING"]);
    for row in &evidence.rows {
        table.row(vec![
            row.state.name().replace('_', " "),
            grouped(row.files),
            size(row.bytes),
            row.state.meaning().to_owned(),
        ]);
    }
    for row in &evidence.left_out {
        table.row(vec![
            row.reason.replace('_', " "),
            grouped(row.files),
            size(row.bytes),
            if row.reason == "copy_failed" { "its copy is bad" } else { "no copy on tape" }
                .to_owned(),
        ]);
    }
    let (files, bytes) = (grouped(evidence.files), size(evidence.bytes));
    table.row(vec!["all".to_owned(), files, bytes, "planned".to_owned()]);
    table
}
