//! Damage: what mount, check, extract and repair make of it, to the word; that nothing else is lost by
//! it; and that a repair only appends.
//!
//! A [`Look`] is everything that can be said of a volume without writing to it. Findings are compared as
//! the sentences that a person reads, so that a table of damages is a table of what is told.

mod elements;
mod flips;
mod labels;
mod limits;
mod memory;
mod states;

use std::collections::BTreeMap;

use super::*;
use crate::drive::ReadOutcome;
use crate::ltfs::check::{CheckReport, check};
use crate::ltfs::error::is_damage;
use crate::ltfs::index::IndexEvent;
use crate::ltfs::mount::{Finding, Severity, Tail};
use crate::ltfs::repair::repair;
use crate::scsi::opcode;

/// What lies at a place of a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Block(Vec<u8>),
    Filemark,
    Unreadable,
}

/// The records of one partition, from its first.
pub(super) fn records(rig: &Rig, partition: Partition) -> Vec<Record> {
    let mut found = Vec::new();
    rig.raw(|drive| {
        drive.locate(Position { partition, block: BlockNumber(0) }).unwrap();
        let mut buffer = vec![0; BLOCK];
        loop {
            match drive.read_block(&mut buffer) {
                Ok(ReadOutcome::Block { len }) => found.push(Record::Block(buffer[..len].to_vec())),
                Ok(ReadOutcome::Filemark) => found.push(Record::Filemark),
                Ok(ReadOutcome::EndOfData) => break,
                Err(error) => {
                    assert!(is_damage(&error), "{error}");
                    found.push(Record::Unreadable);
                    let block = BlockNumber(u64::try_from(found.len()).unwrap());
                    drive.locate(Position { partition, block }).unwrap();
                }
            }
        }
    });
    found
}

/// Writes a partition anew with something changed, as if the rest had never been touched.
pub(super) fn rewrite(rig: &Rig, partition: Partition, edit: impl FnOnce(&mut Vec<Record>)) {
    let mut changed = records(rig, partition);
    edit(&mut changed);
    let raw: Vec<Raw<'_>> = changed
        .iter()
        .map(|record| match record {
            Record::Block(bytes) => Raw::Block(bytes),
            Record::Filemark => Raw::Filemark,
            Record::Unreadable => panic!("what cannot be read cannot be written again"),
        })
        .collect();
    rig.raw(|drive| put(drive, partition, 0, &raw));
}

/// Changes one block and nothing else.
pub(super) fn edit_block(
    rig: &Rig,
    partition: Partition,
    block: usize,
    edit: impl FnOnce(&mut Vec<u8>),
) {
    rewrite(rig, partition, |records| match &mut records[block] {
        Record::Block(bytes) => edit(bytes),
        other => panic!("{block} is {other:?}"),
    });
}

/// Changes text in one block; it must be there.
pub(super) fn edit_text(rig: &Rig, partition: Partition, block: usize, from: &str, to: &str) {
    edit_block(rig, partition, block, |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    });
}

/// What one file reads as: its bytes, or why some are missing.
pub(super) type Content = Result<Vec<u8>, String>;

/// Everything that a look at a volume shows.
pub(super) struct Look {
    pub(super) mounted: MountedVolume,
    pub(super) report: CheckReport,
    pub(super) files: BTreeMap<String, Content>,
}

/// `severity: sentence` of each finding.
pub(super) fn sentences(findings: &[Finding]) -> Vec<String> {
    let severity = |finding: &Finding| match finding.severity() {
        Severity::Note => "note",
        Severity::Repair => "repair",
        Severity::Damage => "damage",
    };
    findings.iter().map(|finding| format!("{}: {finding}", severity(finding))).collect()
}

/// What a check says besides the findings of the mount.
pub(super) fn told(report: &CheckReport) -> Vec<String> {
    let chain = report.broken_chain.iter().map(|at| format!("chain: {at}"));
    let damaged =
        report.damaged_indexes.iter().map(|d| format!("index: {}: {}", d.location, d.why));
    let reach = report.out_of_reach.paths.iter().map(|path| format!("reach: {path}"));
    let numbers = report.repeated_uids.paths.iter().map(|path| format!("number: {path}"));
    let deep = report.too_deep.paths.iter().map(|path| format!("deep: {path}"));
    chain.chain(damaged).chain(reach).chain(numbers).chain(deep).collect()
}

