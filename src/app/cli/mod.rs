//! The command line: what can be asked, and one file a noun that asks it.
//!
//! A command returns how it ended; only [`run`] turns that into an exit code and prints an error. With
//! `--json` exactly one JSON document goes to standard output, also for an error to standard error, so
//! that scripts never parse what is meant for people.

mod alert;
mod audit;
mod backup;
mod bench;
mod cartridge;
mod cartridge_book;
mod catalog;
mod certificate;
mod channel;
mod console;
mod diagnostics;
mod evidence;
mod follow;
mod job;
mod key;
mod kit;
mod kms;
mod kit_verify;
mod library;
mod log;
mod ltfs;
mod ltfs_carve;
mod ltfs_check;
mod ltfs_extract;
mod ltfs_keys;
mod ltfs_manifest;
mod ltfs_rollback;
mod ltfs_target;
#[cfg(test)]
mod ltfs_tests;
mod ltfs_unseal;
mod manifest;
mod network;
mod output;
mod overview;
mod restore;
mod schedule;
mod search;
mod self_test;
mod service;
mod session;
mod set;
mod settings;
mod size;
mod source;
mod status;
mod streaming;
#[cfg(test)]
mod tests;
mod time;
mod update;
mod update_boot;
mod user;
mod verify;
mod vtl;
mod vtl_serve;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::client::Client;
use super::door::Door;
use super::error::{AppError, Exit};
use output::Output;

const EXIT_CODES: &str = "\
Exit codes:
  0  it did what was asked
  1  it failed, or something is missing: the output says what
  2  the arguments are wrong
  3  no engine answers: start one with `fossilsafe run`
  4  a person has to do something first, for example bring a cartridge

Sizes are given as 500MB, 4GiB or plain bytes. FOSSILSAFE_ENGINE stands for --server.";

/// Keeps files on LTO tape as standard LTFS and knows that they can be read back.
#[derive(Debug, Parser)]
#[command(name = "fossilsafe", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Arguments {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    /// The engine to ask: its address, or the path of its socket [default: 127.0.0.1:8080, then
    /// /run/fossilsafe/engine.sock]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    server: Option<String>,
    /// The API key to ask with; better in FOSSILSAFE_API_KEY, where no list of processes shows it
    #[arg(long, global = true, value_name = "KEY")]
    api_key: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start engine and gateway in one process, with a practice library or the devices of this machine
    Run(service::RunArguments),
    /// The service that owns catalog and devices: answers the API on a Unix socket
    Engine(service::EngineArguments),
    /// The service between the network and an engine: HTTP, HTTPS, limits
    Gateway(service::GatewayArguments),
    /// Say whether the engine works and what needs a person
    Status,
    /// Say whether the data is safe, what needs a person, and what is being done, as of the last look
    Overview(overview::OverviewArguments),
    /// The log: search it, say how long it is kept
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Write what somebody who helps has to know into a file, without secrets
    Diagnostics(diagnostics::DiagnosticsArguments),
    /// Alerts: what needs a person; list, take note
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Channels that alerts are told by: webhooks, mail, SNMP traps
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// The library: show it, move cartridges, look again
    #[command(subcommand)]
    Library(library::LibraryCommand),
    /// Cartridges: list, show, format; what is on one, its history, what people say of it
    #[command(subcommand)]
    Cartridge(cartridge::CartridgeCommand),
    /// Back up files and folders as one set
    Backup(backup::BackupArguments),
    /// Read copies again from the cartridge and compare their hashes
    Verify(verify::VerifyArguments),
    /// Find files in the catalog
    Search(search::SearchArguments),
    /// Show the stored versions of one file and where their copies are
    Versions(search::VersionsArguments),
    /// Bring files back
    Restore(restore::RestoreArguments),
    /// Show what is proven, and what is missing
    Evidence(evidence::EvidenceArguments),
    /// Sets and their runs
    #[command(subcommand)]
    Set(set::SetCommand),
    /// Schedules: what is done by itself, and when
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// Network sources: shares of other machines that are backed up
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Pools: list, make, give a new data key
    #[command(subcommand)]
    Pool(kit::PoolCommand),
    /// Recovery kits, which open encrypted tapes: print, confirm, drill, open
    #[command(subcommand)]
    Kit(kit::KitCommand),
    /// The key server that keeps data keys of pools: show, set, test, remove
    #[command(subcommand)]
    Kms(kms::KmsCommand),
    /// Jobs: list, show, follow, control
    #[command(subcommand)]
    Job(job::JobCommand),
    /// The catalog: check it, back it up, bring it back, fill it from tapes
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Settings: export what was set into a file, import it
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// Users: who may sign in, and what they may do
    #[command(subcommand)]
    User(user::UserCommand),
    /// API keys: what programs sign in with
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Sessions: who is signed in at this moment
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// The audit log: who did what, and the proof that nothing was changed in it
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Virtual libraries without an engine: make, fill, export, import, let fail
    Vtl(vtl::VtlCommand),
    /// LTFS volumes without an engine: format, list, extract, check, repair, carve, go back
    #[command(subcommand)]
    Ltfs(ltfs::LtfsCommand),
    /// Manifests without an engine: whose they are, and whether files are what they say
    #[command(subcommand)]
    Manifest(manifest::ManifestCommand),
    /// The network of the appliance: its name, ports, try a setting out, confirm it
    #[command(subcommand)]
    Network(network::NetworkCommand),
    /// The time of the appliance: zone, servers, clock
    #[command(subcommand)]
    Time(time::TimeCommand),
    /// Self-tests: every part proves itself, by hand or by a schedule
    #[command(subcommand)]
    SelfTest(self_test::SelfTestCommand),
    /// How data goes to the drive: memory, the staging folder or disk, rates
    #[command(subcommand)]
    Streaming(streaming::StreamingCommand),
    /// The certificate of HTTPS: what is served, another one, a signing request
    #[command(subcommand)]
    Certificate(certificate::CertificateCommand),
    /// Updates of the appliance: what runs, install, go back
    #[command(subcommand)]
    Update(update::UpdateCommand),
    /// The recovery menu of the appliance, for its serial port, screen and SSH
    Console,
    /// Measure this machine: backup, verify and restore beside tar with openssl, and cp
    Bench(bench::BenchArguments),
    /// One case of a measurement, in a process of its own
    #[command(hide = true)]
    BenchCase(bench::CaseArguments),
    /// Say which version this is
    Version,
}

