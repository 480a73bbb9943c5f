//! Reading and moving: lengths, filemarks, spacing and locating to the letter of SSC.

use super::*;

/// Block, filemark, two blocks, filemark, filemark, block: lengths 10, -, 20, 30, -, -, 40.
fn rig() -> Rig {
    let mut rig = Rig::loaded();
    rig.drive.write(&[1; 10]).unwrap();
    rig.drive.filemarks(1).unwrap();
    rig.drive.write(&[2; 20]).unwrap();
    rig.drive.write(&[3; 30]).unwrap();
    rig.drive.filemarks(2).unwrap();
    rig.drive.write(&[4; 40]).unwrap();
    rig.drive.none([0x01, 0, 0, 0, 0, 0]).unwrap();
    rig
}

/// SPACE(16).
fn space(host: &mut Host, code: u8, count: i64) -> Result<(), Sense> {
    let mut cdb = [0; 16];
    cdb[0] = 0x91;
    cdb[1] = code;
    cdb[4..12].copy_from_slice(&count.to_be_bytes());
    host.none(cdb)
}

#[test]
fn a_block_of_another_length_is_told_exactly() {
    let mut rig = rig();
    let mut read = |flags: u8, room: u8| {
        rig.drive.locate(0, 0).unwrap();
        let (bytes, completion) = rig.drive.data_in([8, flags, 0, 0, room, 0], usize::from(room));
        let position = rig.drive.position().1;
        (bytes, verdict(&completion), position)
    };
    assert_eq!(read(0, 10), (vec![1; 10], Ok(()), 1));
    // Shorter than asked for: ILI and a positive difference, unless suppressed.
    let (bytes, result, position) = read(0, 16);
    let sense = result.unwrap_err();
    assert!(sense.incorrect_length && sense.key == SenseKey::NoSense && !sense.filemark);
    assert_eq!((bytes.len(), sense.information, position), (10, Some(6), 1));
    assert_eq!(read(2, 16), (vec![1; 10], Ok(()), 1));
    // Longer: a negative difference; with SILI and variable blocks nothing is said.
    let (bytes, result, position) = read(0, 4);
    let sense = result.unwrap_err();
    assert!(sense.incorrect_length);
    assert_eq!((bytes.len(), sense.information, position), (4, Some(-6), 1));
    assert_eq!(read(2, 4), (vec![1; 4], Ok(()), 1));
    // Nothing asked for, nothing moves.
    assert_eq!(read(0, 0), (vec![], Ok(()), 0));
}

#[test]
fn fixed_and_suppressed_together_are_refused() {
    let mut rig = rig();
    assert_eq!(numbers(rig.drive.none([8, 3, 0, 0, 1, 0])), (5, 0x24, 0));
    assert_eq!(numbers(rig.drive.none([8, 1, 0, 0, 1, 0])), (5, 0x24, 0), "no block length set");
}

#[test]
fn spacing_over_blocks_stops_at_filemarks_and_ends() {
    let mut rig = rig();
    space(&mut rig.drive, 0, 1).unwrap();
    let mark = space(&mut rig.drive, 0, 3).unwrap_err();
    assert!(mark.filemark);
    assert_eq!((mark.information, rig.drive.position().1), (Some(3), 2));
    space(&mut rig.drive, 0, 2).unwrap();
    rig.drive.locate(0, 6).unwrap();
    let end = space(&mut rig.drive, 0, 5).unwrap_err();
    assert_eq!((end.key, end.information), (SenseKey::BlankCheck, Some(4)));
    assert_eq!(rig.drive.position(), (0, 7, 3));
    // Backwards: before the block, before the filemark, at the beginning.
    space(&mut rig.drive, 0, -1).unwrap();
    let mark = space(&mut rig.drive, 0, -1).unwrap_err();
    assert!(mark.filemark);
    assert_eq!((mark.information, rig.drive.position().1), (Some(1), 5));
    rig.drive.locate(0, 1).unwrap();
    let beginning = space(&mut rig.drive, 0, -2).unwrap_err();
    assert!(beginning.end_of_medium && beginning.qualifier == 4);
    assert_eq!((beginning.information, rig.drive.position().1), (Some(1), 0));
}

#[test]
fn spacing_over_filemarks_stands_behind_them_forward_and_before_them_backward() {
    let mut rig = rig();
    space(&mut rig.drive, 1, 2).unwrap();
    assert_eq!(rig.drive.position(), (0, 5, 2));
    let end = space(&mut rig.drive, 1, 3).unwrap_err();
    assert_eq!((end.key, end.information), (SenseKey::BlankCheck, Some(2)));
    assert_eq!(rig.drive.position(), (0, 7, 3));
    // As the LTFS reference walks from the end: -1, -1, +1. By SPACE(6) too.
    rig.drive.none([0x11, 1, 0xFF, 0xFF, 0xFF, 0]).unwrap();
    assert_eq!(rig.drive.position(), (0, 5, 2));
    space(&mut rig.drive, 1, -1).unwrap();
    assert_eq!(rig.drive.position(), (0, 4, 1));
    let beginning = space(&mut rig.drive, 1, -4).unwrap_err();
    assert_eq!((beginning.qualifier, beginning.information), (4, Some(3)));
    assert_eq!(rig.drive.position(), (0, 0, 0));
    space(&mut rig.drive, 3, 0).unwrap();
    assert_eq!(rig.drive.position(), (0, 7, 3));
    assert_eq!(numbers(space(&mut rig.drive, 4, 1)), (5, 0x24, 0));
}

