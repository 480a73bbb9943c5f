//! The changer on the virtual library: looks, moves, moves that go wrong, and changers that cannot do
//! all that we ask for.

use std::sync::Arc;

use tempfile::TempDir;

use super::{Changer, ChangerError, ChangerErrorKind, ElementAddress, ElementKind, Found, Removal};
use crate::domain::{Barcode, ByteCount, LtoGeneration, MIB, VirtualClock};
use crate::scsi::{Command, Completion, Sense, SenseKey, Transport, TransportError, opcode};
use crate::vtl::faults::{Effect, Execution, Fault, MoveEnd, SensePlan};
use crate::vtl::{
    CartridgePlan, Entrance, FaultPlan, LibraryPlan, LibraryRules, OpenOptions, VirtualLibrary,
    address,
};

struct Rig {
    _folder: TempDir,
    library: VirtualLibrary,
    changer: Changer,
}

impl Rig {
    fn new() -> Self {
        let cartridge = |n: u16| {
            let barcode = format!("FSP{n:03}L9").parse().unwrap();
            CartridgePlan::data(barcode, LtoGeneration::Lto9, ByteCount(64 * MIB))
        };
        let plan = LibraryPlan {
            drives: vec![LtoGeneration::Lto9; 2],
            slots: 8,
            mail_slots: 2,
            cartridges: (1..=3).map(cartridge).collect(),
            seed: 5,
            rules: LibraryRules::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::for_tests(Arc::new(VirtualClock::default()));
        let library = VirtualLibrary::create_with(folder.path(), &plan, options).unwrap();
        let changer = Changer::open(Box::new(library.changer())).unwrap();
        Self { _folder: folder, library, changer }
    }

    fn fault_of_move(&self, effect: Effect) {
        self.library.set_faults(FaultPlan::of(Fault::at_opcode(opcode::MOVE_MEDIUM, 1, effect)));
    }

    fn moves(&self) -> usize {
        self.library.log().with_opcode(opcode::MOVE_MEDIUM).len()
    }
}

fn slot(number: u16) -> ElementAddress {
    ElementAddress(address::slot(number))
}

fn drive(number: usize) -> ElementAddress {
    ElementAddress(address::drive(number))
}

fn barcode(text: &str) -> Barcode {
    text.parse().unwrap()
}

fn found(error: &ChangerError) -> &Found {
    match error {
        ChangerError::MoveFailed { found, .. } => found,
        other => panic!("{other}"),
    }
}

#[test]
fn the_inventory_shows_every_element_and_which_drive_is_where() {
    let mut rig = Rig::new();
    assert_eq!(rig.changer.identity().serial, rig.library.serial());
    let inventory = rig.changer.inventory().unwrap();
    assert_eq!(inventory.slots().count(), 8);
    assert_eq!(inventory.mail_slots().count(), 2);
    assert_eq!(inventory.robots().count(), 1);
    for index in 0..2 {
        let serial = rig.library.drive_serial(index).unwrap();
        assert_eq!(inventory.drive_by_serial(&serial).unwrap().address, drive(index));
    }
    let second = barcode("FSP002L9");
    let place = inventory.find_barcode(&second).next().unwrap();
    assert_eq!((place.kind, place.number), (ElementKind::Slot, 1));
    assert_eq!(inventory.empty_slot(None).unwrap().number, 3);
}

#[test]
fn a_move_is_verified_and_leaves_its_source_behind() {
    let mut rig = Rig::new();
    let moved = rig.changer.move_cartridge(slot(0), drive(1)).unwrap();
    assert_eq!(moved.barcode, Some(barcode("FSP001L9")));
    let element = moved.inventory.element(drive(1)).unwrap();
    assert!(element.is_full);
    assert_eq!(element.source, Some(slot(0)));
    assert!(!moved.inventory.element(slot(0)).unwrap().is_full);
}

#[test]
fn moves_that_cannot_be_right_are_not_sent() {
    let mut rig = Rig::new();
    let nowhere = ElementAddress(0x7777);
    for (from, to) in
        [(slot(5), slot(6)), (slot(0), slot(1)), (nowhere, slot(5)), (slot(0), nowhere)]
    {
        let error = rig.changer.move_cartridge(from, to).unwrap_err();
        assert!(matches!(error, ChangerError::BadMove { .. }));
        assert_eq!(error.kind(), ChangerErrorKind::Replan);
    }
    assert_eq!(rig.moves(), 0);
}

#[test]
fn a_move_that_failed_is_located_wherever_it_ended() {
    let broken = Some(SensePlan::new(SenseKey::HardwareError, 0x15, 0x01));
    let robot = ElementAddress(address::robot());
    let cases = [
        (MoveEnd::Source, Found::AtSource),
        (MoveEnd::Robot, Found::InRobot(robot)),
        (MoveEnd::Element(address::slot(6)), Found::Elsewhere(slot(6))),
        (MoveEnd::Destination, Found::AtDestination),
    ];
    for (ends, expected) in cases {
        let mut rig = Rig::new();
        rig.fault_of_move(Effect::Move { ends, sense: broken });
        let error = rig.changer.move_cartridge(slot(0), drive(0)).unwrap_err();
        assert_eq!(*found(&error), expected, "{error}");
        assert_eq!(error.sense().map(|sense| sense.code), Some(0x15));
        assert!(error.to_string().contains("FSP001L9"), "{error}");
    }
}

#[test]
fn a_move_that_is_answered_good_and_did_not_happen_is_noticed() {
    for (ends, expected) in [
        (MoveEnd::Source, Found::AtSource),
        (MoveEnd::Element(address::slot(6)), Found::Elsewhere(slot(6))),
    ] {
        let mut rig = Rig::new();
        rig.fault_of_move(Effect::Move { ends, sense: None });
        let error = rig.changer.move_cartridge(slot(0), drive(0)).unwrap_err();
        assert_eq!(*found(&error), expected, "{error}");
    }
}

#[test]
fn a_cartridge_that_the_robot_holds_is_found_after_a_restart_and_put_away() {
    let mut rig = Rig::new();
    let broken = Some(SensePlan::new(SenseKey::HardwareError, 0x15, 0x01));
    rig.fault_of_move(Effect::Move { ends: MoveEnd::Robot, sense: broken });
    rig.changer.move_cartridge(slot(0), drive(0)).unwrap_err();

    let mut changer = Changer::open(Box::new(rig.library.changer())).unwrap();
    let inventory = changer.inventory().unwrap();
    let held = inventory.in_robots().next().unwrap();
    assert_eq!(held.barcode, Some(barcode("FSP001L9")));
    let home = inventory.empty_slot(held.source).unwrap().address;
    let moved = changer.move_cartridge(held.address, home).unwrap();
    assert_eq!(moved.to, slot(0));
    assert_eq!(moved.inventory.in_robots().count(), 0);
}

#[test]
fn a_move_without_an_answer_is_looked_after() {
    for execution in [Execution::Skipped, Execution::Done] {
        let mut rig = Rig::new();
        rig.fault_of_move(Effect::TransportTimeout { execution });
        let error = rig.changer.move_cartridge(slot(0), drive(0)).unwrap_err();
        let expected = match execution {
            Execution::Skipped => Found::AtSource,
            Execution::Done => Found::AtDestination,
        };
        assert_eq!(*found(&error), expected, "{error}");
    }
}

#[test]
fn a_library_that_was_opened_by_a_person_moves_nothing_by_an_old_plan() {
    let mut rig = Rig::new();
    let attention = SensePlan::new(SenseKey::UnitAttention, 0x28, 0x01);
    let effect = Effect::Sense { sense: attention, execution: Execution::Skipped };
    rig.fault_of_move(effect);
    let error = rig.changer.move_cartridge(slot(0), drive(0)).unwrap_err();
    assert_eq!(*found(&error), Found::AtSource);
    assert_eq!(error.kind(), ChangerErrorKind::Replan);
    assert_eq!(rig.moves(), 1);
}

#[test]
fn what_a_person_put_into_the_mail_slot_is_in_the_next_inventory() {
    let mut rig = Rig::new();
    rig.library.eject("FSP003L9").unwrap();
    assert!(rig.changer.inventory().unwrap().find_barcode(&barcode("FSP003L9")).next().is_none());
    rig.library.insert("FSP003L9", Entrance::MailSlot).unwrap();
    let inventory = rig.changer.inventory().unwrap();
    let third = barcode("FSP003L9");
    let mail = inventory.find_barcode(&third).next().unwrap();
    assert_eq!(mail.kind, ElementKind::MailSlot);
    let to = inventory.empty_slot(None).unwrap().address;
    rig.changer.move_cartridge(mail.address, to).unwrap();
}

#[test]
fn a_cartridge_without_a_readable_label_is_moved_all_the_same() {
    let mut rig = Rig::new();
    rig.library.set_label_readable("FSP001L9", false).unwrap();
    rig.changer.initialize_elements(None).unwrap();
    let moved = rig.changer.move_cartridge(slot(0), drive(0)).unwrap();
    assert_eq!(moved.barcode, None);
    assert!(moved.inventory.element(drive(0)).unwrap().is_full);
}

#[test]
fn elements_are_initialised_and_the_door_is_locked() {
    let mut rig = Rig::new();
    rig.changer.initialize_elements(None).unwrap();
    rig.changer.initialize_elements(Some((slot(0), 4))).unwrap();
    rig.changer.position_to(slot(2)).unwrap();
    rig.changer.prevent_removal(Removal::Prevented).unwrap();
    let mail = ElementAddress(address::mail_slot(0));
    let error = rig.changer.move_cartridge(slot(0), mail).unwrap_err();
    assert_eq!(*found(&error), Found::AtSource);
    assert_eq!(error.kind(), ChangerErrorKind::OperatorNeeded);
    rig.changer.prevent_removal(Removal::Allowed).unwrap();
    rig.changer.move_cartridge(slot(0), mail).unwrap();
}

#[test]
fn a_drive_is_no_changer() {
    let rig = Rig::new();
    let error = Changer::open(Box::new(rig.library.drive(0))).unwrap_err();
    assert!(matches!(error, ChangerError::Answer { .. }));
}

/// A changer that refuses READ ELEMENT STATUS with certain bits: VOLTAG in byte 1, DVCID in byte 6.
struct Picky<T> {
    inner: T,
    refuses: fn(tags: bool, ids: bool) -> bool,
}

impl<T: Transport> Transport for Picky<T> {
    fn execute(&mut self, command: Command<'_>) -> Result<Completion, TransportError> {
        let cdb = command.cdb;
        let bytes = cdb.as_bytes();
        let is_look = cdb.opcode() == opcode::READ_ELEMENT_STATUS;
        if is_look && (self.refuses)(bytes[1] & 0x10 != 0, bytes[6] & 1 != 0) {
            let sense = Sense::new(SenseKey::IllegalRequest, 0x24, 0x00);
            return Ok(Completion::check(sense, 0));
        }
        self.inner.execute(command)
    }

