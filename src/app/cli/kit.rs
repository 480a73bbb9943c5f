//! `fossilsafe kit` and `fossilsafe pool`: recovery kits, and the pools that need one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::Context;
use super::follow::DetachOption;
use super::output::{Table, list, moment, moment_or_dash, or_dash};
use crate::api::types::{
    ConfirmKitRequest, CreatePoolRequest, ExpiredView, KitRequest, KitsView, OpenedKeys, PoolView,
    PrintedKit, RetentionRequest, ReusableCartridge, TapeDrillRequest,
};
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, PoolName};
use crate::keys::KeyId;
use crate::pools::{Encryption, KeyPlace, Retention};

const KIT_ASKED: &str = "The kit, all 14 groups in one line: ";

#[derive(Debug, Subcommand)]
pub(super) enum KitCommand {
    /// List the kits and the data keys that they open
    List,
    /// Make a kit and write it as a page to be printed
    Print(PrintArguments),
    /// Type groups back from the paper, one a line; from then on the kit counts
    Confirm,
    /// Type a whole kit from the paper, and see that it opens every data key
    Drill(DrillArguments),
    /// Type a whole kit from the paper, and open the data keys that `catalog rebuild` found on tapes
    Open,
    /// Without an engine: see which data keys of a tape the paper opens, and decrypt a file of it
    Verify(super::kit_verify::VerifyArguments),
    /// Wrap for a kit no more, after a new one was confirmed; tapes that it opens stay open to it
    Retire {
        /// The kit
        kit: KeyId,
    },
}

#[derive(Debug, Args)]
pub(super) struct DrillArguments {
    /// Have it open a file of a tape, without the keys of the appliance
    #[arg(long)]
    tape: bool,
    /// The cartridge; the one that was written last, if not given
    #[arg(long, value_name = "BARCODE", requires = "tape")]
    cartridge: Option<Barcode>,
    #[command(flatten)]
    wait: DetachOption,
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
        /// Encrypt every file; this cannot be changed later. `files` seals them before they reach a drive: any
        /// drive reads the tape, and the kit opens the files. `drive` has the drive do it: other LTFS software
        /// needs a drive that was given the key
        #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "files")]
        encrypt: Option<How>,
        /// Have the key server keep its data keys: without its answer nothing of the pool is written or read; the
        /// recovery kit opens its tapes all the same. This cannot be changed later
        #[arg(long, requires = "encrypt")]
        vault: bool,
    },
    /// Say how long the runs of a pool are kept; nothing is ever erased by that
    Retention(RetentionArguments),
    /// List what is past the retention: runs, and cartridges that can be formatted again
    Expired {
        /// The pool
        name: PoolName,
    },
    /// Give an encrypted pool a new data key for the runs that begin from now on
    Rotate {
        /// The pool
        name: PoolName,
    },
}

/// Who encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum How {
    /// This program, file by file.
    Files,
    /// The drive.
    Drive,
}

