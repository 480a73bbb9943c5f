//! Encryption, reservation, access order, alerts and statistics on the virtual library.

use super::*;
use crate::domain::BlockNumber;
use crate::drive::{
    AlertSeverity, BLOCK_KEY_BYTES, BlockEncryption, BlockKey, BlockKeys, Claim, DriveError,
    DriveErrorKind, ReservationKey, Segment, TapeAlert,
};
use crate::scsi::{SenseKey, opcode};
use crate::vtl::faults::{Execution, SensePlan};
use zeroize::Zeroizing;

fn key(secret: u8, name: &str) -> BlockKey {
    BlockKey { name: name.to_owned(), secret: Zeroizing::new([secret; BLOCK_KEY_BYTES]) }
}

/// Keys at hand: `pool-N` is made of the number N.
#[derive(Debug)]
struct AtHand(&'static [u8]);

impl BlockKeys for AtHand {
    fn block_key(&self, name: &str) -> Option<BlockKey> {
        let number: u8 = name.strip_prefix("pool-")?.parse().ok()?;
        self.0.contains(&number).then(|| key(number, name))
    }
}

/// Answers every further SECURITY PROTOCOL OUT with GOOD and does nothing.
fn ignore_keys(rig: &Rig) {
    let fault = Fault::at_opcode(opcode::SECURITY_PROTOCOL_OUT, 1, Effect::Ignored).always();
    rig.library.set_faults(FaultPlan::of(fault));
}

#[test]
fn a_block_opens_with_the_key_that_it_names_wherever_the_tape_goes() {
    let mut rig = Rig::recorded();
    for number in [7, 8] {
        rig.drive.encrypt_with(&key(number, &format!("pool-{number}"))).unwrap();
        assert!(rig.drive.write_block(&block(number)).unwrap().is_on_tape());
        rig.drive.end_encryption().unwrap();
    }
    rig.drive.find_keys_in(Arc::new(AtHand(&[7, 8])));
    for number in [8, 7, 8, 0, 7] {
        let at = Position::new(1, number.into());
        rig.drive.locate(at).unwrap();
        assert_eq!(read(&mut rig.drive).unwrap(), Some(block(number)), "{at}");
        assert!(!rig.drive.encryption_status().unwrap().encrypts, "reading never encrypts");
    }

    rig.drive.find_keys_in(Arc::new(AtHand(&[7])));
    rig.drive.locate(Position::new(1, 8)).unwrap();
    let error = read(&mut rig.drive).unwrap_err();
    assert!(matches!(&error, DriveError::KeyMissing { key, .. } if key == "pool-8"), "{error}");
    assert_eq!(rig.drive.position(), Some(Position::new(1, 8)), "it stands before the block");
    rig.drive.locate(Position::new(1, 7)).unwrap();
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(7)), "the others open still");
    rig.drive.unload().unwrap();
    let state = rig.drive.encryption_status().unwrap();
    assert!(!state.encrypts && !state.decrypts, "{state}");
}

#[test]
fn a_drive_that_takes_a_key_and_does_not_use_it_is_not_written_to() {
    let mut rig = Rig::recorded();
    ignore_keys(&rig);
    let error = rig.drive.encrypt_with(&key(7, "pool-7")).unwrap_err();
    assert!(matches!(&error, DriveError::NotEncrypting { .. }), "{error}");
    assert!(error.to_string().ends_with("and says that it uses no key"), "{error}");
    assert_eq!(error.kind(), DriveErrorKind::OperatorNeeded);
    assert!(!rig.drive.is_encrypting());
}

#[test]
fn a_key_that_was_lost_on_the_way_is_noticed_before_what_was_written_counts() {
    let mut rig = Rig::recorded();
    rig.drive.encrypt_with(&key(7, "pool-7")).unwrap();
    // Another program takes the key away; the drive's next answer would say so, and is not asked.
    rig.drive.encrypt_with(&key(7, "pool-7")).unwrap();
    let mut other = rig.other_host();
    other.ensure_plain().unwrap();
    let error = rig.drive.end_encryption().unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::PositionLost);
    assert!(error.to_string().ends_with("may stand there in plain"), "{error}");
    assert_eq!(rig.drive.position(), None);
}

#[test]
fn a_key_that_somebody_left_in_the_drive_is_taken_out_before_anything_is_written() {
    let mut rig = Rig::recorded();
    let mut other = rig.other_host();
    other.encrypt_with(&key(9, "theirs")).unwrap();
    assert!(rig.drive.encryption_status().unwrap().encrypts);
    assert!(!rig.drive.ensure_plain().unwrap());
    assert!(!rig.drive.encryption_status().unwrap().encrypts);
}