    fn name(&self) -> &str {
        "picky"
    }
}

fn picky(rig: &Rig, refuses: fn(bool, bool) -> bool) -> Changer {
    Changer::open(Box::new(Picky { inner: rig.library.changer(), refuses })).unwrap()
}

#[test]
fn tags_and_identifiers_are_asked_for_apart_where_they_are_refused_together() {
    let mut rig = Rig::new();
    rig.changer.move_cartridge(slot(0), drive(0)).unwrap();
    let all = rig.changer.inventory().unwrap();
    let mut apart = picky(&rig, |tags, ids| tags && ids);
    assert_eq!(apart.inventory().unwrap(), all);
    assert_eq!(apart.inventory().unwrap(), all, "and the second time");

    let mut no_ids = picky(&rig, |_, ids| ids);
    let inventory = no_ids.inventory().unwrap();
    assert!(inventory.drives().all(|drive| drive.drive_serial.is_none()));
    assert_eq!(inventory.find_barcode(&barcode("FSP001L9")).count(), 1);

    let mut no_tags = picky(&rig, |tags, _| tags);
    let inventory = no_tags.inventory().unwrap();
    assert!(inventory.elements.iter().all(|element| element.barcode.is_none()));
    assert!(inventory.drives().all(|drive| drive.drive_serial.is_some()));
    assert!(inventory.element(drive(0)).unwrap().is_full);
}

/// A changer that has given its volume tags has them: were a refusal of one moment believed, no cartridge
/// would be found until the next restart.
#[test]
fn a_refusal_after_tags_were_given_is_an_error_and_is_not_remembered() {
    let mut rig = Rig::new();
    let before = rig.changer.inventory().unwrap();
    assert!(before.find_barcode(&"FSP001L9".parse::<Barcode>().unwrap()).next().is_some());
    for nth in 1..=4 {
        let sense = SensePlan::new(SenseKey::IllegalRequest, 0x24, 0x00);
        let effect = Effect::Sense { sense, execution: Execution::Skipped };
        let fault = Fault::at_opcode(opcode::READ_ELEMENT_STATUS, nth, effect);
        rig.library.set_faults(FaultPlan::of(fault));
        rig.changer.inventory().unwrap_err();
        assert_eq!(rig.changer.inventory().unwrap(), before, "after the refusal of look {nth}");
    }
}
