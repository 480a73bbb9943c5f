//! Sense data as drives send it, in both formats.

use super::*;

/// A short block of 100 bytes read with 1000 asked for, at a filemark boundary: ILI.
const SHORT_BLOCK: [u8; 18] =
    [0xF0, 0, 0x20, 0, 0, 0x03, 0x84, 10, 0, 0, 0, 0, 0x00, 0x00, 0, 0, 0, 0];

#[test]
fn a_short_block_is_known_by_ili_and_the_residual_in_information() {
    let sense = Sense::parse(&SHORT_BLOCK).unwrap();
    assert!(sense.incorrect_length && !sense.filemark && !sense.end_of_medium);
    assert_eq!(sense.information, Some(900));
    assert_eq!(sense.condition(), Condition::IncorrectLength);
}

#[test]
fn a_block_longer_than_asked_gives_a_negative_residual() {
    let mut bytes = SHORT_BLOCK;
    bytes[3..7].copy_from_slice(&(-24_i32).to_be_bytes());
    assert_eq!(Sense::parse(&bytes).unwrap().information, Some(-24));
}

#[test]
fn the_descriptor_format_says_the_same() {
    let bytes = [
        0x72, 0x00, 0x00, 0x01, 0, 0, 0, 16, // header: no sense 00/01
        0x00, 0x0A, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x00, // information 4096
        0x04, 0x02, 0x00, 0x80, // stream commands: FILEMARK
    ];
    let sense = Sense::parse(&bytes).unwrap();
    assert_eq!(sense.condition(), Condition::Filemark);
    assert!(sense.filemark);
    assert_eq!(sense.information, Some(4096));
}

#[test]
fn deferred_errors_are_told_apart() {
    let mut sense = Sense::new(SenseKey::MediumError, 0x0C, 0x00);
    sense.is_deferred = true;
    let parsed = Sense::parse(&sense.encode_fixed()).unwrap();
    assert!(parsed.is_deferred);
    assert_eq!(parsed.condition(), Condition::WriteError);
}

#[test]
fn conditions_have_their_names() {
    use Condition as C;
    use SenseKey as K;
    let table = [
        (K::NoSense, 0x00, 0x02, C::EarlyWarning),
        (K::NoSense, 0x00, 0x07, C::ProgrammableEarlyWarning),
        (K::VolumeOverflow, 0x00, 0x02, C::VolumeOverflow),
        (K::BlankCheck, 0x00, 0x05, C::EndOfData),
        (K::UnitAttention, 0x29, 0x00, C::Reset),
        (K::UnitAttention, 0x28, 0x00, C::MediumMayHaveChanged),
        (K::NotReady, 0x3A, 0x00, C::MediumNotPresent),
        (K::NotReady, 0x04, 0x01, C::BecomingReady),
        (K::NotReady, 0x04, 0x02, C::NotReady),
        (K::NotReady, 0x30, 0x03, C::CleaningCartridgeInstalled),
        (K::DataProtect, 0x27, 0x00, C::WriteProtected),
        (K::DataProtect, 0x30, 0x0C, C::WormOverwrite),
        (K::DataProtect, 0x74, 0x01, C::DecryptionFailed),
        (K::IllegalRequest, 0x3B, 0x0D, C::DestinationElementFull),
        (K::IllegalRequest, 0x3B, 0x0E, C::SourceElementEmpty),
        (K::IllegalRequest, 0x53, 0x02, C::RemovalPrevented),
        (K::IllegalRequest, 0x20, 0x00, C::UnsupportedCommand),
        (K::UnitAttention, 0x2A, 0x03, C::ReservationsPreempted),
        (K::HardwareError, 0x44, 0x00, C::Other),
    ];
    for (key, code, qualifier, condition) in table {
        assert_eq!(Sense::new(key, code, qualifier).condition(), condition);
    }
}

#[test]
fn initialisation_of_an_lto9_cartridge_shows_its_progress() {
    let mut sense = Sense::new(SenseKey::NotReady, 0x04, 0x07);
    sense.progress = Some(0x8000);
    let parsed = Sense::parse(&sense.encode_fixed()).unwrap();
    assert_eq!((parsed.condition(), parsed.progress), (Condition::Initializing, Some(0x8000)));
}

#[test]
fn no_truncation_and_no_byte_makes_the_parser_panic() {
    let descriptor =
        [0x72, 2, 4, 1, 0, 0, 0, 16, 0, 0x0A, 0x80, 0, 0, 0, 0, 0, 0, 0, 16, 0, 4, 2, 0, 0x80];
    for fixture in [&SHORT_BLOCK[..], &descriptor[..]] {
        for len in 0..=fixture.len() {
            let _ = Sense::parse(&fixture[..len]);
        }
        for at in 0..fixture.len() {
            let mut bytes = fixture.to_vec();
            bytes[at] = 0xFF;
            let _ = Sense::parse(&bytes);
        }
    }
}

proptest::proptest! {
    #[test]
    fn the_fixed_form_leads_back_to_the_sense(
        key in 0_u8..16, code: u8, qualifier: u8, deferred: bool, bits in 0_u8..8,
        information in proptest::option::of(proptest::num::i32::ANY),
    ) {
        let mut sense = Sense::new(SenseKey::from_code(key), code, qualifier);
        sense.is_deferred = deferred;
        (sense.filemark, sense.end_of_medium, sense.incorrect_length) =
            (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        sense.information = information.map(i64::from);
        proptest::prop_assert_eq!(Sense::parse(&sense.encode_fixed()), Some(sense));
    }
}
