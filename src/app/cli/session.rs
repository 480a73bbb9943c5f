//! `fossilsafe session`: who is signed in at this moment.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, moment};
use crate::api::types::{OpenSessionView, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};

const SESSIONS: &str = "/api/sessions";

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// List open sessions, one's own or for admins all
    List,
    /// End a session
    End(EndArguments),
}

#[derive(Debug, Args)]
pub(super) struct EndArguments {
    /// Its number, as `session list` shows it
    id: i64,
}

pub(super) fn run(command: &SessionCommand, context: &Context) -> Result<Exit, AppError> {
    let id = match command {
        SessionCommand::List => return list(context),
        SessionCommand::End(EndArguments { id }) => id,
    };
    let () = context.client.delete(Address::new(SESSIONS).part(&id.to_string()).as_str())?;
    context.done(&format!("Session {id} has ended."))
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let sessions: Page<OpenSessionView> = context.client.get(SESSIONS)?;
    if context.output.is_json {
        context.output.json(&sessions)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["ID", "USER", "FROM", "SINCE", "LAST USED", "PROGRAM"]);
    for session in sessions.items {
        table.row(vec![
            session.id.to_string(),
            session.user,
            session.address,
            moment(session.created),
            moment(session.last_seen),
            session.agent,
        ]);
    }
    context.output.table(&table, "Nobody is signed in.")?;
    Ok(Exit::Done)
}
