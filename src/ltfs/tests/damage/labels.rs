//! Labels torn, changed and contradicting each other: which one is believed, and that all files are read.

use super::*;
use crate::domain::VolumeUuid;
use crate::ltfs::error::NotLtfs;
use crate::ltfs::label::VOL1_BYTES;
use crate::ltfs::mount::KnownVolume;
use crate::vtl::faults::{BlockAccess, Effect, Fault};

const VOL1: usize = 0;
const XML: usize = 2;

/// The volume is read whole, said to be that, and neither repaired nor written.
fn is_read_only(rig: &Rig, finding: &str, refusal: &str) -> MountedVolume {
    let look = look(rig);
    let told = sentences(&look.mounted.findings);
    assert!(told.iter().any(|told| told.starts_with(finding)), "{told:#?} is not {finding}");
    assert_eq!(look.files, closed_files());
    assert!(look.report.is_clean());
    assert!(look.mounted.ensure_appendable().is_err());
    let Mended::Refused(why) = mend(rig, &look.mounted) else { panic!("it was repaired") };
    assert_eq!(why, format!("this cannot be repaired: {refusal}"));
    look.mounted
}

const MISSING: &str = "a label is missing: copy the files to another cartridge";
const CONTRADICT: &str = "the labels contradict each other: copy the files to another cartridge";

/// Everything in which labels must agree, changed on either partition. The right one is found by the
/// indexes, or it makes no difference to a reader which one is.
#[test]
fn labels_that_contradict_each_other_are_told_with_the_field_and_the_indexes_decide() {
    let uuid = closed_volume().mount().label.uuid.to_string();
    let other = format!("{}{}", if uuid.starts_with('0') { "1" } else { "0" }, &uuid[1..]);
    let cases: &[(usize, &str, &str, &str, bool)] = &[
        (VOL1, "VOL1FSP001", "VOL1FSP002", "bar code: FSP001 and FSP002", false),
        (XML, &uuid[..8], &other[..8], "volume UUID: ", true),
        (XML, "<formattime>20", "<formattime>21", "format time: ", false),
        (XML, "<blocksize>4096<", "<blocksize>4352<", "block size: 4096 and 4352", true),
        (XML, "<blocksize>4096<", "<blocksize>4095<", "block size: 4096 and 4095", true),
        (XML, "<compression>true<", "<compression>false<", "compression: true and false", false),
        (XML, "<index>a<", "<index>c<", "", true),
        (XML, "<data>b<", "<data>c<", "", true),
        (XML, "version=\"2.4.0\"", "version=\"2.2.0\"", "version: 2.4.0 and 2.2.0", false),
    ];
    for (block, from, to, field, decides) in cases {
        for partition in [INDEX, DATA] {
            let rig = closed_volume();
            if rig.mount().label.uuid.to_string() != uuid && *from == &uuid[..8] {
                let own = rig.mount().label.uuid.to_string();
                let flipped = if own.starts_with('0') { "1" } else { "0" };
                edit_text(&rig, partition, *block, &own, &format!("{flipped}{}", &own[1..]));
            } else {
                edit_text(&rig, partition, *block, from, to);
            }
            let mounted = rig.mount();
            let told = mounted.findings.iter().find_map(|finding| match finding {
                Finding::LabelsContradict { believed, why } => Some((*believed, why.clone())),
                Finding::LabelUnusable { partition, why } => Some((*partition, why.clone())),
                _ => None,
            });
            let (named, why) = told.unwrap_or_else(|| panic!("{from}: {:?}", mounted.findings));
            let damaged = if partition == INDEX { PartitionId::INDEX } else { PartitionId::DATA };
            let sentence = if why.starts_with("the labels of the two partitions differ in ") {
                // Fields are named in the order of the partitions.
                let fields = if partition == INDEX {
                    match field
                        .split_once(": ")
                        .map(|(name, both)| (name, both.split_once(" and ")))
                    {
                        Some((name, Some((first, second)))) => {
                            format!("{name}: {second} and {first}")
                        }
                        _ => (*field).to_owned(),
                    }
                } else {
                    (*field).to_owned()
                };
                assert!(why.contains(&fields), "{why} is not {fields}");
                assert!(!decides || named != damaged, "{from} on {partition}: {why}");
                format!("damage: {why}; the indexes prove the label of partition {named}")
            } else {
                assert_eq!(named, damaged, "{from}: {why}");
                format!("damage: the label of partition {named} cannot be used: {why}")
            };
            let is_one_gone = sentence.contains("cannot be used");
            let after =
                is_read_only(&rig, &sentence, if is_one_gone { MISSING } else { CONTRADICT });
            assert_eq!(after.label.block_size, BLOCK_SIZE);
        }
    }
}