#[test]
fn a_drive_that_cannot_encrypt_says_so_and_one_that_does_not_let_go_of_a_key_is_told() {
    let mut rig = Rig::recorded();
    rig.drive.encrypt_with(&key(7, "pool-7")).unwrap();
    ignore_keys(&rig);
    let error = rig.drive.end_encryption().unwrap_err();
    assert!(error.to_string().contains("still uses a key"), "{error}");
    let refused = SensePlan::new(SenseKey::IllegalRequest, 0x20, 0);
    let refused = Effect::Sense { sense: refused, execution: Execution::Skipped };
    let faults = [opcode::SECURITY_PROTOCOL_IN, opcode::SECURITY_PROTOCOL_OUT]
        .map(|opcode| Fault::at_opcode(opcode, 1, refused.clone()).always());
    rig.library.set_faults(FaultPlan { faults: faults.into(), ..FaultPlan::default() });
    let error = rig.drive.encrypt_with(&key(7, "pool-7")).unwrap_err();
    assert!(matches!(error, DriveError::Unsupported { .. }), "{error}");
    assert!(!rig.drive.ensure_plain().unwrap(), "it encrypts nothing");
}

#[test]
fn what_is_written_with_a_key_is_read_only_with_it() {
    let mut rig = Rig::recorded();
    rig.drive.encrypt_with(&key(7, "pool-1")).unwrap();
    let settings = rig.drive.encryption_status().unwrap();
    assert!(settings.encrypts && settings.decrypts && settings.reads_plain);
    assert_eq!(settings.key_name, b"pool-1");
    assert!(rig.drive.write_block(&block(7)).unwrap().is_on_tape());
    rig.drive.locate(Position::new(1, 6)).unwrap();
    assert_eq!(read(&mut rig.drive).unwrap(), None);
    let next = rig.drive.next_block_encryption().unwrap();
    assert_eq!(next.encryption, BlockEncryption::Readable);
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(7)));

    rig.drive.end_encryption().unwrap();
    rig.drive.locate(Position::new(1, 7)).unwrap();
    let next = rig.drive.next_block_encryption().unwrap();
    assert_eq!((next.number, next.encryption), (7, BlockEncryption::KeyNeeded));
    let error = read(&mut rig.drive).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::OperatorNeeded, "{error}");

    rig.drive.encrypt_with(&key(8, "")).unwrap();
    rig.drive.locate(Position::new(1, 7)).unwrap();
    let wrong = read(&mut rig.drive).unwrap_err();
    assert!(wrong.is_locked_content() && wrong.to_string().contains("read a block"), "{wrong}");
    rig.drive.locate(Position::new(1, 0)).unwrap();
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(0)), "plain blocks stay readable");
}

#[test]
fn a_key_is_forgotten_when_the_cartridge_leaves() {
    let mut rig = Rig::recorded();
    rig.drive.encrypt_with(&key(7, "k")).unwrap();
    rig.drive.unload().unwrap();
    assert!(!rig.drive.encryption_status().unwrap().encrypts);
}

#[test]
fn a_reserved_drive_answers_nobody_else() {
    let mut rig = Rig::recorded();
    let mut other = rig.other_host();
    let (ours, theirs) = (ReservationKey(0x11), ReservationKey(0x22));
    rig.drive.reserve(ours).unwrap();
    assert_eq!(rig.drive.reservation().unwrap().unwrap().key, ours);
    let conflict = other.reserve(theirs).unwrap_err();
    assert!(matches!(conflict, DriveError::ReservationConflict { .. }), "{conflict}");
    assert!(other.locate(Position::new(1, 0)).is_err());
    // We come back after a restart, with the same key.
    rig.drive.reserve(ours).unwrap();
    other.take_reservation(theirs, ours).unwrap();
    assert_eq!(other.reservation().unwrap().unwrap().key, theirs);
    let error = rig.drive.write_block(&block(1)).unwrap_err();
    assert!(
        matches!(error, DriveError::ReservationConflict { .. } | DriveError::UnitAttention { .. }),
        "{error}"
    );
    other.release(theirs).unwrap();
    assert_eq!(other.reservation().unwrap(), None);
}

#[test]
fn a_drive_of_another_host_is_identified_named_and_left_alone_until_a_person_agrees() {
    let rig = Rig::recorded();
    let (ours, theirs) = (ReservationKey(0x11), ReservationKey(0x22));
    let way = |initiator| Box::new(rig.library.drive_as(0, InitiatorId(initiator)));
    let mut other = rig.other_host();
    other.reserve(theirs).unwrap();

    let identity = Drive::identity_of(way(0), rig.clock.clone()).unwrap();
    assert_eq!(identity.generation, Some(LtoGeneration::Lto9));
    let error = Drive::open_claimed(way(0), rig.clock.clone(), ours).unwrap_err();
    assert!(error.to_string().ends_with("reserved it with key 0000000000000022"), "{error}");
    assert_eq!(error.kind(), DriveErrorKind::OperatorNeeded);
    assert_eq!(other.registered_keys().unwrap(), [theirs], "nothing of ours was left");
    assert_eq!(Drive::holder_of(way(0), rig.clock.clone()).unwrap(), Some(theirs));

    assert!(Drive::free_from(way(0), rig.clock.clone(), ours, ReservationKey(0x33)).is_err());
    assert_eq!(Drive::holder_of(way(0), rig.clock.clone()).unwrap(), Some(theirs));
    Drive::free_from(way(0), rig.clock.clone(), ours, theirs).unwrap();
    assert_eq!(Drive::holder_of(way(0), rig.clock.clone()).unwrap(), None);
    let (mut drive, claim) = Drive::open_claimed(way(0), rig.clock.clone(), ours).unwrap();
    assert_eq!(claim, Claim::Reserved);

    // The same appliance by another cable: its key says that it is ours.
    let (mut drive_again, claim) = Drive::open_claimed(way(9), rig.clock.clone(), ours).unwrap();
    assert_eq!(claim, Claim::Reserved);
    assert!(drive.rewind().is_err());
    drive_again.end_claim(ours).unwrap();
    drive_again.end_claim(ours).unwrap();
    assert_eq!(drive_again.reservation().unwrap(), None);
}