#[derive(Debug, Args)]
pub(super) struct RetentionArguments {
    /// The pool
    name: PoolName,
    /// Days after its end for which a run is kept
    #[arg(long, value_name = "N", required_unless_present = "forever")]
    days: Option<u32>,
    /// The newest complete runs of each set, which are kept however old they are. A run counts once every
    /// copy of it was read back
    #[arg(long, value_name = "N", default_value_t = 2)]
    runs: u32,
    /// Keep everything
    #[arg(long, conflicts_with_all = ["days", "runs"])]
    forever: bool,
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
            let groups = asked.iter().map(|number| output.ask(&format!("Group {number}: ")));
            let groups = groups.collect::<Result<_, _>>()?;
            show(&client.post("/api/kits/confirm", &ConfirmKitRequest { groups })?, context)
        }
        KitCommand::Drill(DrillArguments { tape: true, cartridge, wait }) => {
            let kit = output.ask(KIT_ASKED)?;
            let request = TapeDrillRequest { kit, cartridge };
            wait.apply(&client.post("/api/kits/drill-on-tape", &request)?, context)
        }
        KitCommand::Drill(_) => typed("/api/kits/drill", "opens", context),
        KitCommand::Open => typed("/api/kits/open", "has brought back", context),
        KitCommand::Verify(arguments) => super::kit_verify::run(&arguments, output),
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
        PoolCommand::Create { name, encrypt, vault } => {
            let encryption = match encrypt {
                Some(How::Files) => Encryption::Sealed,
                Some(How::Drive) => Encryption::Drive,
                None => Encryption::None,
            };
            let key_place = if vault { KeyPlace::Vault } else { KeyPlace::Appliance };
            vec![client.post("/api/pools", &CreatePoolRequest { name, encryption, key_place })?]
        }
        PoolCommand::Retention(RetentionArguments { name, days, runs, forever: _ }) => {
            let retention = days.map(|days| Retention { days, runs_min: runs });
            let address = format!("/api/pools/{name}/retention");
            vec![client.put(&address, &RetentionRequest { retention })?]
        }
        PoolCommand::Expired { name } => return show_expired(&name, context),
        PoolCommand::Rotate { name } => {
            vec![client.post_empty(&format!("/api/pools/{name}/rotate"))?]
        }
    };
    if output.is_json {
        output.json(&pools)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["POOL", "ENCRYPTION", "DATA KEY", "SINCE", "KEPT"]);
    for pool in &pools {
        let encryption = match pool.encryption {
            Encryption::None => "none",
            Encryption::Sealed => "sealed",
            Encryption::Drive => "by the drive",
        };
        let key = or_dash(pool.key_id.as_ref());
        let since = moment(pool.created);
        let kept = pool.retention.map_or_else(
            || "for ever".to_owned(),
            |kept| format!("{} days, {} runs", kept.days, kept.runs_min),
        );
        table.row(vec![pool.name.to_string(), encryption.to_owned(), key, since, kept]);
    }
    output.table(&table, "There is no pool.")?;
    for pool in &pools {
        let Some(blocked) = &pool.blocked else { continue };
        output.line(blocked)?;
        output.line(match pool.blocked_code.as_deref() {
            Some("key_missing") => {
                "Open it with the recovery kit (`fossilsafe kit open`), or go on with a new key: `fossilsafe pool rotate`."
            }
            _ => "Run `fossilsafe kit print`, print what it writes, and `fossilsafe kit confirm`.",
        })?;
    }
    Ok(Exit::Done)
}

fn show_expired(name: &PoolName, context: &Context) -> Result<Exit, AppError> {
    let expired: ExpiredView = context.client.get(&format!("/api/pools/{name}/expired"))?;
    let output = &context.output;
    if output.is_json {
        output.json(&expired)?;
        return Ok(Exit::Done);
    }
    let mut runs = Table::new(&["RUN", "SET", "ENDED"]);
    for run in &expired.runs {
        runs.row(vec![run.run.0.clone(), run.set.to_string(), moment_or_dash(run.ended)]);
    }
    output.table(&runs, "No run is past the retention, or newer ones were not read back yet.")?;
    let mut cartridges = Table::new(&["CARTRIDGE", "SET", "COPY"]);
    for cartridge in &expired.cartridges {
        let ReusableCartridge { barcode, set, copy } = cartridge;
        cartridges.row(vec![barcode.to_string(), set.to_string(), copy.to_string()]);
    }
    output.table(&cartridges, "No cartridge holds such runs only.")?;
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
    let kit = context.output.ask(KIT_ASKED)?;
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

fn show(kits: &KitsView, context: &Context) -> Result<Exit, AppError> {
    let output = &context.output;
    if output.is_json {
        output.json(kits)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["KIT", "MADE", "CONFIRMED", "LAST DRILL", "ON A TAPE"]);
    for kit in &kits.kits {
        table.row(vec![
            kit.kit_id.to_string(),
            moment(kit.made),
            moment_or_dash(kit.confirmed),
            moment_or_dash(kit.drilled),
            kit.proven.as_ref().map_or_else(
                || "never".to_owned(),
                |proof| format!("{} {}", moment(proof.at), proof.barcode),
            ),
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