#[test]
fn labels_of_two_whole_volumes_or_of_none_make_no_volume() {
    let rig = closed_volume();
    let own = rig.mount().label.uuid;
    let other = VolumeUuid::random().to_string();
    for partition in [INDEX, DATA] {
        edit_text(&rig, partition, XML, &own.to_string(), &other);
    }
    // The labels agree, and nothing on the tape is theirs.
    assert!(matches!(rig.try_mount(), Err(LtfsError::NoIndex { tried: 4, .. })));
    edit_text(&rig, INDEX, XML, &other, &VolumeUuid::random().to_string());
    let refused = rig.try_mount().unwrap_err();
    assert!(matches!(refused, LtfsError::Labels(_)), "{refused:?}");
    for partition in [INDEX, DATA] {
        rewrite(&rig, partition, |records| records[VOL1] = Record::Block(b"VOL1".to_vec()));
    }
    let refused = rig.try_mount().unwrap_err();
    let LtfsError::NotLtfs(NotLtfs::NoLabel(why)) = &refused else { panic!("{refused:?}") };
    let short = "the first record has 4 bytes; a VOL1 label has 80";
    assert_eq!(*why, format!("{short}; {short}"));
}

#[test]
fn what_is_known_of_a_volume_decides_between_contradicting_labels() {
    let rig = closed_volume();
    let own = rig.mount().label.uuid;
    edit_text(&rig, DATA, XML, &own.to_string(), &VolumeUuid::random().to_string());
    let mut options = rig.mount_options(CheckEnds::Always);
    options.known = Some(KnownVolume { uuid: own, generation: None });
    let mounted = mount(&mut rig.drive(), &options).unwrap();
    assert_eq!(mounted.label.uuid, own);
    let stranger = VolumeUuid::random();
    options.known = Some(KnownVolume { uuid: stranger, generation: None });
    let refused = mount(&mut rig.drive(), &options).unwrap_err();
    assert!(matches!(refused, LtfsError::WrongVolume { expected, .. } if expected == stranger));
}

/// Every way in which the records of one label can be cut, missing or others.
#[test]
fn a_torn_label_on_either_partition_is_told_and_the_other_one_believed() {
    for (partition, id) in [(INDEX, "a"), (DATA, "b")] {
        let rig = closed_volume();
        let intact = records(&rig, partition);
        let Record::Block(xml) = &intact[XML] else { panic!("{intact:?}") };
        let cut = |length: usize| Record::Block(xml[..length].to_vec());
        let mut cases: Vec<(usize, Record, String)> = Vec::new();
        for length in (1..VOL1_BYTES).step_by(13) {
            let why = format!("the first record has {length} bytes; a VOL1 label has 80");
            cases.push((VOL1, Record::Block(vec![b'V'; length]), why));
        }
        let stranger = "the first record is not an LTFS label (it begins with \"HDR1 ";
        let mut header = vec![b' '; VOL1_BYTES];
        header[..4].copy_from_slice(b"HDR1");
        cases.push((VOL1, Record::Block(header), stranger.to_owned()));
        for length in (8..xml.len() - 1).step_by(101) {
            cases.push((XML, cut(length), "the XML label cannot be read: byte ".to_owned()));
        }
        let order = "the label's records are not in their order";
        cases.push((1, Record::Block(b"x".to_vec()), order.to_owned()));
        cases.push((XML, Record::Filemark, order.to_owned()));
        cases.push((3, Record::Block(b"x".to_vec()), order.to_owned()));
        cases.push((VOL1, Record::Filemark, "it begins with a filemark".to_owned()));
        for (at, record, why) in cases {
            rewrite(&rig, partition, |records| {
                records.clone_from(&intact);
                records[at] = record;
            });
            let finding = format!("damage: the label of partition {id} cannot be used: {why}");
            is_read_only(&rig, &finding, MISSING);
        }
    }
}

#[test]
fn a_label_that_the_drive_cannot_read_is_told_and_the_other_one_believed() {
    for (partition, id) in [(INDEX, PartitionId::INDEX), (DATA, PartitionId::DATA)] {
        for block in [VOL1, XML] {
            let rig = closed_volume();
            let block = u64::try_from(block).unwrap();
            let fault = Fault::at_block(BlockAccess::Read, partition.0, block, Effect::MediumError);
            rig.set_faults(FaultPlan::of(fault.always()));
            let look = look(&rig);
            let [Finding::LabelUnusable { partition: named, why }] = &look.mounted.findings[..]
            else {
                panic!("{:?}", look.mounted.findings)
            };
            assert_eq!(*named, id);
            assert!(why.contains("read"), "{why}");
            assert_eq!(look.files, closed_files());
            assert_eq!(
                mend(&rig, &look.mounted),
                Mended::Refused(format!("this cannot be repaired: {MISSING}"))
            );
        }
    }
}