#[test]
fn a_drive_without_persistent_reservations_is_used_all_the_same() {
    let mut rig = Rig::recorded();
    let sense = SensePlan::new(SenseKey::IllegalRequest, 0x20, 0);
    let effect = Effect::Sense { sense, execution: Execution::Skipped };
    rig.fault(Fault::at_opcode(opcode::PERSISTENT_RESERVE_OUT, 1, effect).always());
    assert_eq!(rig.drive.claim(ReservationKey(1)).unwrap(), Claim::Unsupported);
    rig.drive.end_claim(ReservationKey(1)).unwrap();
    rig.drive.rewind().unwrap();
}

#[test]
fn another_host_that_moves_the_tape_is_noticed_before_a_commit() {
    let mut rig = Rig::recorded();
    let commit = rig.drive.position().unwrap();
    rig.other_host().rewind().unwrap();
    let error = rig.drive.ensure_position(commit).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::PositionLost);
}

#[test]
fn the_recommended_order_names_each_segment_once() {
    let mut rig = Rig::recorded();
    let segment = |first: u64| Segment {
        partition: DATA,
        first: BlockNumber(first),
        last: BlockNumber(first),
    };
    let segments = [segment(5), segment(0), segment(2)];
    let mut order = rig.drive.recommended_access_order(&segments).unwrap().unwrap();
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2]);
    assert_eq!(rig.drive.position(), Some(Position::new(1, 7)));
    assert_eq!(rig.drive.recommended_access_order(&segments[..1]).unwrap(), None);

    let mut old = Rig::of(LtoGeneration::Lto8);
    assert_eq!(old.drive.recommended_access_order(&segments).unwrap(), None);
}

#[test]
fn a_drive_that_recommends_nothing_is_read_along_its_wraps() {
    let segment =
        |block| Segment { partition: DATA, first: BlockNumber(block), last: BlockNumber(block) };
    let written = |generation, blocks: u16| {
        let mut rig = Rig::formatted_as(generation);
        rig.drive.locate(Position::new(1, 0)).unwrap();
        for number in 0..blocks {
            let outcome = rig.drive.write_block(&block(number.to_be_bytes()[1])).unwrap();
            assert_eq!(outcome, WriteOutcome::Written);
        }
        let outcome = rig.drive.write_filemarks(1, Flush::Synchronous).unwrap();
        assert_eq!(outcome, WriteOutcome::Written);
        rig.drive.locate(Position::new(1, 0)).unwrap();
        rig
    };
    // Some eighty blocks to a wrap of this cartridge.
    let segments: Vec<_> = (0..40).map(|n| segment(n * 10)).collect();
    let mut rig = written(LtoGeneration::Lto8, 400);
    let order = rig.drive.reading_order(&segments).unwrap().unwrap();
    assert_eq!(rig.drive.position(), Some(Position::new(1, 0)));
    assert_eq!(order[0], 0);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..40).collect::<Vec<_>>(), "each once");
    let jumps = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 1).count();
    assert!(jumps > 10, "from wrap to wrap: {order:?}");

    let mut short = written(LtoGeneration::Lto8, 20);
    assert_eq!(short.drive.reading_order(&segments[..2]).unwrap(), None, "within a wrap");
    let mut older = written(LtoGeneration::Lto6, 400);
    assert_eq!(older.drive.reading_order(&segments).unwrap(), None, "it does not say");
}

#[test]
fn alerts_are_told_once_in_plain_words() {
    let mut rig = Rig::with_slot(0);
    let _ = rig.drive.alerts().unwrap();
    rig.library.raise_tape_alert(0, 20);
    let alerts = rig.drive.alerts().unwrap();
    assert_eq!(alerts, [TapeAlert(20)]);
    assert_eq!(alerts[0].severity(), AlertSeverity::Critical);
    assert!(rig.drive.alerts().unwrap().is_empty());
}

#[test]
fn counters_grow_with_what_is_written_and_read() {
    let mut rig = Rig::recorded();
    let statistics = rig.drive.statistics().unwrap();
    assert!(statistics.write.size_bytes.unwrap() >= 5 * 4096);
    assert_eq!(statistics.write.uncorrected, Some(0));
    assert!(statistics.cartridge.loads.unwrap() >= 1);
    assert!(!statistics.cleaning_required);
    rig.library.request_cleaning(0);
    assert!(rig.drive.statistics().unwrap().cleaning_required);
}
