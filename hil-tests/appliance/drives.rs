//! What every drive and library has to do, on the virtual library; on device nodes `scripts/hil` asks for the same.

use std::sync::Arc;

use fossilsafe::changer::Changer;
use fossilsafe::domain::{ByteCount, MIB, VirtualClock};
use fossilsafe::drive::Drive;
use fossilsafe::vtl::{LibraryPlan, OpenOptions, VirtualLibrary};

use crate::conformance::{Cartridges, Equipment, run};

#[test]
fn a_virtual_library_does_what_every_library_has_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(VirtualClock::default());
    let plan = LibraryPlan::practice(3, ByteCount(128 * MIB));
    let options = OpenOptions::for_tests(clock.clone());
    let library = VirtualLibrary::create_with(folder.path(), &plan, options).unwrap();
    let drive = |index| Drive::open(Box::new(library.drive(index)), clock.clone()).unwrap();
    let mut equipment = Equipment {
        changer: Changer::open(Box::new(library.changer())).unwrap(),
        drives: (0..library.drive_count()).map(drive).collect(),
        barcode: "FSP002L9".parse().unwrap(),
        cartridges: Cartridges::Small,
    };
    let ended = run(&mut equipment);
    let failed: Vec<_> = ended.iter().filter(|(_, how)| how.is_err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(ended.len(), 22);
}
