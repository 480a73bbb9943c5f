//! Every state of a tape that the fact sheet lists, and what each operation says of it.

use super::*;
use crate::drive::Erase;
use crate::ltfs::coherency::Coherency;
use crate::ltfs::tests::states::{INDEX_CONSTRUCT, LAST_INDEX, edit_index, index_text};
use crate::vtl::faults::{BlockAccess, Effect, Fault};

/// A state, and everything that is to be said of it.
struct State {
    name: &'static str,
    make: fn() -> Rig,
    /// The generation that is mounted.
    generation: u64,
    /// Files of the volume that are read whole, and those that are not, with what is said.
    files: &'static [&'static str],
    lost: &'static [(&'static str, &'static str)],
    /// What the mount says.
    findings: &'static [&'static str],
    /// What a check says besides.
    check: &'static [&'static str],
    /// The generation after a repair, and what is left to be said then.
    repaired: u64,
    left: &'static [&'static str],
}

const STALE: &str =
    "note: something was written after the cartridge's memory was brought up to date";
const NO_INDEX_A: &str = "note: partition a has no index";
const BACK: &str = "<previousgenerationlocation>\n<partition>b</partition>\n<startblock>15</startblock>\n</previousgenerationlocation>\n";
const BACK_ON_DATA: &str = "<previousgenerationlocation>\n<partition>b</partition>\n<startblock>11</startblock>\n</previousgenerationlocation>\n";

/// [`closed_volume`] with something done to it; the cartridge's memory is stale after a write.
fn with(change: impl FnOnce(&Rig)) -> Rig {
    let rig = closed_volume();
    change(&rig);
    rig
}

/// The same, with a memory that is current all the same.
fn fresh(change: impl FnOnce(&Rig)) -> Rig {
    let rig = with(change);
    refresh_coherency(&rig, &PartitionMap::FORMATTED);
    rig
}

