//! The changer: what it says is where, moves, mail slots, what it refuses, files in between.

use super::*;

/// READ ELEMENT STATUS of one kind with volume tags and identifiers: address, flags, label.
fn elements(host: &mut Host, kind: u8) -> Vec<(u16, u8, String)> {
    let report = host.get([0xB8, 0x10 | kind, 0, 0, 0xFF, 0xFF, 1, 0, 0xFF, 0xFF, 0, 0]);
    let total = usize::from(u16::from_be_bytes([report[6], report[7]]));
    assert_eq!(total, report.len() - 8);
    assert_eq!(report[8..10], [kind, 0x80]);
    let len = usize::from(u16::from_be_bytes([report[10], report[11]]));
    let descriptors = report[16..].chunks(len);
    let describe = |d: &[u8]| {
        let label = String::from_utf8_lossy(&d[12..44]).trim_matches([' ', '\0']).to_owned();
        (u16::from_be_bytes([d[0], d[1]]), d[2], label)
    };
    descriptors.map(describe).collect()
}

#[test]
fn the_inventory_shows_what_is_where() {
    let mut rig = Rig::loaded();
    let slots = elements(&mut rig.changer, 2);
    assert_eq!(slots.len(), 8);
    assert_eq!(slots[0], (0x0400, 0x08, String::new()));
    assert_eq!(slots[1], (0x0401, 0x09, "FSP002L9".to_owned()));
    let drives = elements(&mut rig.changer, 4);
    assert_eq!(drives[0], (0x0100, 0x01, "FSP001L9".to_owned()));
    assert_eq!(drives[1], (0x0101, 0x08, String::new()));
    assert_eq!(elements(&mut rig.changer, 3)[1], (0x0011, 0x38, String::new()));
    assert_eq!(elements(&mut rig.changer, 1), [(0x0001, 0x00, String::new())]);
    // The drive's descriptor: source slot, then vendor, product and serial as identifier.
    let report = rig.changer.get([0xB8, 0x14, 1, 0, 0, 1, 1, 0, 0xFF, 0xFF, 0, 0]);
    let descriptor = &report[16..];
    assert_eq!(descriptor[9..12], [0x81, 0x04, 0x00]);
    assert_eq!(descriptor[48..52], [2, 1, 0, 34]);
    let serial = rig.library.drive_serial(0).unwrap().0;
    assert_eq!(&descriptor[52..76], b"FOSSIL  ULTRIUM-TD9     ");
    assert_eq!(&descriptor[76..86], serial.as_bytes());
    // All kinds in one answer, in the order of their addresses; four pages.
    let all = rig.changer.get([0xB8, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]);
    assert_eq!(all[..4], [0, 1, 0, 13]);
    let addresses = rig.changer.get([0x1A, 8, 0x1D, 0, 255, 0]);
    assert_eq!(addresses[4..], [0x1D, 18, 0, 1, 0, 1, 4, 0, 0, 8, 0, 0x10, 0, 2, 1, 0, 0, 2, 0, 0]);
}

