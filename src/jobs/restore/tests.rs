//! Restores of real backups on the virtual library.

use crate::jobs::test_support::{TestAppliance, barcode, noise, tree_of, write_file};

#[test]
fn a_backup_completes() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    write_file(&source.join("a/one"), &noise(1, 100_000));
    write_file(&source.join("b"), b"two");
    let run = appliance.backup(&source, "docs");
    let _ = (run, barcode(1), tree_of(&source));
}