fn append(rig: &Rig, partition: Partition, records: &[Raw<'_>]) {
    rig.raw(|drive| {
        let end = end_of(drive, partition);
        put(drive, partition, end, records);
    });
}

fn erase_from(rig: &Rig, partition: Partition, block: u64) {
    rig.raw(|drive| {
        go_and_replace(drive, partition, block);
        drive.erase(Erase::Quick).unwrap();
    });
}

/// A generation 4 with file `c` on the data partition only.
fn with_newer_on_data() -> Rig {
    with(|rig| {
        let mut volume = rig.open();
        let written =
            add_files(&mut volume, &[("c", content(3, 5000))], IndexPlacement::DataPartition);
        written.unwrap().coherency.unwrap();
        drop(volume.into_drive());
    })
}

fn without_trailing_filemark(rig: &Rig) {
    rig.raw(|drive| {
        let text = index_text(drive, DATA, LAST_INDEX);
        put(drive, DATA, LAST_INDEX, &[Raw::Filemark, Raw::Block(text.as_bytes())]);
    });
}

fn stray_blocks(rig: &Rig) {
    append(rig, DATA, &[Raw::Block(&content(9, BLOCK)), Raw::Block(&content(8, 77))]);
}

fn edit_both(rig: &Rig, from: &str, to: &str) {
    for partition in [INDEX, DATA] {
        edit_index(rig, partition, |text| text.replacen(from, to, 1));
    }
}

/// A block that the drive cannot read, from now on.
fn unreadable(rig: &Rig, places: &[(Partition, u64)]) {
    let faults = places
        .iter()
        .map(|(partition, block)| {
            Fault::at_block(BlockAccess::Read, partition.0, *block, Effect::MediumError).always()
        })
        .collect();
    rig.set_faults(FaultPlan { faults, ..FaultPlan::default() });
}

const STATES: &[State] = &[
    State {
        name: "clean",
        make: || with(|_| {}),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "memory absent",
        make: || with(forget_coherency),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            "note: the cartridge's memory does not describe partition a",
            "note: the cartridge's memory does not describe partition b",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "memory of version 0",
        make: || {
            with(|rig| {
                rig.raw(|drive| {
                    drive.locate(Position::new(0, 0)).unwrap();
                    let known = Coherency::read(drive, INDEX).unwrap().unwrap();
                    Coherency { version: 0, ..known }.write(drive, INDEX).unwrap();
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "newer on data, fresh",
        make: with_newer_on_data,
        generation: 4,
        files: &["a", "b"],
        lost: &[],
        findings: &["note: the index partition has generation 3, the data partition 4"],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "newer on data, no memory",
        make: || {
            let rig = with_newer_on_data();
            forget_coherency(&rig);
            rig
        },
        generation: 4,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            "note: the cartridge's memory does not describe partition a",
            "note: the cartridge's memory does not describe partition b",
            "note: the index partition has generation 3, the data partition 4",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "index partition has its label only, stale",
        make: || with(|rig| erase_from(rig, INDEX, INDEX_CONSTRUCT)),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, NO_INDEX_A],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "index partition has its label only, fresh",
        make: || fresh(|rig| erase_from(rig, INDEX, INDEX_CONSTRUCT)),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            NO_INDEX_A,
            "repair: the cartridge's memory points to an index of partition a that is not there",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "data partition has its label only",
        make: || {
            let rig = Rig::formatted();
            erase_from(&rig, DATA, 4);
            rig
        },
        generation: 1,
        files: &[],
        lost: &[],
        findings: &[STALE, "note: partition b has no index"],
        check: &[],
        repaired: 2,
        left: &[],
    },
    State {
        name: "filemark missing on data, stale",
        make: || with(without_trailing_filemark),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "note: partition b: the filemark behind the last index is missing"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "filemark missing on data, fresh",
        make: || fresh(without_trailing_filemark),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &["repair: partition b: the filemark behind the last index is missing"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "filemark missing on index, stale",
        make: || {
            with(|rig| {
                rig.raw(|drive| {
                    let text = index_text(drive, INDEX, INDEX_CONSTRUCT);
                    put(
                        drive,
                        INDEX,
                        INDEX_CONSTRUCT,
                        &[Raw::Filemark, Raw::Block(text.as_bytes())],
                    );
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "note: partition a: the filemark behind the last index is missing"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "blocks behind the index, stale",
        make: || with(stray_blocks),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "repair: partition b: blocks 17 to 19 are in no index"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "blocks behind the index, fresh",
        make: || fresh(stray_blocks),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &["note: partition b: blocks 17 to 19 are in no index"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "additional filemark on data, stale",
        make: || with(|rig| append(rig, DATA, &[Raw::Filemark])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "repair: partition b: 1 filemark(s) too many at the end"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "additional filemarks on index, stale",
        make: || with(|rig| append(rig, INDEX, &[Raw::Filemark, Raw::Filemark])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "repair: partition a: 2 filemark(s) too many at the end"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "additional filemark on data, fresh",
        make: || fresh(|rig| append(rig, DATA, &[Raw::Filemark])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &["note: partition b: 1 filemark(s) too many at the end"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "index partition ends in data",
        make: || with(|rig| append(rig, INDEX, &[Raw::Block(b"data")])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE, "repair: partition a: blocks 7 to 8 are in no index"],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "index partition's index cut",
        make: || with(|rig| edit_index(rig, INDEX, |text| text[..text.len() - 20].to_owned())),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (byte 2061, in <directory>: the XML ends in the middle)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "index partition's index of another volume",
        make: || {
            with(|rig| {
                edit_index(rig, INDEX, |text| {
                    let at = text.find("<volumeuuid>").unwrap() + "<volumeuuid>".len();
                    format!(
                        "{}00000000-0000-4000-8000-000000000000{}",
                        &text[..at],
                        &text[at + 36..]
                    )
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (it belongs to volume 00000000-0000-4000-8000-000000000000)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "last index of data cut, index partition complete",
        make: || with(|rig| edit_index(rig, DATA, |text| text[..text.len() / 2].to_owned())),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "repair: partition b: the index at block 15 cannot be used (byte 1005, in <file>: the XML ends in the middle)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "back pointer of index partition missing",
        make: || with(|rig| edit_index(rig, INDEX, |text| text.replace(BACK, ""))),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "note: the index partition's index does not lead back to the last one at block 15 of partition b",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of index partition to an older index",
        make: || with(|rig| edit_index(rig, INDEX, |text| text.replace(BACK, BACK_ON_DATA))),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "note: the index partition's index leads back to block 11 of partition b, the last one is at block 15 of partition b",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of index partition to no index",
        make: || {
            with(|rig| edit_index(rig, INDEX, |text| text.replace(BACK, &BACK.replace("15", "13"))))
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "note: the index partition's index leads back to block 13 of partition b, the last one is at block 15 of partition b",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of index partition to the index partition",
        make: || {
            with(|rig| {
                edit_index(rig, INDEX, |text| {
                    text.replace(BACK, &BACK.replace("<partition>b", "<partition>a"))
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (its predecessor cannot be at block 15 of partition a)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "back pointer of index partition into the label",
        make: || {
            with(|rig| edit_index(rig, INDEX, |text| text.replace(BACK, &BACK.replace("15", "4"))))
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (its predecessor cannot be at block 4 of partition b)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "back pointer of data partition missing",
        make: || with(|rig| edit_index(rig, DATA, |text| text.replace(BACK_ON_DATA, ""))),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &["chain: block 15 of partition b"],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of data partition to an older index",
        make: || {
            with(|rig| {
                edit_index(rig, DATA, |text| {
                    text.replace(BACK_ON_DATA, &BACK_ON_DATA.replace("11", "5"))
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &["chain: block 15 of partition b"],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of data partition to itself",
        make: || with(|rig| edit_index(rig, DATA, |text| text.replace(BACK_ON_DATA, BACK))),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &["chain: block 15 of partition b"],
        repaired: 4,
        left: &[],
    },
    State {
        name: "back pointer of data partition forward",
        make: || {
            with(|rig| {
                edit_index(rig, DATA, |text| text.replace(BACK_ON_DATA, &BACK.replace("15", "14")))
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "repair: partition b: the index at block 15 cannot be used (its predecessor cannot be at block 14 of partition b)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "index partition ahead",
        make: || with(|rig| edit_index(rig, INDEX, |text| text.replace("number>3<", "number>4<"))),
        generation: 4,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "self pointer of index partition wrong",
        make: || {
            with(|rig| {
                edit_index(rig, INDEX, |text| text.replacen("<startblock>5<", "<startblock>6<", 1))
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (it says that it stands at block 6 of partition a)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "self pointer of data partition wrong",
        make: || {
            with(|rig| {
                edit_index(rig, DATA, |text| text.replacen("<startblock>15<", "<startblock>17<", 1))
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "repair: partition b: the index at block 15 cannot be used (it says that it stands at block 17 of partition b)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "self pointer of data partition names the other",
        make: || {
            with(|rig| {
                edit_index(rig, DATA, |text| {
                    text.replacen("<location>\n<partition>b", "<location>\n<partition>a", 1)
                })
            })
        },
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "repair: partition b: the index at block 15 cannot be used (it says that it stands at block 15 of partition a)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "unsupported version in both newest",
        make: || with(|rig| edit_both(rig, "version=\"2.4.0\"", "version=\"3.0.0\"")),
        generation: 2,
        files: &["a"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (byte 0, in <ltfsindex>: version \"3.0.0\" is not supported)",
            "repair: partition b: the index at block 15 cannot be used (byte 0, in <ltfsindex>: version \"3.0.0\" is not supported)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "newer version in both newest",
        make: || with(|rig| edit_both(rig, "version=\"2.4.0\"", "version=\"2.5.0\"")),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            STALE,
            "note: the volume is of format 2.5.0; newer elements are kept, not understood",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "invalid name in both newest",
        make: || with(|rig| edit_both(rig, "<name>b</name>", "<name>b/b</name>")),
        generation: 2,
        files: &["a"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (byte 1507, in <file>: the name contains '/', which LTFS cannot hold)",
            "repair: partition b: the index at block 15 cannot be used (byte 1508, in <file>: the name contains '/', which LTFS cannot hold)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "name of 256 characters in both newest",
        make: || {
            with(|rig| {
                edit_both(rig, "<name>b</name>", &format!("<name>{}</name>", "b".repeat(256)))
            })
        },
        generation: 2,
        files: &["a"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (byte 1760, in <file>: the name has 256 characters; LTFS allows 255)",
            "repair: partition b: the index at block 15 cannot be used (byte 1761, in <file>: the name has 256 characters; LTFS allows 255)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "element missing in both newest",
        make: || with(|rig| edit_both(rig, "<readonly>false</readonly>\n", "")),
        generation: 2,
        files: &["a"],
        lost: &[],
        findings: &[
            STALE,
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (byte 890, in <directory>: <readonly> is missing before the contents)",
            "repair: partition b: the index at block 15 cannot be used (byte 891, in <directory>: <readonly> is missing before the contents)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "the copies differ",
        make: || {
            with(|rig| {
                edit_index(rig, INDEX, |text| text.replacen("<name>b</name>", "<name>c</name>", 1))
            })
        },
        generation: 3,
        files: &["a"],
        lost: &[],
        findings: &[
            STALE,
            "damage: generation 3 at block 5 of partition a and at block 15 of partition b are not the same, first at /c: one of them was changed",
        ],
        check: &[],
        repaired: 4,
        left: &[],
    },
    State {
        name: "files behind the end",
        make: || with(|rig| edit_both(rig, "<startblock>13<", "<startblock>99<")),
        generation: 3,
        files: &["a"],
        lost: &[("b", "block 99 of partition 1 is behind the end of the data")],
        findings: &[STALE, "damage: files need blocks up to 100 of partition b, which ends at 17"],
        check: &["reach: /b"],
        repaired: 4,
        left: &["damage: files need blocks up to 100 of partition b, which ends at 20"],
    },
    State {
        name: "files on no partition",
        make: || {
            with(|rig| {
                edit_both(
                    rig,
                    "<partition>b</partition>\n<startblock>13<",
                    "<partition>c</partition>\n<startblock>13<",
                )
            })
        },
        generation: 3,
        files: &["a"],
        lost: &[("b", "the volume has no partition c")],
        findings: &[STALE, "damage: files lie on partition c, which does not exist"],
        check: &["reach: /b"],
        repaired: 4,
        left: &["damage: files lie on partition c, which does not exist"],
    },
    State {
        name: "two entries of one number",
        make: || with(|rig| edit_both(rig, "<fileuid>3<", "<fileuid>2<")),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[STALE],
        check: &["number: /b"],
        repaired: 4,
        left: &[],
    },
    State {
        name: "index partition's index unreadable",
        make: || with(|rig| unreadable(rig, &[(INDEX, 5)])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (drive FS464ACA00: cannot read a block at block 5 of partition 0: 3/11/00 ReadError)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "data partition's index unreadable",
        make: || with(|rig| unreadable(rig, &[(DATA, 15)])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[
            "repair: partition b: the index at block 15 cannot be used (drive FS464ACA00: cannot read a block at block 15 of partition 1: 3/11/00 ReadError)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "both newest unreadable",
        make: || with(|rig| unreadable(rig, &[(INDEX, 5), (DATA, 15)])),
        generation: 2,
        files: &["a"],
        lost: &[],
        findings: &[
            NO_INDEX_A,
            "repair: partition a: the index at block 5 cannot be used (drive FS464ACA00: cannot read a block at block 5 of partition 0: 3/11/00 ReadError)",
            "repair: partition b: the index at block 15 cannot be used (drive FS464ACA00: cannot read a block at block 15 of partition 1: 3/11/00 ReadError)",
        ],
        check: &[],
        repaired: 5,
        left: &[],
    },
    State {
        name: "an older index unreadable",
        make: || with(|rig| unreadable(rig, &[(DATA, 11)])),
        generation: 3,
        files: &["a", "b"],
        lost: &[],
        findings: &[],
        check: &["index: block 11 of partition b: block 11 of partition 1 cannot be read"],
        repaired: 4,
        left: &[],
    },
    State {
        name: "a block of a file unreadable",
        make: || with(|rig| unreadable(rig, &[(DATA, 8)])),
        generation: 3,
        files: &["b"],
        lost: &[("a", "block 8 of partition 1 cannot be read")],
        findings: &[],
        check: &[],
        repaired: 4,
        left: &[],
    },
];

/// Goal: for each state, nothing readable is lost, and what is said is what is so, to the word.
/// Method: each is made on a cartridge, looked at, repaired, and looked at again.
#[test]
fn each_state_of_a_tape_is_told_exactly_and_repaired_by_appending() {
    for state in STATES {
        let rig = (state.make)();
        let found = look(&rig);
        let name = state.name;
        assert_eq!(found.mounted.generation(), state.generation, "{name}");
        assert_eq!(sentences(&found.mounted.findings), state.findings, "{name}");
        assert_eq!(told(&found.report), state.check, "{name}");
        let lost = state.lost.iter().map(|(path, why)| (*path, Err((*why).to_owned())));
        let mut expected: BTreeMap<String, Content> = closed_files();
        expected.retain(|path, _| state.files.contains(&path.as_str()));
        expected.extend(lost.map(|(path, why)| (path.to_owned(), why)));
        let mut files = found.files.clone();
        if let Some(newer) = files.remove("c") {
            assert!([content(3, 5000), content(2, 4096)].contains(&newer.unwrap()), "{name}");
        }
        assert_eq!(files, expected, "{name}");
        let left = state.left.iter().map(|left| (*left).to_owned()).collect();
        assert_eq!(mend(&rig, &found.mounted), Mended::Done(state.repaired, left), "{name}");
        let after = look(&rig);
        assert_eq!(after.files, found.files, "{name}");
        assert_eq!(after.mounted.generation(), state.repaired, "{name}");
        assert_eq!(sentences(&after.mounted.findings), state.left, "{name}");
    }
}