#[test]
fn moves_are_refused_for_the_reason_that_the_standard_names() {
    let mut rig = Rig::loaded();
    let (drive, slot) = (address::drive(0), address::slot);
    assert_eq!(numbers(rig.changer.moves(slot(0), slot(5))), (5, 0x3B, 0x0E));
    assert_eq!(numbers(rig.changer.moves(slot(1), slot(2))), (5, 0x3B, 0x0D));
    assert_eq!(numbers(rig.changer.moves(slot(1), 0x7777)), (5, 0x21, 0x01));
    assert_eq!(numbers(rig.changer.moves(drive, slot(0))), (5, 0x53, 0x02), "still loaded");
    rig.drive.none([0x1E, 0, 0, 0, 1, 0]).unwrap();
    assert_eq!(numbers(rig.drive.none([0x1B, 0, 0, 0, 0, 0])), (5, 0x53, 0x02));
    rig.drive.none([0x1E, 0, 0, 0, 0, 0]).unwrap();
    rig.drive.none([0x1B, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(numbers(rig.drive.none([0; 6])), (2, 0x3A, 0));
    rig.changer.moves(drive, slot(0)).unwrap();
    assert_eq!(elements(&mut rig.changer, 2)[0].2, "FSP001L9");
}

#[test]
fn a_cartridge_of_a_later_generation_is_not_put_into_the_drive() {
    let mut plan = plan(LtoGeneration::Lto8);
    plan.cartridges.push(CartridgePlan::data(
        "NEW001L9".parse().unwrap(),
        LtoGeneration::Lto9,
        ByteCount(64 * MIB),
    ));
    let mut rig = Rig::of(&plan);
    assert_eq!(numbers(rig.changer.moves(address::slot(4), address::drive(0))), (4, 4, 3));
    plan.rules.incompatible_cartridge = IncompatibleCartridgeMove::Loads;
    plan.rules.loaded_cartridge = LoadedCartridgeMove::Unloads;
    let mut rig = Rig::of(&plan);
    rig.changer.moves(address::slot(4), address::drive(0)).unwrap();
    assert_eq!(numbers(rig.drive.none([0; 6])), (2, 0x30, 0));
    rig.changer.moves(address::drive(0), address::slot(4)).unwrap();
}

#[test]
fn a_cleaning_cartridge_cleans_and_is_never_ready() {
    let mut plan = plan(LtoGeneration::Lto9);
    plan.cartridges[1].kind = CartridgeKind::Cleaning;
    let mut rig = Rig::of(&plan);
    rig.library.request_cleaning(0);
    let cleaning_required =
        |rig: &mut Rig| *rig.drive.get([0x4D, 0, 0x4C, 0, 0, 1, 0, 0x10, 0, 0]).last().unwrap();
    assert_eq!(cleaning_required(&mut rig), 1);
    rig.load(1);
    assert_eq!(numbers(rig.drive.none([0; 6])), (2, 0x30, 3));
    assert_eq!(numbers(rig.drive.write(b"x")), (2, 0x30, 3));
    rig.unload(1);
    assert_eq!(cleaning_required(&mut rig), 0);
}

#[test]
fn a_person_at_the_mail_slot_is_noticed() {
    let mut rig = Rig::new();
    rig.library.eject("FSP003L9").unwrap();
    assert_eq!(numbers(rig.changer.none([0; 6])), (6, 0x28, 0), "the door was open");
    assert_eq!(rig.library.insert("FSP003L9", Entrance::MailSlot).unwrap(), Place::MailSlot(0));
    assert_eq!(numbers(rig.changer.none([0; 6])), (6, 0x28, 1));
    let mail = elements(&mut rig.changer, 3);
    assert_eq!(mail[0], (0x0010, 0x3B, "FSP003L9".to_owned()));
    rig.changer.moves(address::mail_slot(0), address::slot(6)).unwrap();
    assert!(matches!(
        rig.library.insert("FSP003L9", Entrance::Slot),
        Err(VtlError::NoSuchCartridge { .. })
    ));
    rig.load(0);
    assert!(matches!(rig.library.eject("FSP001L9"), Err(VtlError::InDrive(_))));
    // Removal through the mail slots is prevented.
    rig.changer.none([0x1E, 0, 0, 0, 1, 0]).unwrap();
    let out = rig.changer.moves(address::slot(1), address::mail_slot(1));
    assert_eq!(numbers(out), (5, 0x53, 2));
}

#[test]
fn two_cartridges_may_carry_one_label() {
    let mut rig = Rig::new();
    let barcode = "FSP001L9".parse().unwrap();
    let twin = CartridgePlan::data(barcode, LtoGeneration::Lto9, ByteCount(64 * MIB));
    let serial = rig.library.add_cartridge(&twin).unwrap();
    rig.library.insert("FSP001L9", Entrance::Slot).unwrap();
    assert!(matches!(
        rig.library.eject("FSP001L9"),
        Err(VtlError::AmbiguousBarcode { serials, .. }) if serials.contains(&serial)
    ));
    rig.changer.settle();
    rig.load(4);
    let medium_serial = rig.drive.attribute(0, 0x0401).unwrap();
    assert_eq!(String::from_utf8_lossy(&medium_serial).trim(), serial);
}

#[test]
fn an_exchange_swaps_two_cartridges() {
    let mut rig = Rig::new();
    let (a, b) = (address::slot(0).to_be_bytes(), address::slot(1).to_be_bytes());
    rig.changer.none([0xA6, 0, 0, 1, a[0], a[1], b[0], b[1], a[0], a[1], 0, 0]).unwrap();
    let slots = elements(&mut rig.changer, 2);
    assert_eq!((slots[0].2.as_str(), slots[1].2.as_str()), ("FSP002L9", "FSP001L9"));
}

#[test]
fn a_library_is_opened_once_and_remembers_where_everything_is() {
    let mut rig = Rig::loaded();
    rig.drive.write(b"kept when the host goes").unwrap();
    let second = VirtualLibrary::open(rig.folder.path(), OpenOptions::default());
    assert!(matches!(second, Err(VtlError::InUse(_))));
    let Rig { folder, library, drive, changer, .. } = rig;
    drop((library, drive, changer));
    let library = VirtualLibrary::open(folder.path(), OpenOptions::default()).unwrap();
    let places: Vec<Place> = library.cartridges().unwrap().iter().map(|c| c.place).collect();
    assert_eq!(places, [Place::Drive(0), Place::Slot(1), Place::Slot(2), Place::Slot(3)]);
    let mut drive = Host::to(library.drive(0));
    drive.settle();
    assert_eq!(drive.read(64).unwrap(), b"kept when the host goes");
}

#[test]
fn damaged_files_are_named() {
    let rig = Rig::new();
    let Rig { folder, library, drive, changer, .. } = rig;
    drop((library, drive, changer));
    let open = || VirtualLibrary::open(folder.path(), OpenOptions::default());
    let record = folder.path().join("library.json");
    let whole = std::fs::read(&record).unwrap();
    std::fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    let error = open().unwrap_err();
    assert_eq!(error.kind(), VtlErrorKind::Corrupt);
    assert!(error.to_string().contains("library.json"), "{error}");
    std::fs::remove_file(&record).unwrap();
    assert!(matches!(open(), Err(VtlError::NotALibrary(_))));
}
