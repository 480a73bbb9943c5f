//! `fossilsafe status` and `fossilsafe version`.

use super::Context;
use super::output::{Output, Table};
use crate::api::types::{HealthStatus, HealthView, VersionView};
use crate::app::error::{AppError, Exit};

/// Whether the engine works and what needs a person.
pub(super) fn run(context: &Context) -> Result<Exit, AppError> {
    let health: HealthView = context.client.get_any_status("/api/healthz")?;
    let output = &context.output;
    if output.is_json {
        output.json(&health)?;
    } else {
        output.line(&health.sentence)?;
        let mut table = Table::new(&["FINDING", "ABOUT", "WHAT", "NEXT STEP"]);
        for finding in health.findings {
            let severity = finding.severity.name().to_owned();
            let cells = [severity, finding.subject, finding.sentence, finding.next_step];
            table.row(cells.to_vec());
        }
        output.table(&table, "Nothing needs a person.")?;
    }
    Ok(match health.status {
        HealthStatus::Ok => Exit::Done,
        HealthStatus::Attention => Exit::NeedsOperator,
        HealthStatus::Failed => Exit::Failed,
    })
}

/// Which version this is.
pub(super) fn version(output: &Output) -> Result<Exit, AppError> {
    let view = VersionView::current();
    if output.is_json {
        output.json(&view)?;
    } else {
        output.line(&format!("{} {}", view.product, view.version))?;
    }
    Ok(Exit::Done)
}
