//! Pools that the drive encrypts: from the backup to the restore, with drives that lie, and with keys lost.

use super::*;
use crate::jobs::spec::VerifySpec;
use crate::keys::sealed::KeySource as _;
use crate::pools::{Encryption, KeyPlace};
use crate::scsi::{SenseKey, opcode};
use crate::vtl::FaultPlan;
use crate::vtl::faults::{BlockAccess, Effect, Execution, Fault, SensePlan};

/// An appliance with a pool `safe` that drives encrypt; and its kit.
fn appliance(cartridges: u16, data_mib: u64) -> (TestAppliance, String) {
    let appliance = TestAppliance::formatted(cartridges, data_mib);
    let kit = appliance.encrypted_pool_by("safe", Encryption::Drive);
    (appliance, kit)
}

fn ends_as(appliance: &TestAppliance, spec: BackupSpec) -> (JobState, String) {
    let (state, end) = appliance.wait(appliance.submit(&JobSpec::Backup(spec)));
    (state, end.failure.map_or_else(|| format!("{:?}", end.outcome), |failure| failure.code))
}

/// True if that text stands on one of the cartridges.
fn is_in(appliance: &TestAppliance, text: &[u8]) -> bool {
    let cartridges = std::fs::read_dir(appliance.library.folder().join("cartridges")).unwrap();
    let files = cartridges.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| memchr::memmem::find(&bytes, text).is_some())
}

#[test]
fn files_encrypted_by_the_drive_come_back_and_nothing_of_them_stands_on_the_tape() {
    let (appliance, kit) = appliance(1, 96);
    let top = appliance.folder("source");
    tree(&top);
    // Indexes between the files: the drive is told to encrypt and to stop again many times.
    let spec = BackupSpec { index_interval: ByteCount(4 * MIB), ..sealed_spec(&top, "docs") };
    let run = back_up(&appliance, spec);
    let (state, end, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    is_identical(&appliance, &run, &top, "back");

    assert!(!is_in(&appliance, &SECRET_TEXT.as_bytes()[..20]), "content in plain");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(SECRET_TEXT.repeat(20).as_bytes());
    assert!(!is_in(&appliance, hex::encode(digest).as_bytes()), "a digest in plain");
    assert!(is_in(&appliance, b"note.txt"), "names are readable, and FORMAT.md says so");

    // What the kit opens without this program is what the drive was given.
    let program = appliance.folder("program").join("unseal.py");
    std::fs::write(&program, crate::keys::UNSEAL_PROGRAM).unwrap();
    let paper = program.with_file_name("kit.txt");
    std::fs::write(&paper, kit).unwrap();
    let id = pools(appliance.catalog()).unwrap()[0].key.unwrap();
    let folder = appliance.folder("tape");
    let file = appliance.parts().keys.ring().key_file(id).unwrap();
    write_file(&folder.join(format!(".fossilsafe/keys/{id}.json")), &file.to_json());
    let path = format!(".fossilsafe/keys/{id}.json");
    let ran = Command::new("python3")
        .args([program.as_os_str(), paper.as_os_str(), folder.as_os_str(), path.as_ref()])
        .output()
        .unwrap();
    let key = appliance.parts().keys.ring().data_key(id).unwrap().drive_key();
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), hex::encode(*key.secret));
}

#[test]
fn runs_with_old_and_new_keys_on_one_cartridge_are_read_with_their_own() {
    let (appliance, _) = appliance(2, 96);
    let top = appliance.folder("source");
    tree(&top);
    let spec = BackupSpec {
        copies: Some(2),
        compression: Compression::Zstd { level: 1 },
        ..sealed_spec(&top, "docs")
    };
    let first = back_up(&appliance, spec.clone());
    rotate(appliance.parts(), &"safe".parse().unwrap()).unwrap();
    write_file(&top.join("later"), SECRET_TEXT.as_bytes());
    let spec = BackupSpec { pool: None, mode: BackupMode::Incremental, ..spec };
    let second = back_up(&appliance, spec);
    for run in [&first, &second] {
        let (state, end, told) = verify(&appliance, run);
        assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    }
    for gone in [1, 2] {
        appliance.take_out(&barcode(gone));
        appliance.complete(&JobSpec::Inventory);
        is_identical(&appliance, &second, &top, &format!("without-{gone}"));
        appliance.put_in(&barcode(gone));
    }
}

#[test]
fn a_drive_that_only_claims_to_encrypt_gets_nothing_of_the_files() {
    let (appliance, _) = appliance(1, 96);
    let top = appliance.folder("source");
    tree(&top);
    let ignored = Fault::at_opcode(opcode::SECURITY_PROTOCOL_OUT, 1, Effect::Ignored).always();
    appliance.library.set_faults(FaultPlan::of(ignored));
    let ended = ends_as(&appliance, sealed_spec(&top, "docs"));
    assert_eq!(ended, (JobState::Failed, "drive_not_encrypting".to_owned()));
    assert!(!is_in(&appliance, &SECRET_TEXT.as_bytes()[..20]), "content in plain");
    let refused = SensePlan::new(SenseKey::IllegalRequest, 0x20, 0);
    let refused = Effect::Sense { sense: refused, execution: Execution::Skipped };
    let faults = [opcode::SECURITY_PROTOCOL_IN, opcode::SECURITY_PROTOCOL_OUT]
        .map(|opcode| Fault::at_opcode(opcode, 1, refused.clone()).always());
    appliance.library.set_faults(FaultPlan { faults: faults.into(), ..FaultPlan::default() });
    let ended = ends_as(&appliance, sealed_spec(&top, "docs"));
    assert_eq!(ended, (JobState::Failed, "drive_unsupported".to_owned()));

    appliance.library.set_faults(FaultPlan::default());
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    is_identical(&appliance, &run, &top, "back");
}

