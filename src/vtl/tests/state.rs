//! What initiators share: reservations, encryption keys, the access order, time.

use super::*;
use crate::domain::Clock;
use crate::vtl::faults::{ByteMatch, Effect, Execution, Fault, SensePlan, Times, Trigger};

const REGISTER: u8 = 0;
const RESERVE: u8 = 1;
const RELEASE: u8 = 2;
const PREEMPT: u8 = 4;
const EXCLUSIVE_ACCESS: u8 = 3;

fn second(rig: &Rig) -> Host {
    let mut host = Host::to(rig.library.drive_as(0, InitiatorId(1)));
    host.settle();
    host
}

/// PERSISTENT RESERVE OUT.
fn reserve(host: &mut Host, action: u8, key: u64, new_key: u64) -> Status {
    let mut list = key.to_be_bytes().to_vec();
    list.extend_from_slice(&new_key.to_be_bytes());
    list.extend_from_slice(&[0; 8]);
    let cdb = [0x5F, action, EXCLUSIVE_ACCESS, 0, 0, 0, 0, 0, 24, 0];
    host.transport.execute(Command::writing(cdb, &list, LIMIT)).unwrap().status
}

#[test]
fn a_persistent_reservation_keeps_others_out_until_it_is_preempted() {
    let mut rig = Rig::loaded();
    let mut other = second(&rig);
    assert_eq!(reserve(&mut rig.drive, REGISTER, 0, 0xA), Status::Good);
    assert_eq!(reserve(&mut rig.drive, RESERVE, 0xA, 0), Status::Good);
    let status = |host: &mut Host| host.try_none([0; 6]).unwrap().status;
    assert_eq!(status(&mut other), Status::ReservationConflict);
    assert_eq!(other.get([0x12, 0, 0, 0, 36, 0]).len(), 36, "INQUIRY is always allowed");
    assert_eq!(status(&mut rig.drive), Status::Good);
    let keys = other.get([0x5E, 0, 0, 0, 0, 0, 0, 0, 64, 0]);
    assert_eq!(keys[4..], [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xA]);
    assert_eq!(reserve(&mut other, RELEASE, 0xB, 0), Status::ReservationConflict);
    assert_eq!(reserve(&mut other, REGISTER, 0, 0xB), Status::Good);
    assert_eq!(reserve(&mut other, PREEMPT, 0xB, 0xA), Status::Good);
    assert_eq!(numbers(rig.drive.none([0; 6])), (6, 0x2A, 5));
    assert_eq!(status(&mut rig.drive), Status::ReservationConflict);
    let reservation = other.get([0x5E, 1, 0, 0, 0, 0, 0, 0, 64, 0]);
    assert_eq!(reservation[15..], [0xB, 0, 0, 0, 0, 0, EXCLUSIVE_ACCESS, 0, 0]);
    assert_eq!(reserve(&mut other, RELEASE, 0xB, 0), Status::Good);
    assert_eq!(status(&mut rig.drive), Status::Good);
}

