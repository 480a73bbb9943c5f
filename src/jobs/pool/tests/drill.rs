//! Drills on a tape: the typed kit opens a file by itself, or it is said that it does not.

use super::*;
use crate::jobs::spec::KitDrillSpec;
use crate::pools::Encryption;

fn drill(appliance: &TestAppliance, kit: &Kit) -> (JobState, JobEnd) {
    let copy: Kit = kit.text().parse().unwrap();
    let kit = appliance.parts().keys.ring().hold_for_drill(copy).unwrap();
    let spec = JobSpec::KitDrill(KitDrillSpec { kit, cartridge: None });
    appliance.wait(appliance.submit(&spec))
}

#[test]
fn the_typed_kit_alone_opens_a_file_of_the_tape_and_that_is_recorded() {
    for encryption in [Encryption::Sealed, Encryption::Drive] {
        let appliance = TestAppliance::formatted(1, 96);
        let kit: Kit = appliance.encrypted_pool_by("safe", encryption).parse().unwrap();
        let top = appliance.folder("source");
        tree(&top);
        let compression = Compression::Zstd { level: 1 };
        back_up(&appliance, BackupSpec { compression, ..sealed_spec(&top, "docs") });
        let (state, end) = drill(&appliance, &kit);
        assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.log());
        let sentence = end.outcome.unwrap().sentence;
        assert!(sentence.contains("alone opened") && sentence.contains("FSP001L9"), "{sentence}");
        let kits = appliance.parts().keys.ring().kits();
        let proven = kits.all()[0].proven.clone().unwrap();
        assert_eq!(proven.barcode, barcode(1));
    }
}

/// The appliance has the data key all the time: had it been used, the drill would succeed.
#[test]
fn a_kit_that_the_tape_was_not_wrapped_for_fails_whatever_the_appliance_knows() {
    for encryption in [Encryption::Sealed, Encryption::Drive] {
        let appliance = TestAppliance::formatted(1, 64);
        appliance.encrypted_pool_by("safe", encryption);
        let top = appliance.folder("source");
        write_file(&top.join("note.txt"), SECRET_TEXT.as_bytes());
        back_up(&appliance, sealed_spec(&top, "docs"));
        let later: Kit = appliance.encrypted_pool_by("other", encryption).parse().unwrap();
        let (state, end) = drill(&appliance, &later);
        let code = end.failure.map(|failure| failure.code);
        assert_eq!((state, code.as_deref()), (JobState::Failed, Some("kit_opens_nothing")));
        let kits = appliance.parts().keys.ring().kits();
        assert!(kits.all().iter().all(|kit| kit.proven.is_none()));
    }
}

#[test]
fn a_kit_is_kept_for_one_drill_and_a_strangers_is_refused() {
    let appliance = TestAppliance::formatted(1, 64);
    let kit: Kit = appliance.encrypted_pool("safe").parse().unwrap();
    let ring = appliance.parts().keys.ring();
    assert!(ring.hold_for_drill(Kit::generate()).is_err());
    let id = kit.public().id();
    let spec = JobSpec::KitDrill(KitDrillSpec { kit: id, cartridge: None });
    let ended = |(state, end): (JobState, JobEnd)| (state, end.failure.unwrap().code);
    let forgotten = ended(appliance.wait(appliance.submit(&spec)));
    assert_eq!(forgotten, (JobState::Failed, "kit_forgotten".to_owned()));
    // Nothing encrypted was written yet.
    assert_eq!(ended(drill(&appliance, &kit)), (JobState::Failed, "unknown".to_owned()));
    assert!(!ring.has_for_drill(id), "it was for that one");
}