#[test]
fn a_drive_that_is_reset_while_it_encrypts_is_given_the_key_again() {
    let (appliance, _) = appliance(2, 96);
    let top = appliance.folder("source");
    tree(&top);
    let reset = |unit_attention| {
        let reset = Fault::at_opcode(opcode::WRITE_6, 9, Effect::Reset { unit_attention });
        appliance.library.set_faults(FaultPlan::of(reset));
    };
    reset(true);
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let (state, end, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    is_identical(&appliance, &run, &top, "back");
    assert!(!is_in(&appliance, &SECRET_TEXT.as_bytes()[..20]), "content in plain");

    // Without a word, key and place are gone. What was written since does not count, and is said to be in plain.
    reset(false);
    let job = appliance.submit(&JobSpec::Backup(sealed_spec(&top, "docs")));
    let (state, end) = appliance.wait(job);
    let told = appliance.told(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    assert!(told.contains("may stand there in plain"), "{told}");
    let (state, end, told) = verify(&appliance, &end.outcome.unwrap().run.unwrap());
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
}

#[test]
fn content_that_stands_in_plain_is_told_by_the_next_verification() {
    let appliance = TestAppliance::formatted(1, 64);
    let parts = appliance.parts();
    super::super::create(parts, "safe".parse().unwrap(), Encryption::None, KeyPlace::Appliance)
        .unwrap();
    let top = appliance.folder("source");
    write_file(&top.join("note.txt"), SECRET_TEXT.as_bytes());
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    // As if a drive had lied in everything that it said when this was written.
    let mut known = pools(appliance.catalog()).unwrap();
    known[0].encryption = Encryption::Drive;
    super::super::store(appliance.catalog(), known).unwrap();
    let (state, end, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    assert!(told.contains("is not encrypted"), "{told}");
}

#[test]
fn damage_and_a_wrong_key_are_told_apart() {
    let (appliance, _) = appliance(1, 64);
    let top = appliance.folder("source");
    write_file(&top.join("note.txt"), &noise(1, 2_000_000));
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let first = appliance.catalog().segments_of_run(&run).unwrap()[0].id;
    let copies = appliance.catalog().segment_copies(first, 0, 100).unwrap();
    let block = copies.iter().find_map(|c| c.copy.extents.first()).unwrap().start.block.0;
    let said = |qualifier| {
        let sense = SensePlan::new(SenseKey::DataProtect, 0x74, qualifier);
        let effect = Effect::Sense { sense, execution: Execution::Skipped };
        let fault = Fault::at_block(BlockAccess::Read, 1, block, effect).always();
        appliance.library.set_faults(FaultPlan::of(fault));
        let job =
            appliance.submit(&JobSpec::Verify(VerifySpec::from(VerifyScope::Run(run.clone()))));
        let (state, end) = appliance.wait(job);
        (state, end.failure.map(|failure| failure.code), appliance.told(job))
    };
    let (state, code, told) = said(3);
    assert_eq!((state, code.as_deref()), (JobState::Failed, Some("wrong_key")), "{told}");
    let (state, code, told) = said(4);
    assert_eq!((state, code), (JobState::Incomplete, None), "{told}");
    appliance.library.set_faults(FaultPlan::default());
    let (state, _, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{told}");
}

#[test]
fn what_a_drive_encrypted_comes_back_after_everything_is_lost() {
    let (mut appliance, kit) = appliance(3, 24);
    let kit: Kit = kit.parse().unwrap();
    let top = appliance.folder("source");
    tree(&top);
    write_file(&top.join("split.bin"), &noise(5, usize::try_from(24 * MIB).unwrap()));
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let known = pools(appliance.catalog()).unwrap()[0].key.unwrap();

    // The keys alone: nothing is called damaged that is only locked.
    appliance.restart_without("keys");
    let (state, end, told) = verify(&appliance, &run);
    let code = end.failure.as_ref().map(|failure| failure.code.clone());
    assert_eq!((state, code.as_deref()), (JobState::Failed, Some("key_missing")), "{told}");
    let to = appliance.folder("nothing");
    let spec = JobSpec::Restore(restore_spec(&run, &[&top.join("note.txt")], &to));
    let (_, end) = appliance.wait(appliance.submit(&spec));
    let said = format!("{end:?}");
    assert!(said.contains(&format!("fossilsafe {known}")), "{said}");

    for lost in ["catalog", "keys", "manifests", "indexes", "receipts", "jobs"] {
        appliance.restart_without(lost);
    }
    let rebuild = JobSpec::Rebuild(RebuildSpec::default());
    let (_, end) = appliance.wait(appliance.submit(&rebuild));
    let told = format!("{end:?}");
    assert!(told.contains(&format!("data key {known}")) && told.contains("kit open"), "{told}");
    assert_eq!(appliance.parts().keys.ring().open_waiting(&kit).unwrap(), [known]);
    let (_, end) = appliance.wait(appliance.submit(&rebuild));
    assert!(!format!("{end:?}").contains("kit open"), "{end:?}");
    is_identical(&appliance, &run, &top, "back");

    // The pool, made again, goes on with the key that is kept.
    let safe = "safe".parse().unwrap();
    let pool =
        super::super::create(appliance.parts(), safe, Encryption::Drive, KeyPlace::Appliance)
            .unwrap();
    assert_eq!(pool.key, Some(known));
}