#[test]
fn reserve_and_release_of_old_work_between_initiators() {
    let mut rig = Rig::loaded();
    let mut other = second(&rig);
    rig.drive.none([0x16, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(other.try_none([0; 6]).unwrap().status, Status::ReservationConflict);
    other.none([0x17, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(other.try_none([0; 6]).unwrap().status, Status::ReservationConflict);
    rig.drive.none([0x17, 0, 0, 0, 0, 0]).unwrap();
    other.none([0; 6]).unwrap();
}

#[test]
fn every_initiator_is_told_of_a_new_medium_once() {
    let mut rig = Rig::loaded();
    let mut other = second(&rig);
    rig.unload(0);
    rig.changer.moves(address::slot(0), address::drive(0)).unwrap();
    for host in [&mut rig.drive, &mut other] {
        // REQUEST SENSE delivers it as data and takes it away.
        let sense = host.get([0x03, 0, 0, 0, 252, 0]);
        assert_eq!((sense[2], sense[12], sense[13]), (6, 0x28, 0));
        host.none([0; 6]).unwrap();
    }
    let list = [0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0];
    other.put([0x15, 0x10, 0, 0, 12, 0], &list).unwrap();
    assert_eq!(numbers(rig.drive.none([0; 6])), (6, 0x2A, 1));
}

/// SET DATA ENCRYPTION for all initiators: modes, key of one byte repeated, A-KAD "id".
fn set_key(host: &mut Host, encrypt: u8, decrypt: u8, key: u8) {
    let mut page = vec![0, 0x10, 0, 0, 2 << 5, 0, encrypt, decrypt, 1, 0, 0];
    page.extend_from_slice(&[0; 7]);
    page.extend_from_slice(&[0, 32]);
    page.extend_from_slice(&[key; 32]);
    page.extend_from_slice(&[1, 0, 0, 2, b'i', b'd']);
    page[3] = u8::try_from(page.len() - 4).unwrap();
    let len = u8::try_from(page.len()).unwrap();
    host.put([0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, len, 0, 0], &page).unwrap();
}

#[test]
fn encrypted_blocks_need_their_key_and_are_not_in_the_files_in_plain() {
    let mut rig = Rig::loaded();
    rig.drive.write(b"plain and readable").unwrap();
    set_key(&mut rig.drive, 2, 2, 7);
    rig.drive.write(b"secret and unreadable").unwrap();
    rig.drive.filemarks(1).unwrap();
    let mut try_second = |encrypt, decrypt, key| {
        set_key(&mut rig.drive, encrypt, decrypt, key);
        rig.drive.locate(0, 1).unwrap();
        rig.drive.read(64).map_err(|s| (s.key.code(), s.code, s.qualifier))
    };
    assert_eq!(try_second(2, 2, 7).unwrap(), b"secret and unreadable");
    assert_eq!(try_second(0, 3, 7).unwrap(), b"secret and unreadable");
    assert_eq!(try_second(2, 2, 8), Err((7, 0x74, 3)));
    assert_eq!(try_second(0, 0, 0), Err((7, 0x74, 1)));
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(rig.drive.read(64).unwrap(), b"plain and readable");
    set_key(&mut rig.drive, 2, 2, 7);
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(rig.drive.read(64).unwrap_err().qualifier, 2, "plain met while decrypting");
    let status = rig.drive.get([0xA2, 0x20, 0, 0x20, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(status[..8], [0, 0x20, 0, 26, 2, 2, 2, 1]);
    assert_eq!(status[24..], [1, 0, 0, 2, b'i', b'd']);
    rig.drive.locate(0, 1).unwrap();
    let next = rig.drive.get([0xA2, 0x20, 0, 0x21, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(next[11..14], [1, 5, 1]);
    assert_eq!(next[16..], [1, 0, 0, 2, b'i', b'd']);
    set_key(&mut rig.drive, 2, 2, 8);
    let next = rig.drive.get([0xA2, 0x20, 0, 0x21, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(next[12], 6, "another key");
    let files: Vec<u8> = walk(rig.folder.path()).into_iter().flatten().collect();
    let contains = |text: &[u8]| files.windows(text.len()).any(|window| window == text);
    assert!(contains(b"plain and readable") && !contains(b"secret and"));
    rig.library.power_fail();
    rig.drive.settle();
    rig.drive.locate(0, 1).unwrap();
    assert_eq!(rig.drive.read(64).unwrap_err().code, 0x74, "the key went with the power");
}

fn walk(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path.is_dir() {
        true => walk(&path),
        false => vec![std::fs::read(path).unwrap()],
    };
    entries.flat_map(read).collect()
}

#[test]
fn a_damaged_file_is_a_medium_error_at_that_block() {
    let mut rig = Rig::loaded();
    for n in 0..4_u8 {
        rig.drive.write(&[n; 1000]).unwrap();
    }
    rig.unload(0);
    let serial = rig.library.cartridges().unwrap()[0].serial.clone();
    let data = rig.folder.path().join("cartridges").join(serial).join("L0-P0.data");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[1500] ^= 1;
    bytes.truncate(3500);
    std::fs::write(&data, bytes).unwrap();
    rig.load(0);
    let results: Vec<bool> = (0..4).map(|_| rig.drive.read(1000).is_ok()).collect();
    assert_eq!(results, [true, false, true, false]);
    assert_eq!(rig.drive.read(1000).unwrap_err().key, SenseKey::BlankCheck);
}

#[test]
fn the_recommended_order_is_shorter_than_the_one_asked_for() {
    let mut rig = Rig::loaded();
    for _ in 0..512 {
        rig.drive.write(&vec![0; 100_000]).unwrap();
    }
    let segments = [(400_u64, 401_u64), (10, 12), (405, 410), (0, 1), (200, 201)];
    let mut list = vec![0; 8];
    for (name, (first, last)) in (0_u8..).zip(segments) {
        list.extend_from_slice(&[0, 30, 0, 0, 0, name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        list.extend_from_slice(&first.to_be_bytes());
        list.extend_from_slice(&last.to_be_bytes());
    }
    list[7] = u8::try_from(list.len() - 8).unwrap();
    let len = u8::try_from(list.len()).unwrap();
    rig.drive.locate(0, 0).unwrap();
    rig.drive.put([0xA4, 0x1D, 0, 0, 0, 0, 0, 0, 0, len, 0, 0], &list).unwrap();
    let order = rig.drive.get([0xA3, 0x1D, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0]);
    assert_eq!((order.len(), order[1], order[7]), (list.len(), 1, list[7]));
    let names: Vec<u8> = order[8..].chunks(32).map(|d| d[5]).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3, 4]);
    assert_eq!(names[0], 3, "the nearest first");
    let limits = rig.drive.get([0xA3, 0x9D, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0]);
    assert_eq!(limits[2..], [0, 32]);
    let mut old = Rig::of(&plan(LtoGeneration::Lto8));
    old.load(0);
    let cdb = [0xA3, 0x1D, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0];
    assert_eq!(old.drive.data_in(cdb, 4).1.sense.unwrap().code, 0x20);
}

#[test]
fn a_host_that_is_too_slow_costs_back_hitches_and_a_fast_one_none() {
    let streamed = |pause: Duration| {
        let mut plan = plan(LtoGeneration::Lto8);
        plan.cartridges[0].capacity = ByteCount(8192 * MIB);
        let mut rig = Rig::with(&plan, |options| {
            options.timing = Timing::Model;
            options.storage = Storage::Discard;
            options.log = LogMode::Off;
        });
        rig.changer.moves(address::slot(0), address::drive(0)).unwrap();
        assert_eq!(numbers(rig.drive.none([0; 6])), (2, 4, 1));
        rig.clock.advance(Duration::from_secs(15));
        rig.drive.settle();
        let start = rig.clock.elapsed();
        let block = vec![0; 1 << 20];
        for _ in 0..4096 {
            rig.clock.advance(pause);
            rig.drive.write(&block).unwrap();
        }
        rig.drive.filemarks(0).unwrap();
        let took = (rig.clock.elapsed() - start).as_secs_f64();
        (4096.0 * 1.048_576 / took, rig.library.motion(0).unwrap())
    };
    let (rate, fast) = streamed(Duration::ZERO);
    assert!((330.0..370.0).contains(&rate), "{rate} MB/s");
    assert_eq!(fast.back_hitches, 0);
    // 200 MB/s is within the bands of LTO-8, 50 MB/s is below all of them.
    let (_, matched) = streamed(Duration::from_micros(5243));
    assert!(matched.back_hitches <= 2, "{matched:?}");
    let (rate, slow) = streamed(Duration::from_micros(20_972));
    assert!(slow.back_hitches >= 10, "{slow:?}");
    assert!(slow.idle > Duration::from_secs(20) && rate < 51.0, "{rate} {slow:?}");
}

#[test]
fn streaming_alone_takes_the_time_of_its_bytes_and_nothing_else_takes_any() {
    let mut rig = Rig::with(&plan(LtoGeneration::Lto9), |o| o.timing = Timing::Streaming);
    rig.load(0);
    let block = vec![0; 1 << 20];
    for _ in 0..36 {
        rig.drive.write(&block).unwrap();
    }
    assert_eq!(rig.clock.elapsed(), Duration::ZERO, "all of it is in the buffer");
    rig.drive.locate(0, 0).unwrap();
    let took = rig.clock.elapsed().as_secs_f64();
    // At most the fastest rate of LTO-9, at least its slowest.
    assert!((0.09..0.25).contains(&took), "{took} s");
}

#[test]
fn the_first_load_of_an_lto9_cartridge_takes_its_time_and_says_how_far_it_is() {
    let mut rig = Rig::with(&plan(LtoGeneration::Lto9), |o| o.timing = Timing::Model);
    let start = rig.clock.elapsed();
    rig.changer.moves(address::slot(0), address::drive(0)).unwrap();
    assert_eq!(rig.clock.elapsed() - start, Duration::from_secs(10), "the robot");
    rig.clock.advance(Duration::from_secs(20 * 60));
    let sense = rig.drive.none([0; 6]).unwrap_err();
    assert_eq!((sense.key.code(), sense.code, sense.qualifier), (2, 4, 7));
    assert!((0x7000..0x9000).contains(&sense.progress.unwrap()), "{:?}", sense.progress);
    // LOAD without IMMED waits for the rest.
    rig.drive.none([0x1B, 0, 0, 0, 1, 0]).unwrap();
    rig.drive.settle();
    rig.drive.locate(0, 0).unwrap();
    rig.drive.none([0x1B, 0, 0, 0, 0, 0]).unwrap();
    rig.changer.moves(address::drive(0), address::slot(0)).unwrap();
    rig.changer.moves(address::slot(0), address::drive(0)).unwrap();
    rig.clock.advance(Duration::from_secs(17));
    rig.drive.settle();
    rig.drive.none([0; 6]).unwrap();
}

#[test]
fn a_command_that_takes_longer_than_its_limit_times_out() {
    let mut rig = Rig::with(&plan(LtoGeneration::Lto8), |o| o.timing = Timing::Model);
    rig.changer.moves(address::slot(0), address::drive(0)).unwrap();
    let load = Command::without_data([0x1B, 0, 0, 0, 1, 0], Duration::from_secs(5));
    let result = rig.drive.transport.execute(load);
    assert!(matches!(result, Err(TransportError::TimedOut { .. })));
}

#[test]
fn a_drive_that_refuses_to_locate_the_end_can_be_planned() {
    let mut rig = Rig::loaded();
    let bytes = (4..12).map(|at| ByteMatch { at, mask: 0xFF, value: 0xFF }).collect();
    let sense = SensePlan::new(SenseKey::IllegalRequest, 0x24, 0);
    rig.library.set_faults(FaultPlan::of(Fault {
        device: None,
        trigger: Trigger::Opcode { opcode: 0x92, nth: 1, bytes },
        effect: Effect::Sense { sense, execution: Execution::Skipped },
        times: Times::Always,
    }));
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(numbers(rig.drive.locate(0, u64::MAX)), (5, 0x24, 0));
}

#[test]
fn dropped_blocks_are_counted_and_small_ones_kept() {
    let mut rig = Rig::with(&plan(LtoGeneration::Lto9), |o| o.storage = Storage::Discard);
    rig.load(0);
    rig.drive.format_two_partitions();
    for partition in [0, 1] {
        rig.drive.locate(partition, 0).unwrap();
        rig.drive.write(b"label").unwrap();
        rig.drive.write(&[9; 100_000]).unwrap();
        rig.drive.locate(partition, 0).unwrap();
        assert_eq!(rig.drive.read(64).unwrap(), b"label");
        let expected = if partition == 0 { 9 } else { 0 };
        assert_eq!(rig.drive.read(100_000).unwrap(), [expected; 100_000]);
    }
}

#[test]
fn a_drive_is_opened_by_one_at_a_time_as_a_device_node_is() {
    let rig = Rig::of(&plan(LtoGeneration::Lto9));
    let first = rig.library.open_drive(0).unwrap();
    assert!(matches!(rig.library.open_drive(0), Err(TransportError::System { .. })));
    assert!(rig.library.open_drive(1).is_ok());
    drop(first);
    assert!(rig.library.open_drive(0).is_ok());
}
