//! The command line as people and scripts meet it: arguments, text, JSON, exit codes.
//!
//! Commands run against a real server on a socket of its own, with an engine of memory behind it.

use std::sync::Arc;

use clap::{CommandFactory, Parser};
use serde_json::Value;
use tokio::sync::oneshot;

use super::output::Output;
use super::{Arguments, execute};
use crate::api::Server;
use crate::api::memory::{Memory, serving};
use crate::api::types::StreamFigures;
use crate::app::error::Exit;
use crate::domain::{JobId, VirtualClock};
use crate::jobs::JobState;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_of_the_arguments_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_first_session_of_the_readme_parses() {
    let readme = include_str!("../../../README.md");
    let commands: Vec<&str> =
        readme.lines().map(str::trim).filter(|line| line.starts_with("fossilsafe ")).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let line = command.split("  #").next().unwrap_or_default().trim();
        parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn what_belongs_together_can_be_given_together() {
    for good in [
        "fossilsafe verify --run r --detach --json",
        "fossilsafe restore /etc /srv --run r --to /tmp/x --overwrite --without-missing --detach",
        "fossilsafe restore --set a --search x --plan",
        "fossilsafe evidence",
        "fossilsafe ltfs ls --library /x --cartridge FSP001L9 --work /y",
        "fossilsafe ltfs check --device /dev/sg3 --work /y",
    ] {
        parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
}

#[test]
fn what_would_be_ambiguous_or_destroy_by_accident_is_refused() {
    for bad in [
        "fossilsafe",
        "fossilsafe backup /etc",
        "fossilsafe backup --set a",
        "fossilsafe backup /etc --set a --full --incremental",
        "fossilsafe backup /etc --set a/b",
        "fossilsafe verify",
        "fossilsafe verify --set a --run b",
        "fossilsafe restore --to /tmp/x",
        "fossilsafe restore --set a --run b",
        "fossilsafe run --practice-library --devices",
        "fossilsafe cartridge format FSP-01",
        "fossilsafe library move slot:1",
        "fossilsafe job cancel last",
        "fossilsafe evidence --set a --run b",
        "fossilsafe ltfs ls",
        "fossilsafe ltfs ls --library /x",
        "fossilsafe ltfs ls --library /x --device /dev/sg3",
        "fossilsafe ltfs ls --library /x --cartridge FSP001L9 --device /dev/sg3",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

/// An engine that answers on its own threads until it is dropped.
struct Appliance {
    engine: Arc<Memory>,
    socket: std::path::PathBuf,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
    _runtime: tokio::runtime::Runtime,
}

impl Appliance {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let engine = Memory::new();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let clock = Arc::new(VirtualClock::default());
        let bound =
            runtime.block_on(Server::bind(&socket, serving(&engine, folder.path(), &clock)));
        let server = bound.unwrap();
        let (stop, stopping) = oneshot::channel();
        runtime.spawn(server.serve(async {
            let _ = stopping.await;
        }));
        Self { engine, socket, _folder: folder, _stop: stop, _runtime: runtime }
    }

    /// Runs one command line and returns what it printed.
    fn run(&self, line: &str) -> (Exit, String) {
        let arguments = parse(&format!("{line} --server {}", self.socket.display())).unwrap();
        let (output, text) = Output::captured(arguments.json);
        let exit = execute(arguments, &output);
        let text = text.lock().clone();
        (exit, text)
    }
}

/// Runs a command that needs no engine and returns what it printed.
pub(super) fn run_offline(line: &str) -> (Exit, String) {
    let arguments = parse(line).unwrap();
    let (output, text) = Output::captured(arguments.json);
    let exit = execute(arguments, &output);
    let text = text.lock().clone();
    (exit, text)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn a_missing_engine_has_its_own_exit_code_and_says_how_to_start_one() {
    let arguments = parse("fossilsafe job list --server 127.0.0.1:1").unwrap();
    let (output, text) = Output::captured(false);
    assert_eq!(execute(arguments, &output), Exit::Unreachable);
    assert!(text.lock().contains("fossilsafe run"), "{}", text.lock());
}

#[test]
fn a_long_job_is_accepted_and_named_without_waiting() {
    let appliance = Appliance::start();
    let (exit, text) = appliance.run("fossilsafe backup /etc /srv --set etc --full --detach");
    assert_eq!(exit, Exit::Done);
    assert!(text.contains("Job 1 accepted: Back up set etc."), "{text}");
    let (_, text) = appliance.run("fossilsafe job show 1 --json");
    let spec = &json(&text)["spec"];
    assert_eq!((spec["mode"].as_str(), spec["paths"][1].as_str()), (Some("full"), Some("/srv")));
    let (_, text) = appliance.run("fossilsafe job list");
    assert!(text.contains("queued") && text.contains("Back up set etc"), "{text}");
}

#[test]
fn following_ends_with_the_job_and_its_exit_code() {
    for (state, exit) in [
        (JobState::Completed, Exit::Done),
        (JobState::Incomplete, Exit::Failed),
        (JobState::Failed, Exit::Failed),
        (JobState::Cancelled, Exit::Failed),
        (JobState::Waiting, Exit::NeedsOperator),
    ] {
        let appliance = Appliance::start();
        appliance.run("fossilsafe verify --set etc --detach");
        appliance.engine.enter(JobId(1), JobState::Running);
        appliance.engine.enter(JobId(1), state);
        let (followed, text) = appliance.run("fossilsafe job follow 1");
        assert_eq!(followed, exit, "{text}");
        assert!(text.contains("job 1 is running") && text.contains(state.as_str()), "{text}");
        let (_, text) = appliance.run("fossilsafe job follow 1 --json");
        assert_eq!(json(&text)["state"], state.as_str());
    }
}

#[test]
fn an_engine_that_stops_under_a_follower_says_that_the_job_goes_on() {
    let appliance = Appliance::start();
    appliance.run("fossilsafe library inventory --detach");
    appliance.engine.enter(JobId(1), JobState::Running);
    let Appliance { socket, _stop, _runtime, .. } = appliance;
    let line = format!("fossilsafe job follow 1 --server {}", socket.display());
    let arguments = parse(&line).unwrap();
    let (output, text) = Output::captured(false);
    // Dropped when the follower has heard of the job: the server then ends its streams.
    let stopper = std::thread::spawn({
        let text = Arc::clone(&text);
        move || {
            while !text.lock().contains("job 1 is running") {
                std::thread::yield_now();
            }
            drop(_stop);
        }
    });
    assert_eq!(execute(arguments, &output), Exit::Failed);
    stopper.join().unwrap();
    assert!(text.lock().contains("the job goes on"), "{}", text.lock());
}

#[test]
fn a_typed_barcode_must_be_the_cartridges_own() {
    let appliance = Appliance::start();
    let line = "fossilsafe cartridge format FSP001L9 --detach --yes-erase";
    let (exit, text) = appliance.run(&format!("{line} FSP002L9"));
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("nothing was erased"), "{text}");
    assert!(appliance.engine.jobs.lock().is_empty());
    assert_eq!(appliance.run(&format!("{line} fsp001l9")).0, Exit::Done);
}

#[test]
fn refusals_are_sentences_with_a_next_step_or_one_json_document() {
    let appliance = Appliance::start();
    let (exit, text) = appliance.run("fossilsafe evidence");
    assert_eq!(exit, Exit::NeedsOperator);
    assert_eq!(text, "fossilsafe: Absent.\nPut cartridge FSP001L9 in.\n");
    let (exit, text) = appliance.run("fossilsafe cartridge show FSP001L9 --json");
    assert_eq!((exit, &json(&text)["error"]["code"]), (Exit::Failed, &Value::from("unknown")));
    let (exit, text) = appliance.run("fossilsafe job pause 7");
    assert_eq!((exit, text.contains("no job 7")), (Exit::Failed, true));
    let (exit, text) = appliance.run("fossilsafe status");
    assert_eq!((exit, text.contains("no library")), (Exit::Failed, true));
}

#[test]
fn a_move_by_barcode_that_finds_nothing_or_a_search_without_hits_is_clear() {
    let appliance = Appliance::start();
    let (exit, text) = appliance.run("fossilsafe search holiday photos --newer 2026-01-01");
    assert_eq!((exit, text.as_str()), (Exit::Done, "Nothing was found.\n"));
    let searched = appliance.engine.searched.lock().clone().unwrap();
    assert_eq!(searched.text, "holiday photos");
    let (exit, text) = appliance.run("fossilsafe restore --run r1 --search holiday");
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("matches \"holiday\""), "{text}");
}

#[test]
fn the_figures_of_the_data_path_are_those_that_the_api_shows() {
    let figures =
        serde_json::to_value(crate::stream::Gauges::new().snapshot(std::time::Duration::ZERO))
            .unwrap();
    let shown: StreamFigures = serde_json::from_value(figures.clone()).unwrap();
    let again = serde_json::to_value(shown).unwrap();
    for (name, value) in again.as_object().unwrap() {
        assert_eq!(figures.get(name), Some(value), "{name}");
    }
}

#[test]
fn users_keys_and_the_audit_log_are_at_hand_on_the_machine_without_signing_in() {
    let appliance = Appliance::start();
    let (exit, text) = appliance.run("fossilsafe user create ada --role admin");
    assert_eq!((exit, text.contains("Password: ")), (Exit::Done, true), "{text}");
    let (_, text) = appliance.run("fossilsafe user list");
    assert!(text.contains("ada") && text.contains("has to choose a password"), "{text}");
    let (exit, text) = appliance.run("fossilsafe user remove ada");
    assert_eq!((exit, text.contains("last admin")), (Exit::Failed, true), "{text}");
    let (_, key) = appliance.run("fossilsafe key create script --role viewer --scope jobs:read");
    let with_key = |line: &str| appliance.run(&format!("{line} --api-key {}", key.trim()));
    assert_eq!(with_key("fossilsafe job list").0, Exit::Done);
    let (exit, text) = with_key("fossilsafe key list");
    assert_eq!((exit, text.contains("does not open keys")), (Exit::Failed, true), "{text}");
    let (_, keys) = appliance.run("fossilsafe key list --json");
    let id = json(&keys)["items"][0]["id"].to_string();
    assert_eq!(appliance.run(&format!("fossilsafe key revoke {id}")).0, Exit::Done);
    let (exit, text) = with_key("fossilsafe job list");
    assert_eq!((exit, text.contains("Nobody is signed in")), (Exit::Failed, true), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let (log, pem) = (folder.path().join("log"), folder.path().join("pem"));
    let (log, pem) = (log.display(), pem.display());
    let (exit, text) = appliance.run(&format!("fossilsafe audit export --to {log} --key-to {pem}"));
    assert_eq!(exit, Exit::Done, "{text}");
    let (exit, text) = run_offline(&format!("fossilsafe audit verify {log} --key {pem}"));
    assert_eq!((exit, text.contains("The log is whole: 5 entries")), (Exit::Done, true), "{text}");
    let mut content = std::fs::read_to_string(log.to_string()).unwrap();
    content = content.replacen("POST", "PUT", 1);
    std::fs::write(log.to_string(), content).unwrap();
    let (exit, text) = run_offline(&format!("fossilsafe audit verify {log} --key {pem}"));
    assert_eq!((exit, text.contains("NOT whole")), (Exit::Failed, true), "{text}");
    let (exit, text) = appliance.run("fossilsafe audit list --outcome scope_insufficient");
    assert_eq!((exit, text.contains("GET /api/keys")), (Exit::Done, true), "{text}");
    assert_eq!(appliance.run("fossilsafe audit verify").0, Exit::Done);
    assert!(appliance.run("fossilsafe session list").1.contains("Nobody is signed in"));
}
