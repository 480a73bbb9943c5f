//! What every library has to do.

use fossilsafe::changer::{ChangerError, ChangerErrorKind, ElementAddress, ElementKind, Removal};

use super::{Equipment, LibraryScenario};

pub(super) const SCENARIOS: &[LibraryScenario] = &[
    ("its inventory shows every element once, and which drive is where", shows_every_element),
    ("two looks show the same", two_looks_show_the_same),
    ("a move is verified, and a cartridge in a drive remembers its slot", remembers_its_slot),
    ("a cartridge goes to each drive and comes back", goes_to_each_drive),
    ("a cartridge goes to a free slot and comes back", goes_to_a_free_slot),
    ("moves that cannot be right are refused, and nothing is moved", refuses_wrong_moves),
    ("its door is locked and unlocked", locks_its_door),
];

fn shows_every_element(equipment: &mut Equipment) {
    let inventory = equipment.changer.inventory().unwrap();
    assert!(inventory.slots().count() > 0 && inventory.robots().count() > 0);
    let mut addresses: Vec<_> = inventory.elements.iter().map(|it| it.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), inventory.elements.len());
    assert_eq!(inventory.in_robots().count(), 0, "the robot holds a cartridge");
    let mut places: Vec<_> =
        (0..equipment.drives.len()).map(|index| equipment.place_of_drive(index)).collect();
    places.dedup();
    assert_eq!(places.len(), equipment.drives.len());
    let place = equipment.place_of_cartridge();
    let element = inventory.element(place).unwrap();
    assert!(element.is_full && element.kind == ElementKind::Slot, "{element:?}");
}

fn two_looks_show_the_same(equipment: &mut Equipment) {
    let first = equipment.changer.inventory().unwrap();
    assert_eq!(equipment.changer.inventory().unwrap(), first);
}

fn remembers_its_slot(equipment: &mut Equipment) {
    let (home, drive) = (equipment.place_of_cartridge(), equipment.place_of_drive(0));
    let moved = equipment.changer.move_cartridge(home, drive).unwrap();
    assert!(moved.barcode.is_some_and(|it| it.is_same_label(&equipment.barcode)));
    let element = moved.inventory.element(drive).unwrap();
    assert!(element.is_full);
    assert_eq!(element.source, Some(home));
    assert!(!moved.inventory.element(home).unwrap().is_full);
    let occupied = equipment.changer.move_cartridge(home, drive).unwrap_err();
    assert!(matches!(occupied, ChangerError::BadMove { .. }), "{occupied}");
    equipment.drives[0].wait_ready(super::READY_TIME, &mut |_| {}).unwrap();
    equipment.take_away(0, home);
    assert_eq!(equipment.place_of_cartridge(), home);
}

fn goes_to_each_drive(equipment: &mut Equipment) {
    let home = equipment.place_of_cartridge();
    for index in 0..equipment.drives.len() {
        equipment.bring(index);
        assert_eq!(equipment.place_of_cartridge(), equipment.place_of_drive(index));
        assert!(equipment.drives[index].medium().unwrap().is_some(), "another drive has it");
        equipment.take_away(index, home);
        assert_eq!(equipment.drives[index].medium().unwrap(), None);
        assert_eq!(equipment.place_of_cartridge(), home);
    }
}

fn goes_to_a_free_slot(equipment: &mut Equipment) {
    let home = equipment.place_of_cartridge();
    let inventory = equipment.changer.inventory().unwrap();
    let free = inventory.empty_slot(None).expect("a slot is free").address;
    equipment.changer.move_cartridge(home, free).unwrap();
    assert_eq!(equipment.place_of_cartridge(), free);
    equipment.changer.move_cartridge(free, home).unwrap();
    assert_eq!(equipment.place_of_cartridge(), home);
    assert_eq!(equipment.changer.inventory().unwrap().elements.len(), inventory.elements.len());
}

fn refuses_wrong_moves(equipment: &mut Equipment) {
    let before = equipment.changer.inventory().unwrap();
    let home = equipment.place_of_cartridge();
    let nowhere = ElementAddress(0x7777);
    let free = before.empty_slot(None).expect("a slot is free").address;
    for (from, to) in [(free, home), (free, nowhere), (home, nowhere), (nowhere, free)] {
        let refused = equipment.changer.move_cartridge(from, to).unwrap_err();
        assert_eq!(refused.kind(), ChangerErrorKind::Replan, "{refused}");
    }
    assert_eq!(equipment.changer.inventory().unwrap(), before);
}

fn locks_its_door(equipment: &mut Equipment) {
    equipment.changer.prevent_removal(Removal::Prevented).unwrap();
    equipment.changer.prevent_removal(Removal::Allowed).unwrap();
    let home = equipment.place_of_cartridge();
    equipment.changer.position_to(home).unwrap();
}