/// What a command needs to do its work.
#[derive(Debug)]
struct Context {
    client: Client,
    output: Output,
}

impl Context {
    /// Says that something was done that has nothing to show.
    fn done(&self, sentence: &str) -> Result<Exit, AppError> {
        if self.output.is_json {
            self.output.json(&serde_json::json!({ "done": true }))?;
        } else {
            self.output.line(sentence)?;
        }
        Ok(Exit::Done)
    }
}

/// Runs one command line.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come this way too, and are no mistake.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    let output = Output::new(arguments.json);
    execute(arguments, &output).into()
}

/// Runs a command and prints its error, if it has one.
fn execute(arguments: Arguments, output: &Output) -> Exit {
    dispatch(arguments, output).unwrap_or_else(|error| {
        let exit = error.exit();
        // A reader that has enough of a list is no failure, and nothing to be told of.
        if exit != Exit::Done {
            output.error(&error);
        }
        exit
    })
}

fn dispatch(arguments: Arguments, output: &Output) -> Result<Exit, AppError> {
    let server = arguments.server.or_else(|| std::env::var("FOSSILSAFE_ENGINE").ok());
    let key = arguments.api_key.or_else(|| std::env::var("FOSSILSAFE_API_KEY").ok());
    let context = || {
        let client = Client::new(Door::find(server.as_deref()))?.with_key(key.clone());
        Ok::<_, AppError>(Context { client, output: output.clone() })
    };
    match arguments.command {
        Command::Run(arguments) => service::run(&arguments, output),
        Command::Engine(arguments) => service::run_engine(&arguments, output),
        Command::Gateway(arguments) => service::run_gateway(&arguments, output),
        Command::Status => status::run(&context()?),
        Command::Overview(arguments) => overview::run(arguments, &context()?),
        Command::Log(command) => log::run(&command, &context()?),
        Command::Diagnostics(arguments) => diagnostics::run(&arguments, &context()?),
        Command::Alert(command) => alert::run(command, &context()?),
        Command::Channel(command) => channel::run(command, &context()?),
        Command::Library(command) => library::run(command, &context()?),
        Command::Cartridge(command) => cartridge::run(command, &context()?),
        Command::Backup(arguments) => backup::run(arguments, &context()?),
        Command::Verify(arguments) => verify::run(arguments, &context()?),
        Command::Search(arguments) => search::run(&arguments, &context()?),
        Command::Versions(arguments) => search::versions(&arguments, &context()?),
        Command::Restore(arguments) => restore::run(arguments, &context()?),
        Command::Evidence(arguments) => evidence::run(&arguments, &context()?),
        Command::Set(command) => set::run(command, &context()?),
        Command::Schedule(command) => schedule::run(command, &context()?),
        Command::Source(source::SourceCommand::Serve(arguments)) => {
            source::serve(&arguments, output)
        }
        Command::Source(command) => source::run(command, &context()?),
        Command::Pool(command) => kit::run_pool(command, &context()?),
        Command::Kit(kit::KitCommand::Verify(arguments)) => kit_verify::run(&arguments, output),
        Command::Kit(command) => kit::run(command, &context()?),
        Command::Kms(command) => kms::run(command, &context()?),
        Command::Job(command) => job::run(&command, &context()?),
        Command::Catalog(command) if catalog::is_offline(&command) => {
            catalog::run_offline(&command, output)
        }
        Command::Catalog(command) => catalog::run(command, &context()?),
        Command::Settings(command) => settings::run(&command, &context()?),
        Command::User(command) => user::run(command, &context()?),
        Command::Key(command) => key::run(command, &context()?),
        Command::Session(command) => session::run(&command, &context()?),
        Command::Audit(command) if audit::is_offline(&command) => {
            audit::run_offline(&command, output)
        }
        Command::Audit(command) => audit::run(command, &context()?),
        Command::Vtl(command) => vtl::run(command, output),
        Command::Ltfs(command) => ltfs::run(command, output),
        Command::Manifest(command) => manifest::run(&command, output),
        Command::Network(command) if network::is_offline(&command) => {
            network::run_offline(&command, output)
        }
        Command::Network(command) => network::run(command, &context()?),
        Command::Time(command) => time::run(command, &context()?),
        Command::SelfTest(command) => self_test::run(command, &context()?),
        Command::Streaming(streaming::StreamingCommand::Serve(arguments)) => {
            streaming::serve(&arguments)
        }
        Command::Streaming(command) => streaming::run(command, &context()?),
        Command::Certificate(command) => certificate::run(command, &context()?),
        Command::Update(command) => update::run(command, output),
        Command::Console => console::run(output),
        Command::Bench(arguments) => bench::run(arguments, output),
        Command::BenchCase(arguments) => bench::run_case(&arguments),
        Command::Version => status::version(output),
    }
}
