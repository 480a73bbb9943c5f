//! `fossilsafe channel`: where notices go: webhooks, mail, SNMP traps.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::Context;
use super::output::{Table, list as in_one, moment, or_dash};
use super::user::typed;
use crate::api::types::{ChannelTest, ChannelView, DeliveryView, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::health::channel::Target;

const CHANNELS: &str = "/api/notifications/channels";
const DELIVERIES: &str = "/api/notifications/deliveries";

#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// List where notices go; never their secrets
    List,
    /// Set a webhook, which is signed with the secret
    Webhook(WebhookArguments),
    /// Set mail through a server; the secret is the user's password
    Mail(MailArguments),
    /// Set SNMP v2c traps; the secret is the community
    Snmp(SnmpArguments),
    /// Send a test to a channel and say what its receiver says
    Test(NameArguments),
    /// Remove a channel
    Remove(NameArguments),
    /// List what was sent and what came of it, newest first
    Deliveries(DeliveriesArguments),
}

#[derive(Debug, Args)]
pub(super) struct NameArguments {
    /// Its name, as `channel list` shows it
    name: String,
}

#[derive(Debug, Args)]
struct Wanted {
    /// Only what is at least so urgent
    #[arg(long, value_enum, default_value_t = Urgency::Warning)]
    severity: Urgency,
    /// Only this kind of event, as job_failed; may be repeated
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Send nothing for now
    #[arg(long)]
    disabled: bool,
    /// Read the secret from the first line of standard input; without this, the known one is kept
    #[arg(long)]
    secret_stdin: bool,
}

/// How urgent.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Urgency {
    Info,
    Warning,
    Critical,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Security {
    /// TLS from the first byte
    Tls,
    /// TLS after STARTTLS, or nothing is sent
    Starttls,
    /// None: only without a password
    None,
}

#[derive(Debug, Args)]
pub(super) struct WebhookArguments {
    /// A name for it
    name: String,
    /// Where to: https://… or http://…
    url: String,
    /// Certificates (PEM) that are trusted besides the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
pub(super) struct MailArguments {
    /// A name for it
    name: String,
    /// The mail server
    server: String,
    /// From whom
    #[arg(long)]
    from: String,
    /// To whom; may be repeated
    #[arg(long, required = true)]
    to: Vec<String>,
    /// Its port, if it is not the usual one
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is protected
    #[arg(long, value_enum, default_value_t = Security::Starttls)]
    security: Security,
    /// Who signs in there
    #[arg(long)]
    user: Option<String>,
    /// Certificates (PEM) that are trusted besides the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
pub(super) struct SnmpArguments {
    /// A name for it
    name: String,
    /// Who takes the traps
    server: String,
    /// Its port, if it is not 162
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesArguments {
    /// Only to this channel
    #[arg(long)]
    channel: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

pub(super) fn run(command: ChannelCommand, context: &Context) -> Result<Exit, AppError> {
    let path = |name: &str| Address::new(CHANNELS).part(name);
    match command {
        ChannelCommand::List => list(context),
        ChannelCommand::Webhook(WebhookArguments { name, url, ca, wanted }) => {
            let target = json!({ "kind": "webhook", "url": url, "ca_pem": pem(ca.as_deref())? });
            put(&name, &target, &wanted, context)
        }
        ChannelCommand::Mail(arguments) => {
            let MailArguments { name, server, from, to, port, security, user, ca, wanted } =
                arguments;
            let target = json!({
                "kind": "mail", "server": server, "port": port, "security": word(security),
                "user": user, "from": from, "to": to, "ca_pem": pem(ca.as_deref())?
            });
            put(&name, &target, &wanted, context)
        }
        ChannelCommand::Snmp(SnmpArguments { name, server, port, wanted }) => {
            let target = json!({ "kind": "snmp", "server": server, "port": port });
            put(&name, &target, &wanted, context)
        }
        ChannelCommand::Test(NameArguments { name }) => {
            let test: ChannelTest = context.client.post_empty(path(&name).part("test").as_str())?;
            let exit = if test.is_taken { Exit::Done } else { Exit::Failed };
            context.output.report(&test, &test.sentence)?;
            Ok(exit)
        }
        ChannelCommand::Remove(NameArguments { name }) => {
            let () = context.client.delete(path(&name).as_str())?;
            context.done(&format!("Nothing is sent to channel {name} any more."))
        }
        ChannelCommand::Deliveries(arguments) => deliveries(&arguments, context),
    }
}

/// The word of a choice, as the API has it.
fn word(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn pem(file: Option<&Path>) -> Result<Option<String>, AppError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| AppError::Io {
            what: format!("cannot read {}", path.display()),
            source,
        })
    };
    file.map(read).transpose()
}

fn put(name: &str, target: &Value, wanted: &Wanted, context: &Context) -> Result<Exit, AppError> {
    let mut body = Map::new();
    body.insert("target".to_owned(), target.clone());
    body.insert("severity_min".to_owned(), word(wanted.severity).into());
    body.insert("events".to_owned(), json!(wanted.events));
    body.insert("is_enabled".to_owned(), (!wanted.disabled).into());
    if let Some(secret) = typed(wanted.secret_stdin)? {
        body.insert("secret".to_owned(), secret.reveal().into());
    }
    let channel: ChannelView =
        context.client.put(Address::new(CHANNELS).part(name).as_str(), &body)?;
    let next = format!("Channel {name} is set; try it: `fossilsafe channel test {name}`.");
    context.output.report(&channel, &next)
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let channels: Page<ChannelView> = context.client.get(CHANNELS)?;
    if context.output.is_json {
        context.output.json(&channels)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "TO", "FROM SEVERITY", "EVENTS", "STATE"]);
    for channel in channels.items {
        let events: Vec<String> = channel.spec.events.into_iter().collect();
        table.row(vec![
            channel.name,
            match channel.spec.target {
                Target::Webhook { url, .. } => url,
                Target::Mail { server, to, .. } => format!("{} by {server}", in_one(&to)),
                Target::Snmp { server, .. } => format!("traps to {server}"),
            },
            channel.spec.severity_min.to_string(),
            if events.is_empty() { "all".to_owned() } else { in_one(&events) },
            if channel.is_enabled { "on" } else { "off" }.to_owned(),
        ]);
    }
    context.output.table(&table, "Nobody is told of anything: set a channel.")?;
    Ok(Exit::Done)
}

fn deliveries(arguments: &DeliveriesArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new(DELIVERIES).query_if("channel", arguments.channel.as_ref());
    let deliveries = context.client.list::<DeliveryView>(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&deliveries)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["ID", "CHANNEL", "EVENT", "ABOUT", "STATE", "TRIED", "NEXT", "ERROR"]);
    for delivery in deliveries.items {
        table.row(vec![
            delivery.id.to_string(),
            delivery.channel,
            delivery.notice.event,
            delivery.notice.subject,
            delivery.state,
            delivery.attempts.to_string(),
            or_dash(delivery.due.map(moment).as_ref()),
            or_dash(delivery.error.as_ref()),
        ]);
    }
    context.output.table(&table, "Nothing was sent yet.")?;
    Ok(Exit::Done)
}
