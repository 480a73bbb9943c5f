//! A data partition that is begun anew as an encrypted one, on the serial line: the TPM opens it by itself, without
//! that TPM its recovery passphrase does and a wrong one does not, and nothing is formatted by that. Then the same by an
//! installation on another disk. The TPM is `swtpm`, a real one but for its chip.

use std::path::Path;
use std::time::Duration;

use crate::browser::Browser;
use crate::data::{console_says, says, works};
use crate::line::Line;
use crate::machine::Machine;
use crate::services::{no_unit_has_failed, wait_for_menu};
use crate::steps::{Failed, Steps};

/// What a person waits for at a serial console, on a machine that derives keys without haste.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);
const POINT: &str = "17";
const INSTALL: &str = "16";
const DISK: &str = "Disk (empty: do nothing): ";
const ENCRYPT: &str = "Type \"encrypt\" to have that (empty: not encrypted): ";
const ERASE: &str = "Type \"erase and encrypt\" to do it: ";
const PAPER: &str = "Type it from your paper: ";
const LOCKED: &str = "is encrypted and is not open";
const ASKED: &str = "Recovery passphrase (empty: do nothing): ";
/// What is on the data partition is not readable on the disk.
const IS_ENCRYPTED: &str = "test $(readlink -f /dev/fossilsafe/data) = \
    $(readlink -f /dev/mapper/fossilsafe-data) && test $(findmnt -no FSTYPE /data) = ext4 && \
    test $(blkid -o value -s TYPE $(readlink -f /dev/fossilsafe/data-encrypted)) = crypto_LUKS";
/// One for the TPM and one for the passphrase: what opened it while it was made is gone.
const TWO_KEYS: &str = "cryptsetup luksDump /dev/fossilsafe/data-encrypted >/run/dump && \
    test $(grep -c '^  [0-9]*: luks2' /run/dump) = 2 && grep -q systemd-tpm2 /run/dump && \
    grep -q systemd-recovery /run/dump";
const KEPT: &str =
    "grep -qx kept /srv/kept && test $(df --output=size -B1M /data | tail -n 1) -gt 1000";
const EMPTY: &str =
    "test ! -e /srv/kept && test $(df --output=size -B1M /data | tail -n 1) -gt 1000";
/// Why the TPM has not opened it.
const WHY: &str = "journalctl --no-pager -b -u fossilsafe-open-data.service -u data.mount; \
    dmesg | grep -i tpm; ls -l /dev/tpm* /dev/fossilsafe; true";

pub(crate) fn run(machine: &mut Machine, _bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, encryption");
    machine.set_tpm(Some("tpm"));
    steps.step("a flashed disk boots in a machine with a TPM", machine.boot())?;
    steps.step("the engine is up", works(machine))?;
    let refused =
        answer(machine, &[(POINT, ERASE), ("yes", "That was not typed. Nothing was done.")]);
    steps.step("nothing is erased without its phrase", refused)?;
    steps.step("the engine still works", works(machine))?;
    let passphrase = steps.step("it is begun anew, encrypted", begun_anew(machine))?;
    steps.step("the engine is up", works(machine))?;
    steps.step("its data partition is encrypted", machine.inside(IS_ENCRYPTED))?;
    steps.step("two keys open it: TPM and passphrase", machine.inside(TWO_KEYS))?;
    steps.step("no unit has failed", no_unit_has_failed(machine))?;
    steps.step("it has data", machine.inside("echo kept >/srv/kept && sync"))?;
    machine.cut_power();
    steps.step("it starts again after a power failure", machine.boot())?;
    steps.step("and opens by itself", opens(machine))?;
    steps.step("with its data", machine.inside(KEPT))?;
    machine.cut_power();
    without_tpm(machine, &mut steps, &passphrase)?;
    machine.cut_power();
    with_another(machine, &mut steps, &passphrase)?;
    machine.cut_power();
    installed(machine, &mut steps)
}

/// The engine is up, so the TPM has opened it: nobody else was there.
fn opens(machine: &mut Machine) -> Result<(), String> {
    works(machine).map_err(|error| {
        let why = machine.inside(WHY).unwrap_or_else(|error| error);
        format!("{error}\n{why}")
    })
}

/// Nobody opens it but who has the passphrase.
fn without_tpm(machine: &mut Machine, steps: &mut Steps, passphrase: &str) -> Result<(), Failed> {
    machine.set_tpm(None);
    steps.step("it starts without its TPM", machine.boot())?;
    let browser = Browser::of(machine);
    steps.step("it says over the network that it is locked", says(&browser, LOCKED))?;
    steps.step("and on the serial line", console_says(machine, LOCKED))?;
    let untouched = "test ! -e /var/lib/fossilsafe/engine/catalog.db && test ! -e /srv/kept";
    steps.step("nothing was begun anew", machine.inside(untouched))?;
    let wrong = passphrase.chars().rev().collect::<String>();
    let refused = [
        (POINT, "Type \"open\""),
        ("open", ASKED),
        (wrong.as_str(), "does not open it. Nothing was changed."),
    ];
    steps.step("a wrong passphrase does not open it", answer(machine, &refused))?;
    steps.step("it is still locked", machine.inside("test ! -e /dev/mapper/fossilsafe-data"))?;
    let opened =
        [(POINT, "Type \"open\""), ("open", ASKED), (passphrase, "and the engine starts.")];
    steps.step("the passphrase opens it", answer(machine, &opened))?;
    steps.step("the engine is up", works(machine))?;
    steps.step("with its data", machine.inside(KEPT).map(drop))
}

