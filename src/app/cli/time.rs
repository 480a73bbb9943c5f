//! `fossilsafe time`: time zone, time servers, and whether the clock is right.

use clap::{Args, Subcommand};

use super::Context;
use super::output::Output;
use crate::api::types::{TimeSetting, TimeState};
use crate::app::error::{AppError, Exit};

const TIME: &str = "/api/system/time";

#[derive(Debug, Subcommand)]
pub(super) enum TimeCommand {
    /// Show time zone, time servers, and whether the clock is right
    Show,
    /// Set the time zone or the time servers; what is not named stays
    Set(SetArguments),
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Time zone, as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// A time server (NTP) besides those that the network names; at most four times
    #[arg(long = "time-server", value_name = "HOST", conflicts_with = "no_servers")]
    servers: Vec<String>,
    /// Only those that the network names
    #[arg(long)]
    no_servers: bool,
}

pub(super) fn run(command: TimeCommand, context: &Context) -> Result<Exit, AppError> {
    let client = &context.client;
    let mut state: TimeState = client.get(TIME)?;
    if let TimeCommand::Set(arguments) = command {
        state = client.put(TIME, &arguments.setting(state.setting))?;
    }
    show(&state, &context.output)
}

impl SetArguments {
    fn setting(self, before: TimeSetting) -> TimeSetting {
        let Self { zone, servers, no_servers } = self;
        let are_named = no_servers || !servers.is_empty();
        TimeSetting {
            time_zone: zone.unwrap_or(before.time_zone),
            time_servers: if are_named { servers } else { before.time_servers },
        }
    }
}

fn show(state: &TimeState, output: &Output) -> Result<Exit, AppError> {
    if output.is_json {
        output.json(state)?;
        return Ok(Exit::Done);
    }
    output.line(&format!("time zone     {}", state.setting.time_zone))?;
    if let Some(instead) = &state.instead {
        output.line(instead)?;
        return Ok(Exit::Done);
    }
    let clock = state.clock.clone().unwrap_or_default();
    output.line(&format!("time servers  {}", clock.servers.join(" ")))?;
    if let Some(server) = &clock.server {
        output.line(&format!("asked         {server}"))?;
    }
    if let Some(offset) = clock.offset_microseconds {
        output.line(&format!("was wrong by  {offset} µs when it was last compared"))?;
    }
    output.line(&clock.synchronised_at.map_or_else(
        || "No time server has set the clock since the start of the machine.".to_owned(),
        |at| format!("The clock was last set by a time server at {at}."),
    ))?;
    Ok(Exit::Done)
}
