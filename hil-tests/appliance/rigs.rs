//! Rig files: each is understood, and none lets a cartridge be erased that it does not name.

use std::path::Path;

use crate::rig::Rig;

#[test]
fn no_rig_lets_a_cartridge_be_erased_that_it_does_not_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hil-tests/rigs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let rig = Rig::read(&entry.unwrap().path()).unwrap();
        for barcode in &rig.erase {
            assert_eq!(rig.erasable(barcode).unwrap().barcode(), barcode);
            for other in [&barcode[1..], &barcode.to_lowercase(), &format!("{barcode} ")] {
                assert!(rig.erasable(other).is_err(), "{}: {other}", rig.name);
            }
        }
        for other in ["", "*", "NOT001L9"] {
            assert!(rig.erasable(other).is_err(), "{}: \"{other}\"", rig.name);
        }
        // What has no barcode may be erased only where it is a program, alone.
        assert!(!rig.is_unnamed_erasable || rig.changer.is_none(), "{}", rig.name);
        count += 1;
    }
    assert!(count >= 3, "{count} rigs");
}

#[test]
fn a_rig_file_with_a_word_that_nobody_knows_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "name = \"x\"\nplace = \"here\"\ndrives = 1\nerase = []\nerase-all = true\n\
        [drive]\nvendor = \"IBM\"\nproduct = \"\"\n";
    std::fs::write(file.path(), text).unwrap();
    let refused = Rig::read(file.path()).unwrap_err();
    assert!(refused.contains("erase-all"), "{refused}");
    std::fs::write(file.path(), text.replace("erase-all = true\n", "")).unwrap();
    assert!(Rig::read(file.path()).unwrap().erasable("E01001L8").is_err());
}