/// The disk in another machine, or after its TPM was cleared.
fn with_another(machine: &mut Machine, steps: &mut Steps, passphrase: &str) -> Result<(), Failed> {
    machine.set_tpm(Some("another-tpm"));
    steps.step("it starts with another TPM", machine.boot())?;
    let browser = Browser::of(machine);
    steps.step("that one does not open it", says(&browser, LOCKED))?;
    let trusted = [
        (POINT, "Type \"open\""),
        ("open", ASKED),
        (passphrase, "then type \"trust this machine\": "),
        ("trust this machine", "and the engine starts."),
    ];
    steps.step("the passphrase opens it, and the TPM is trusted", answer(machine, &trusted))?;
    steps.step("the engine is up", works(machine))?;
    machine.cut_power();
    steps.step("it starts again", machine.boot())?;
    steps.step("and opens by itself", opens(machine))?;
    steps.step("with its data", machine.inside(KEPT))?;
    steps.step("two keys open it", machine.inside(TWO_KEYS))?;
    steps.step("no unit has failed", no_unit_has_failed(machine))
}

/// Another disk, encrypted by the installation: begun anew, with a passphrase of its own and the TPM that is there.
fn installed(machine: &mut Machine, steps: &mut Steps) -> Result<(), Failed> {
    let booted = machine.attach_empty().and_then(|()| machine.boot());
    steps.step("it starts beside an empty disk", booted)?;
    steps.step("and opens by itself", opens(machine))?;
    let refused =
        [(INSTALL, DISK), ("vdb", ENCRYPT), ("perhaps", "That was not typed. Nothing was done.")];
    steps.step("an installation asks whether to encrypt", answer(machine, &refused))?;
    steps.step("it is installed on the disk, encrypted", install(machine))?;
    steps.step("the machine switches off", machine.wait_for_off())?;
    machine.exchange_disks();
    machine.detach();
    steps.step("the disk boots alone", machine.boot())?;
    steps.step("and opens by itself", opens(machine))?;
    steps.step("its data partition is encrypted", machine.inside(IS_ENCRYPTED))?;
    steps.step("two keys open it", machine.inside(TWO_KEYS))?;
    steps.step("it has all of the disk, and nothing of the other", machine.inside(EMPTY))?;
    steps.step("no unit has failed", no_unit_has_failed(machine))
}

fn install(machine: &Machine) -> Result<(), String> {
    answer(machine, &[(INSTALL, DISK), ("vdb", ENCRYPT), ("encrypt", "Type \"erase vdb\"")])?;
    let console = machine.console()?;
    let passphrase = read_passphrase(console, "erase vdb")?;
    typed(console, &passphrase, "The machine switches off now")
}

/// What a person does who reads the passphrase and types it back, wrong at first. Back is the passphrase.
fn begun_anew(machine: &mut Machine) -> Result<String, String> {
    let shell = machine.shell_mark();
    let console = machine.console()?;
    wait_for_menu(machine)?;
    typed(console, &format!("\n{POINT}"), ERASE)?;
    let passphrase = read_passphrase(console, "erase and encrypt")?;
    typed(console, &passphrase[1..], "That is not what was shown.")?;
    typed(console, &passphrase, "The data partition is encrypted. The machine restarts.")?;
    machine.wait_for_shell(shell)?;
    Ok(passphrase)
}

/// The passphrase that is shown after these words.
fn read_passphrase(console: &Line, words: &str) -> Result<String, String> {
    let mark = console.mark();
    typed(console, words, PAPER)?;
    let said = console.since(mark);
    let passphrase = said.lines().map(str::trim).find(|line| is_passphrase(line));
    passphrase.map(str::to_owned).ok_or(said)
}

/// Eight groups of eight letters.
fn is_passphrase(line: &str) -> bool {
    let is_group = |group: &str| group.len() == 8 && group.bytes().all(|b| b.is_ascii_lowercase());
    line.split('-').count() == 8 && line.split('-').all(is_group)
}

/// A conversation from the menu on: what is typed, and what is said to it. The menu is there again at its end.
fn answer(machine: &Machine, said: &[(&str, &str)]) -> Result<(), String> {
    wait_for_menu(machine)?;
    let console = machine.console()?;
    // An empty line first: the screen may wait for one.
    console.send("\n")?;
    for (words, wanted) in said {
        typed(console, words, wanted)?;
    }
    Ok(())
}

fn typed(console: &Line, words: &str, wanted: &str) -> Result<(), String> {
    let mark = console.mark();
    console.send(&format!("{words}\n"))?;
    console.wait(mark, ANSWER_LIMIT, |said| said.contains(wanted).then_some(()))
}