#[test]
fn locating_finds_blocks_files_and_the_end() {
    let mut rig = rig();
    // LOCATE(10).
    rig.drive.none([0x2B, 0, 0, 0, 0, 0, 3, 0, 0, 0]).unwrap();
    assert_eq!(rig.drive.read(64).unwrap(), [3; 30]);
    // Beyond: end of data, as the LTFS reference asks for it.
    assert_eq!(numbers(rig.drive.locate(0, u64::MAX)), (8, 0, 5));
    assert_eq!(rig.drive.position(), (0, 7, 3));
    let mut by = |kind: u8, number: u64| {
        let mut cdb = [0; 16];
        cdb[0] = 0x92;
        cdb[1] = kind << 3;
        cdb[4..12].copy_from_slice(&number.to_be_bytes());
        let result = rig.drive.none(cdb);
        (result, rig.drive.position().1)
    };
    assert_eq!(by(3, 0), (Ok(()), 7));
    assert_eq!(by(1, 0), (Ok(()), 0));
    assert_eq!(by(1, 2), (Ok(()), 5));
    assert_eq!(numbers(by(1, 4).0), (8, 0, 5));
    assert_eq!(numbers(rig.drive.locate(2, 0)), (5, 0x24, 0));
}

#[test]
fn pages_say_what_the_drive_is() {
    let mut rig = Rig::formatted();
    let inquiry = rig.drive.get([0x12, 0, 0, 0, 96, 0]);
    assert_eq!(inquiry.len(), 96);
    assert_eq!(inquiry[..5], [1, 0x80, 6, 2, 91]);
    assert_eq!(&inquiry[8..32], b"FOSSIL  ULTRIUM-TD9     ");
    let serial = rig.drive.get([0x12, 1, 0x80, 0, 255, 0]);
    assert_eq!(serial[..4], [1, 0x80, 0, 10]);
    let expected = rig.library.drive_serial(0).unwrap().0;
    assert_eq!(&serial[4..], expected.as_bytes());
    for page in rig.drive.get([0x12, 1, 0, 0, 255, 0])[4..].to_vec() {
        let answer = rig.drive.get([0x12, 1, page, 0x01, 0, 0]);
        assert_eq!(
            (answer[1], usize::from(answer[3])),
            (page, answer.len() - 4),
            "page {page:02x}"
        );
    }
    assert_eq!(rig.drive.get([0x05, 0, 0, 0, 0, 0]), [0, 0x80, 0, 0, 0, 1]);
    let density = rig.drive.get([0x44, 1, 0, 0, 0, 0, 0, 2, 0, 0]);
    assert_eq!((density.len(), density[1], density[4]), (56, 54, 0x60));
    let drive_densities = rig.drive.get([0x44, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
    assert_eq!((drive_densities[4], drive_densities[56]), (0x5E, 0x60));
    let supported = rig.drive.get([0x4D, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(supported[4..], [0, 2, 3, 0x0C, 0x17, 0x2E, 0x30, 0x31, 0x32]);
    for page in supported[4..].iter().copied() {
        let answer = rig.drive.get([0x4D, 0, 0x40 | page, 0, 0, 0, 0, 0x10, 0, 0]);
        let len = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
        assert_eq!((answer[0], len), (page, answer.len() - 4), "page {page:02x}");
    }
    // RSOC: one command with its time limits.
    let locate = rig.drive.get([0xA3, 0x0C, 0x81, 0x92, 0, 0, 0, 0, 0, 64, 0, 0]);
    assert_eq!(locate[..5], [0, 0x83, 0, 16, 0x92]);
    assert_eq!(locate[20..], [0, 10, 0, 0, 0, 0, 0, 1, 0, 0, 0x0B, 0x7C]);
    let unknown = rig.drive.get([0xA3, 0x0C, 0x81, 0xFF, 0, 0, 0, 0, 0, 64, 0, 0]);
    assert_eq!(unknown, [0, 1, 0, 0]);
    assert_eq!(numbers(rig.drive.none([0xFF, 0, 0, 0, 0, 0])), (5, 0x20, 0));
}

#[test]
fn capacities_agree_between_log_pages_and_attributes() {
    let mut rig = Rig::formatted();
    rig.drive.locate(1, 0).unwrap();
    rig.drive.write(&vec![0; 3 << 20]).unwrap();
    rig.drive.filemarks(1).unwrap();
    let page = rig.drive.get([0x4D, 0, 0x71, 0, 0, 0, 0, 0x10, 0, 0]);
    let numbers: Vec<u32> =
        page[4..].chunks(8).map(|p| u32::from_be_bytes(p[4..].try_into().unwrap())).collect();
    assert_eq!(numbers, [14, 43, 14, 46]);
    let remaining = rig.drive.attribute(1, 0).unwrap();
    assert_eq!(u64::from_be_bytes(remaining.try_into().unwrap()), 43);
    // Page 17h, parameter 0203h: records of 8 bytes, used megabytes.
    let page = rig.drive.get([0x4D, 0, 0x57, 0, 0, 2, 3, 0x10, 0, 0]);
    assert_eq!(page[4..8], [2, 3, 3, 16]);
    assert_eq!(page[8..24], [7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 3]);
}

#[test]
fn tape_alert_flags_are_cleared_by_reading_them() {
    let mut rig = Rig::loaded();
    rig.library.raise_tape_alert(0, 20);
    let flag = |page: &[u8]| page[4 + 19 * 5 + 4];
    let cdb = [0x4D, 0, 0x6E, 0, 0, 0, 0, 0x10, 0, 0];
    let page = rig.drive.get(cdb);
    assert_eq!((page.len(), flag(&page)), (4 + 64 * 5, 1));
    assert_eq!(flag(&rig.drive.get(cdb)), 0);
}
