//! `fossilsafe manifest`: checks what a run has signed with nothing but a public key that was kept.
//!
//! A manifest is on every tape of its run (`.fossilsafe/runs/RUN.manifest` beside `RUN.sig`) and in the data
//! folder. Whoever has the key from before can say of any copy whether it is the one that was written, and of
//! a restored folder whether its files are those that the manifest lists. No engine, no catalog, no tape.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::audit::{named_key, read};
use super::ltfs_carve::manifest_reader;
use super::output::{Output, grouped};
use crate::app::error::{AppError, Exit};
use crate::domain::{FileKind, Sha256Digest};
use crate::manifest::{
    EntryState, ManifestEntry, ManifestError, Verdict, Verification, verify_manifest,
};

/// Files that are named; the rest is counted.
const SHOWN_MAX: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum ManifestCommand {
    /// Check that a manifest is whole and signed by a key; with --files, also that files are what it lists
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The manifest: RUN.manifest
    file: PathBuf,
    /// The public key of the appliance (PEM), from where it was kept
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// Its signature; the file RUN.sig beside it without this
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A folder into which the run was restored: the hash of each file is compared
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

/// What was found, for programs.
#[derive(Debug, Serialize)]
struct Findings {
    /// Whole, and signed by the key.
    is_trusted: bool,
    verdict: String,
    run: Option<String>,
    set: Option<String>,
    /// Files whose hash was compared and is the manifest's.
    files_same: u64,
    /// Files that are missing, cannot be read or differ.
    files_wrong: u64,
    /// Stored files of which this manifest has no hash: sealed, or continued on another volume.
    files_without_hash: u64,
    /// The first of those that are wrong, and what is wrong.
    wrong: Vec<String>,
}

pub(super) fn run(command: &ManifestCommand, output: &Output) -> Result<Exit, AppError> {
    let ManifestCommand::Verify(arguments) = command;
    let pinned = named_key(&arguments.key)?;
    let beside = arguments.file.with_extension("sig");
    let signature = match (&arguments.signature, beside.exists()) {
        (Some(path), _) => Some(read(path)?),
        (None, true) => Some(read(&beside)?),
        (None, false) => None,
    };
    let path = &arguments.file;
    let what = || format!("cannot read {}", path.display());
    let opened = File::open(path).map_err(|source| AppError::Io { what: what(), source })?;
    let found = verify_manifest(BufReader::new(opened), signature.as_deref(), &pinned);
    let found = found.map_err(|error| unreadable(path, &error))?;
    let mut findings = findings(&found);
    if let Some(folder) = &arguments.files
        && found.end.is_some()
    {
        compare(path, folder, &mut findings)?;
    }
    report(&findings, arguments.files.is_some(), output)
}

fn unreadable(path: &Path, error: &ManifestError) -> AppError {
    AppError::offline(&format!("cannot read {}", path.display()), error, "Look at its disk.")
}

fn findings(found: &Verification) -> Findings {
    let verdict = match &found.verdict {
        Verdict::Trusted { key_id } => format!("whole, and signed by key {key_id}"),
        Verdict::Foreign { key_id } => {
            format!("whole, but signed by key {key_id}, which is not the one that was named")
        }
        Verdict::BadSignature { key_id } => {
            format!("changed: it is not what key {key_id} has signed")
        }
        Verdict::Unsigned => {
            "whole in itself, but without a signature anybody could change it".into()
        }
        Verdict::Truncated { line } => format!("cut off after line {line}"),
        Verdict::Damaged { line, reason } => format!("damaged in line {line}: {reason}"),
        Verdict::Unreadable { reason } => format!("not readable as a manifest: {reason}"),
    };
    Findings {
        is_trusted: matches!(found.verdict, Verdict::Trusted { .. }),
        verdict,
        run: found.header.as_ref().map(|header| header.run.to_string()),
        set: found.header.as_ref().map(|header| header.set.to_string()),
        files_same: 0,
        files_wrong: 0,
        files_without_hash: 0,
        wrong: Vec::new(),
    }
}

/// Compares the hash of every file that the manifest knows one of.
fn compare(path: &Path, folder: &Path, findings: &mut Findings) -> Result<(), AppError> {
    let mut entries = manifest_reader(path).map_err(|error| unreadable(path, &error))?;
    while let Some(entry) = entries.next_entry().map_err(|error| unreadable(path, &error))? {
        if entry.kind != FileKind::File {
            continue;
        }
        let Some(expected) = entry.sha256 else {
            findings.files_without_hash += u64::from(entry.state == EntryState::Stored);
            continue;
        };
        match differs(&entry, &expected, folder) {
            None => findings.files_same += 1,
            Some(why) => {
                findings.files_wrong += 1;
                if findings.wrong.len() < SHOWN_MAX {
                    findings.wrong.push(format!("{}: {why}", entry.path));
                }
            }
        }
    }
    Ok(())
}

/// Why a file is not the one of the manifest.
fn differs(entry: &ManifestEntry, expected: &Sha256Digest, folder: &Path) -> Option<String> {
    let path = folder.join(std::ffi::OsStr::from_bytes(entry.path.as_bytes()));
    match hash_of(&path) {
        Ok(found) if found == *expected => None,
        Ok(_) => Some("its content is another".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

fn hash_of(path: &Path) -> io::Result<Sha256Digest> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(Sha256Digest(hasher.finalize().into()))
}

fn report(findings: &Findings, has_files: bool, output: &Output) -> Result<Exit, AppError> {
    let is_known = !has_files || findings.files_without_hash == 0;
    let is_good = findings.is_trusted && findings.files_wrong == 0 && is_known;
    let exit = if is_good { Exit::Done } else { Exit::Failed };
    if output.is_json {
        output.json(findings)?;
        return Ok(exit);
    }
    if let (Some(run), Some(set)) = (&findings.run, &findings.set) {
        output.line(&format!("Run {run} of set {set}"))?;
    }
    output.line(&format!("The manifest is {}.", findings.verdict))?;
    if has_files {
        let (same, wrong) = (grouped(findings.files_same), grouped(findings.files_wrong));
        output.line(&format!("{same} files are what it lists; {wrong} are not."))?;
        if !is_known {
            let count = grouped(findings.files_without_hash);
            output.line(&format!(
                "{count} files could not be compared: this manifest has no hash of them, as they are sealed or \
                 end on another volume. Restore and `fossilsafe verify` prove those."
            ))?;
        }
    }
    for line in &findings.wrong {
        output.line(&format!("  {line}"))?;
    }
    Ok(exit)
}
