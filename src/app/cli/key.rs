//! `fossilsafe key`: what programs sign in with.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, list as in_one, moment_or_dash, or_dash};
use crate::api::types::{ApiKeyView, MadeApiKey, NewApiKeyRequest, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::people::{Role, Scope};

const KEYS: &str = "/api/keys";
const SECONDS_PER_DAY: u64 = 86_400;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List API keys, one's own or for admins all
    List,
    /// Make an API key; it is shown this once
    Create(CreateArguments),
    /// Take an API key away
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// What the key is for
    name: String,
    /// What it may do at most: viewer, operator or admin
    #[arg(long)]
    role: Role,
    /// A part of the API that it opens, as jobs:read or library:write; all parts without this
    #[arg(long = "scope", value_name = "PART:ACCESS")]
    scopes: Vec<Scope>,
    /// How many days it lives; for ever without this
    #[arg(long, value_name = "N")]
    days: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    /// Its number, as `key list` shows it
    id: i64,
}

pub(super) fn run(command: KeyCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        KeyCommand::List => list(context),
        KeyCommand::Create(arguments) => create(arguments, context),
        KeyCommand::Revoke(RevokeArguments { id }) => {
            let () = context.client.delete(Address::new(KEYS).part(&id.to_string()).as_str())?;
            context.done(&format!("Key {id} opens nothing any more."))
        }
    }
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let keys: Page<ApiKeyView> = context.client.get(KEYS)?;
    if context.output.is_json {
        context.output.json(&keys)?;
        return Ok(Exit::Done);
    }
    let head = ["ID", "NAME", "BEGINS WITH", "USER", "ROLE", "SCOPES", "ENDS", "LAST USED", "FROM"];
    let mut table = Table::new(&head);
    for key in keys.items {
        table.row(vec![
            key.id.to_string(),
            key.name,
            key.shown,
            or_dash(key.user.as_ref()),
            key.role.to_string(),
            in_one(&key.scopes),
            moment_or_dash(key.expires),
            moment_or_dash(key.last_used),
            or_dash(key.last_address.as_ref()),
        ]);
    }
    context.output.table(&table, "There are no API keys.")?;
    Ok(Exit::Done)
}

fn create(arguments: CreateArguments, context: &Context) -> Result<Exit, AppError> {
    let CreateArguments { name, role, scopes, days } = arguments;
    let life_seconds = days.map(|days| u64::from(days) * SECONDS_PER_DAY);
    let request = NewApiKeyRequest { name, role, scopes, life_seconds };
    let made: MadeApiKey = context.client.post(KEYS, &request)?;
    if context.output.is_json {
        context.output.json(&made)?;
    } else {
        context.output.line(made.secret.reveal())?;
    }
    Ok(Exit::Done)
}