/// Mounts both ways, checks, and reads every file. Asserts that none of it writes, and that the quick
/// mount finds a volume too.
pub(super) fn look(rig: &Rig) -> Look {
    let quick = rig.mounting(CheckEnds::WhenInDoubt);
    let mounted = rig.mount();
    assert_eq!(quick.label.uuid, mounted.label.uuid);
    let before = rig.library.log().last_number();
    let mut drive = rig.drive();
    let report = check(&mut drive, &mounted).unwrap();
    let files = extract(&mut drive, &mounted);
    let written =
        rig.library.log().since(before).into_iter().filter(|r| r.is_write_class()).count();
    assert_eq!(written, 0, "looking at a volume wrote to it");
    Look { mounted, report, files }
}

/// Reads every file that the index lists.
pub(super) fn extract(drive: &mut Drive, mounted: &MountedVolume) -> BTreeMap<String, Content> {
    let mut entries = Vec::new();
    let mut at: Vec<String> = Vec::new();
    mounted
        .index
        .file
        .replay(&mut |event| {
            match event {
                IndexEvent::EnterDirectory(entry) => at.push(entry.name.to_string()),
                IndexEvent::LeaveDirectory(_) => drop(at.pop()),
                IndexEvent::File(entry) => {
                    let mut path = at[1..].to_vec();
                    path.push(entry.name.to_string());
                    entries.push((path.join("/"), entry.clone()));
                }
                IndexEvent::Header(_) | IndexEvent::End(_) => {}
            }
            Ok(())
        })
        .unwrap();
    let mut reader = VolumeReader::new(drive, mounted);
    entries.into_iter().map(|(path, entry)| (path, content_of(&mut reader, &entry))).collect()
}

/// Longest file of these tests; a damaged length must not take the memory.
const LENGTH_MAX: u64 = 1 << 20;

fn content_of(reader: &mut VolumeReader<'_>, entry: &FileEntry) -> Content {
    if entry.length > LENGTH_MAX {
        return Err(format!("it is said to have {} bytes", entry.length));
    }
    let mut bytes = Vec::new();
    let mut problem = None;
    let flow = reader
        .read_file(entry, &mut |piece| {
            match piece {
                FilePiece::Bytes { bytes: piece, .. } => bytes.extend_from_slice(piece),
                FilePiece::Hole { length, .. } => {
                    bytes.resize(bytes.len() + usize::try_from(length).unwrap(), 0);
                }
                FilePiece::Failed { problem: found, .. } => {
                    problem.get_or_insert(found.to_string());
                }
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(flow.is_continue());
    match problem {
        None => Ok(bytes),
        Some(problem) => Err(problem),
    }
}

/// The files of [`closed_volume`].
pub(super) fn closed_files() -> BTreeMap<String, Content> {
    [("a", content(1, 10_000)), ("b", content(2, 4096))]
        .map(|(path, bytes)| (path.to_owned(), Ok(bytes)))
        .into()
}

/// How a repair ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mended {
    /// With this generation; what is still to be said.
    Done(u64, Vec<String>),
    /// It was refused.
    Refused(String),
}

/// Repairs, and asserts that nothing that was on the tape is gone: the data partition begins with
/// all that it had, and so does the index partition, up to the good index that the new one replaces.
pub(super) fn mend(rig: &Rig, mounted: &MountedVolume) -> Mended {
    let before = [records(rig, INDEX), records(rig, DATA)];
    let logged = rig.library.log().last_number();
    let repaired = repair(rig.drive(), mounted, rig.write_options(), None);
    for record in rig.library.log().since(logged) {
        let destroys = [opcode::ERASE_6, opcode::FORMAT_MEDIUM, opcode::SET_CAPACITY];
        assert!(!destroys.contains(&record.cdb.opcode()), "{record:?}");
    }
    let after = [records(rig, INDEX), records(rig, DATA)];
    let replaced = match (&mounted.index_partition.tail, mounted.index_partition.last_index) {
        _ if repaired.is_err() => None,
        (Tail::Clean | Tail::NoTrailingFilemark, Some(last)) => Some(last.location.block.0 - 1),
        _ => None,
    };
    let is_doubtful = |finding: &Finding| matches!(finding, Finding::CopiesDiffer { .. });
    let replaced = replaced.filter(|_| !mounted.findings.iter().any(is_doubtful));
    let kept = replaced.map_or(before[0].len(), |block| usize::try_from(block).unwrap());
    assert!(after[0].starts_with(&before[0][..kept]), "the index partition lost something");
    assert!(after[1].starts_with(&before[1]), "the data partition lost something");
    match repaired {
        Ok((_, done)) => {
            done.index.coherency.unwrap();
            assert!(after[1].len() > before[1].len());
            Mended::Done(done.index.generation, sentences(&done.left))
        }
        Err(refused) => {
            assert_eq!(after, before, "a refused repair wrote something");
            Mended::Refused(refused.error.to_string())
        }
    }
}
