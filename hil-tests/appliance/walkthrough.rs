//! The API's own guide, `src/api/README.md`, followed to the letter: its blocks are one script.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::machine::Machine;
use crate::tree::{assert_same, noise, write};

/// The lines of the blocks marked `sh`, in order.
fn script() -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/README.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_guide_of_the_api_leads_from_a_new_appliance_to_files_that_are_back() {
    let machine = Machine::start("1GiB");
    let source = machine.folder().join("source");
    for number in 0..20 {
        write(&source.join(format!("letters/{number}")), &noise(number, 5_000));
    }
    let target = machine.folder().join("back");
    let code = std::fs::read_to_string(machine.data().join("setup-code")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_fossilsafe")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let said = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script()])
        .env("PATH", path)
        .env("ADDRESS", machine.url())
        .env("CODE", code.trim())
        .env("SOURCE", &source)
        .env("TARGET", &target)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}\n{err}\n{}", machine.log());
    // Eve, the kit's confirmation, the pool, a plan: what the guide shows is really answered.
    let by_api = [
        "\"eve\"",
        "RECOVERY KIT",
        "\"sealed\"",
        "\"nightly\"",
        "is_taken",
        "\"safe\"",
        "20 files",
    ];
    let by_command_line = ["User finn is viewer", "attic  sealed", "schedule weekly first comes"];
    for shown in by_api.into_iter().chain(by_command_line) {
        assert!(out.contains(shown), "no {shown} in\n{out}");
    }
    let from = source.strip_prefix("/").unwrap();
    assert_same(&source, &target.join(from));
    assert!(!machine.data().join("setup-code").exists(), "the code is worth nothing any more");
}
