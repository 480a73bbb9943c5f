//! The process is really killed, at moments that nobody chose, and the files are looked at.
//!
//! A child process (this test binary, told to run one ignored test) appends numbered blocks to
//! partition 1 and overwrites partition 0 again and again, as an index is. It says a line after each
//! synchronous filemark; the parent kills it after some lines, in the middle of whatever follows.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use super::*;

const FOLDER_VARIABLE: &str = "FOSSILSAFE_TEST_KILLED_LIBRARY";
const SAID: &str = "flushed ";
const KILLS: u64 = 8;
const BLOCK_BYTES: usize = 20_000;
const INDEX_BLOCKS: usize = 3;

/// What block `number` of partition 1 holds.
fn block(number: u64) -> Vec<u8> {
    let seed = number.to_be_bytes();
    seed.iter().copied().cycle().take(BLOCK_BYTES).collect()
}

fn open(folder: &Path) -> (VirtualLibrary, Host) {
    let library = VirtualLibrary::open(folder, OpenOptions::default()).unwrap();
    let mut drive = Host::to(library.drive(0));
    drive.settle();
    (library, drive)
}

#[test]
#[ignore = "runs until it is killed: the other half of the test below starts it"]
fn a_writer_that_never_stops() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let (_library, mut drive) = open(Path::new(&folder));
    let _ = drive.locate(1, u64::MAX);
    let (_, mut number, _) = drive.position();
    for generation in 0_u8.. {
        for _ in 0..5 {
            drive.write(&block(number)).unwrap();
            number += 1;
        }
        drive.filemarks(0).unwrap();
        drive.locate(0, 0).unwrap();
        for _ in 0..INDEX_BLOCKS {
            drive.write(&[generation; 1000]).unwrap();
        }
        drive.filemarks(0).unwrap();
        drive.set_attribute(1, 0x080C, &[generation; 70]).unwrap();
        println!("{SAID}{number}");
        drive.locate(1, number).unwrap();
    }
}

fn start_writer(folder: &Path) -> Child {
    Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "vtl::tests::killed::a_writer_that_never_stops"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER_VARIABLE, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the writer after it has flushed `times` times; up to which block it had said so.
fn kill_writer(folder: &Path, times: u64) -> u64 {
    let mut child = start_writer(folder);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).filter_map(|line| {
        // The first line stands behind what the test runner says.
        line.split(SAID).nth(1)?.parse::<u64>().ok()
    });
    let flushed = said.take(usize::try_from(times).unwrap()).last().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    flushed
}

#[test]
fn a_process_killed_at_any_moment_leaves_what_was_flushed_and_nothing_torn() {
    let rig = Rig::formatted();
    let Rig { folder, library, drive, changer, .. } = rig;
    drop((library, drive, changer));
    for kill in 1..=KILLS {
        let flushed = kill_writer(folder.path(), kill * 3);
        let (library, mut drive) = open(folder.path());
        drive.locate(1, 0).unwrap();
        let mut number = 0;
        while let Ok(found) = drive.read(BLOCK_BYTES) {
            assert!(found == block(number), "block {number} after kill {kill}");
            number += 1;
        }
        assert!(number >= flushed, "{flushed} blocks were flushed, {number} are there");
        drive.locate(0, 0).unwrap();
        let index: Vec<Vec<u8>> = std::iter::from_fn(|| drive.read(1000).ok()).collect();
        assert!(index.len() <= INDEX_BLOCKS);
        assert!(index.windows(2).all(|pair| pair[0] == pair[1]), "of one generation only");
        assert_eq!(drive.attribute(1, 0x080C).unwrap().len(), 70);
        drop((library, drive));
    }
}
