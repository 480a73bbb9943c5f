//! The process is killed at random moments; nothing that was called indexed is lost.

use std::time::Duration;

use crate::machine::Machine;
use crate::tree::{assert_same, noise, write};

/// How often each kind of job is killed. `FOSSILSAFE_KILLS` asks for more.
const KILLS: u64 = 6;

fn kills() -> u64 {
    std::env::var("FOSSILSAFE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

/// Moments spread over a job by the golden ratio: no two runs of one test differ.
fn moment(number: u64, longest: Duration) -> Duration {
    let fraction = (f64::from(u32::try_from(number).unwrap()) * 0.618_033_988_75).fract();
    longest.mul_f64(fraction)
}

/// Waits until every job has ended and returns their states, newest first.
fn settled(machine: &Machine) -> Vec<String> {
    for job in machine.tell(&["job", "list"])["items"].as_array().unwrap() {
        let id = job["id"].to_string();
        machine.ask(&["job", "follow", &id, "--json"]);
    }
    let jobs = machine.tell(&["job", "list"]);
    let states = jobs["items"].as_array().unwrap().iter();
    states.map(|job| job["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_killed_at_any_moment_is_taken_up_again_and_its_files_come_back() {
    let mut machine = Machine::start("2GiB");
    let source = machine.folder().join("source");
    for number in 0..400_u64 {
        let size = if number % 50 == 0 { 4_000_000 } else { 20_000 };
        write(&source.join(format!("d{}/f{number}", number % 7)), &noise(number, size));
    }
    machine.format("FSP001L9");
    machine.format("FSP002L9");
    for kill in 0..kills() {
        println!("kill {kill}");
        write(&source.join("changing"), &noise(10_000 + kill, 3_000_000));
        machine.tell(&[
            "backup",
            source.to_str().unwrap(),
            "--set",
            "s",
            "--full",
            "--detach",
            "--index-interval",
            "8MiB",
        ]);
        std::thread::sleep(moment(kill, Duration::from_millis(1500)));
        machine.kill();
        machine.boot();
        let states = settled(&machine);
        assert_eq!(states[0], "completed", "{states:?}");
        let table = machine.evidence("s");
        assert!(table.is_complete && table.at_least("indexed") == table.files, "{table:?}");
    }
    let verify = machine.tell(&["verify", "--set", "s"]);
    assert_eq!(verify["state"], "completed", "{verify:#}");
    let back = machine.folder().join("back");
    machine.restore("s", &back);
    assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
    machine.stop();
    for barcode in ["FSP001L9", "FSP002L9"] {
        machine.assert_consistent(barcode);
    }
}

#[test]
fn a_restore_killed_at_any_moment_is_taken_up_again_or_ends_honestly() {
    let mut machine = Machine::start("1GiB");
    let source = machine.folder().join("source");
    for number in 0..200_u64 {
        write(&source.join(format!("d{}/f{number}", number % 7)), &noise(number, 150_000));
    }
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "s"]);
    for kill in 0..kills() {
        let back = machine.folder().join(format!("back{kill}"));
        machine.tell(&["restore", "--set", "s", "--to", back.to_str().unwrap(), "--detach"]);
        std::thread::sleep(moment(kill, Duration::from_millis(800)));
        machine.kill();
        machine.boot();
        let states = settled(&machine);
        assert_eq!(states[0], "completed", "{states:?}");
        assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
    }
}
