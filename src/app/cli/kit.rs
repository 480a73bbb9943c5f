//! `fossilsafe kit` and `fossilsafe pool`: recovery kits, and the pools that need one.

use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, list, moment, moment_or_dash, or_dash};
use crate::api::types::{
    ConfirmKitRequest, CreatePoolRequest, KitRequest, KitsView, OpenedKeys, PoolView, PrintedKit,
};
use crate::app::error::{AppError, Exit};
use crate::domain::PoolName;
use crate::keys::KeyId;
use crate::pools::Encryption;

#[derive(Debug, Subcommand)]
pub(super) enum KitCommand {
    /// List the kits and the data keys that they open
    List,
    /// Make a kit and write it as a page to be printed
    Print(PrintArguments),
    /// Type groups back from the paper, one a line; from then on the kit counts
    Confirm,
    /// Type a whole kit from the paper, and see that it opens every data key
    Drill,
    /// Type a whole kit from the paper, and open the data keys that `catalog rebuild` found on tapes
    Open,
    /// Wrap for a kit no more, after a new one was confirmed; tapes that it opens stay open to it
    Retire {
        /// The kit
        kit: KeyId,
    },
}

#[derive(Debug, Args)]
pub(super) struct PrintArguments {
    /// Write one HTML file with a QR code here, for a browser to print. Without it, text on the terminal
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PoolCommand {
    /// List the pools
    List,
    /// Make a pool
    Create {
        /// Letters, digits, '-', '_', '.'
        name: PoolName,
        /// Seal every file before it reaches a drive; this cannot be changed later
        #[arg(long)]
        encrypt: bool,
    },
    /// Give an encrypted pool a new data key for the runs that begin from now on
    Rotate {
        /// The pool
        name: PoolName,
    },
}

pub(super) fn run(command: KitCommand, context: &Context) -> Result<Exit, AppError> {
    let (client, output) = (&context.client, &context.output);
    match command {
        KitCommand::List => show(&client.get("/api/kits")?, context),
        KitCommand::Print(arguments) => {
            let printed: PrintedKit = client.post_empty("/api/kits/print")?;
            print(&printed, arguments.html.as_deref(), context)
        }
        KitCommand::Confirm => {
            let kits: KitsView = client.get("/api/kits")?;
            let asked = kits.kits.iter().rev().find(|kit| !kit.asked_groups.is_empty());
            let asked = asked.map(|kit| kit.asked_groups.clone()).unwrap_or_default();
            let groups = asked.iter().map(|number| ask(&format!("Group {number}: "), context));
            let groups = groups.collect::<Result<_, _>>()?;
            show(&client.post("/api/kits/confirm", &ConfirmKitRequest { groups })?, context)
        }
        KitCommand::Drill => typed("/api/kits/drill", "opens", context),
        KitCommand::Open => typed("/api/kits/open", "has brought back", context),
        KitCommand::Retire { kit } => {
            let kits: KitsView = client.post_empty(&format!("/api/kits/{kit}/retire"))?;
            output.line("Data keys are not wrapped for it any more.")?;
            show(&kits, context)
        }
    }
}

pub(super) fn run_pool(command: PoolCommand, context: &Context) -> Result<Exit, AppError> {
    let (client, output) = (&context.client, &context.output);
    let pools: Vec<PoolView> = match command {
        PoolCommand::List => client.get("/api/pools")?,
        PoolCommand::Create { name, encrypt } => {
            let encryption = if encrypt { Encryption::Sealed } else { Encryption::None };
            vec![client.post("/api/pools", &CreatePoolRequest { name, encryption })?]
        }
        PoolCommand::Rotate { name } => {
            vec![client.post_empty(&format!("/api/pools/{name}/rotate"))?]
        }
    };
    if output.is_json {
        output.json(&pools)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["POOL", "ENCRYPTION", "DATA KEY", "SINCE"]);
    for pool in &pools {
        let encryption = match pool.encryption {
            Encryption::None => "none",
            Encryption::Sealed => "sealed",
        };
        let key = or_dash(pool.key_id.as_ref());
        let since = moment(pool.created);
        table.row(vec![pool.name.to_string(), encryption.to_owned(), key, since]);
    }
    output.table(&table, "There is no pool.")?;
    for blocked in pools.iter().filter_map(|pool| pool.blocked.as_ref()) {
        output.line(blocked)?;
    }
    Ok(Exit::Done)
}

fn print(printed: &PrintedKit, html: Option<&Path>, context: &Context) -> Result<Exit, AppError> {
    let output = &context.output;
    match html {
        None => output.line(&printed.text)?,
        Some(path) => {
            let io =
                |source| AppError::Io { what: format!("cannot write {}", path.display()), source };
            let mut options = std::fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            file.and_then(|mut file| file.write_all(printed.html.as_bytes())).map_err(io)?;
            output.line(&format!("Print {} and remove it.", path.display()))?;
        }
    }
    if !printed.asked_groups.is_empty() {
        let groups = list(&printed.asked_groups);
        output.line(&format!("Then type groups {groups} into `fossilsafe kit confirm`."))?;
    }
    Ok(Exit::Done)
}

/// Sends a whole kit that is typed now, and says which data keys it has opened.
fn typed(path: &str, verb: &str, context: &Context) -> Result<Exit, AppError> {
    let kit = ask("The kit, all 14 groups in one line: ", context)?;
    let opened: OpenedKeys = context.client.post(path, &KitRequest { kit })?;
    if context.output.is_json {
        context.output.json(&opened)?;
    } else {
        let (kit, keys) = (opened.kit_id, list(&opened.keys));
        let count = opened.keys.len();
        context.output.line(&format!("Kit {kit} {verb} {count} data keys: {keys}"))?;
    }
    Ok(Exit::Done)
}

/// A line from the terminal, or from whatever stands in for it. Secrets are no arguments: other programs
/// see those.
fn ask(what: &str, context: &Context) -> Result<String, AppError> {
    let io = |source| AppError::Io { what: "cannot read what is typed".to_owned(), source };
    if !context.output.is_json {
        context.output.line(what)?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(io)?;
    Ok(line.trim().to_owned())
}

fn show(kits: &KitsView, context: &Context) -> Result<Exit, AppError> {
    let output = &context.output;
    if output.is_json {
        output.json(kits)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["KIT", "MADE", "CONFIRMED", "LAST DRILL"]);
    for kit in &kits.kits {
        table.row(vec![
            kit.kit_id.to_string(),
            moment(kit.made),
            moment_or_dash(kit.confirmed),
            moment_or_dash(kit.drilled),
        ]);
    }
    output.table(&table, "There is no kit: `fossilsafe kit print` makes one.")?;
    output.line(&format!("Data keys here: {}", list(&kits.keys)))?;
    if !kits.keys_waiting.is_empty() {
        let waiting = list(&kits.keys_waiting);
        output.line(&format!("Data keys that wait for `fossilsafe kit open`: {waiting}"))?;
    }
    Ok(Exit::Done)
}
