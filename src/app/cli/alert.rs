//! `fossilsafe alert`: what needs or needed a person.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, moment, or_dash};
use crate::api::types::{AcknowledgeRequest, AlertView};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};

const ALERTS: &str = "/api/alerts";

#[derive(Debug, Subcommand)]
pub(super) enum AlertCommand {
    /// List what needs a person, or with --all also what is over
    List(ListArguments),
    /// Take note of an alert: what happened once is then over
    Ack(AckArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Also what is over
    #[arg(long)]
    all: bool,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct AckArguments {
    /// Its number, as `alert list` shows it
    id: i64,
    /// What others should know
    #[arg(long)]
    note: Option<String>,
}

pub(super) fn run(command: AlertCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        AlertCommand::List(arguments) => list(&arguments, context),
        AlertCommand::Ack(AckArguments { id, note }) => {
            let path = Address::new(ALERTS).part(&id.to_string()).part("acknowledge");
            let alert: AlertView =
                context.client.post(path.as_str(), &AcknowledgeRequest { note })?;
            let goes_on =
                if alert.ended.is_none() { " It goes on until it is so no more." } else { "" };
            context.output.report(&alert, &format!("You have taken note of alert {id}.{goes_on}"))
        }
    }
}

fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, AppError> {
    let open = (!arguments.all).then_some(true);
    let address = Address::new(ALERTS).query_if("open", open.as_ref());
    let alerts = context.client.list::<AlertView>(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&alerts)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["ID", "SEVERITY", "SINCE", "OVER", "NOTED BY", "WHAT", "NEXT STEP"]);
    for alert in alerts.items {
        table.row(vec![
            alert.id.to_string(),
            alert.severity.name().to_owned(),
            moment(alert.raised),
            or_dash(alert.ended.map(moment).as_ref()),
            or_dash(alert.acknowledged_by.as_ref()),
            alert.sentence,
            alert.next_step,
        ]);
    }
    context.output.table(&table, "Nothing needs a person.")?;
    Ok(Exit::Done)
}
