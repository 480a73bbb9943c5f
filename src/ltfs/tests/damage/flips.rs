//! Single bits flipped anywhere on a small volume, at random but from a seed: labels, indexes of every
//! age, files, the cartridge's memory.
//!
//! For each flip it is worked out, without mounting, what must be said and what may be lost: a bit of a
//! file costs the files that have it, a bit anywhere else costs nothing. That, and nothing more or less,
//! is what must happen.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::memory::write_value;
use super::*;
use crate::ltfs::coherency::Coherency;
use crate::ltfs::index::{IndexHeader, IndexReader, Xattr};
use crate::ltfs::label::{UnverifiedLabel, VolumeLabel};
use crate::ltfs::tape::LabelFound;
use crate::vtl::faults::{BlockAccess, Effect, Fault};

/// Flips of the short form.
const SOME: usize = 500;
const SEED: u64 = 20_261_127;

/// A block of the tape, or the memory of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Block { partition: Partition, block: usize },
    Memory(Partition),
}

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Label,
    NewestIndex,
    OlderIndex,
    File,
    Memory,
}

struct Volume {
    rig: Rig,
    tape: [Vec<Record>; 2],
    memory: [Vec<u8>; 2],
    files: BTreeMap<String, Content>,
    entries: Vec<(String, FileEntry)>,
    /// Newest index of each partition, and the older ones of the data partition.
    newest: [usize; 2],
    older: Vec<usize>,
}

impl Volume {
    /// Three generations; in the last one packed files in a folder, attributes, a link, and an index of
    /// more than one block.
    fn new() -> Self {
        let rig = Rig::formatted();
        let mut volume = rig.open();
        add_files(&mut volume, &[("a", content(1, 10_000))], IndexPlacement::DataPartition)
            .unwrap();
        let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
        let folder = [name("d")];
        let directory = DirectoryEntry { times: Times::default(), ..directory_entry("d", 10) };
        tree.overlay_mut().put_directory(&[], directory, KEEP);
        let packed: Vec<Vec<u8>> = (0..6).map(|n| content(20 + n, 1500)).collect();
        let first = append(&mut volume, &packed.concat()).unwrap().start_block;
        for (number, bytes) in packed.iter().enumerate() {
            let at = number * 1500;
            let block = first.0 + u64::try_from(at / BLOCK).unwrap();
            let within = u32::try_from(at % BLOCK).unwrap();
            let uid = 11 + u64::try_from(number).unwrap();
            let extents = [extent(BlockNumber(block), within, bytes.len())];
            let mut entry = file_entry(&format!("p{number}"), uid, &extents, 1500);
            entry.xattrs = vec![Xattr { key: name("note"), value: vec![b'x'; 150] }];
            tree.overlay_mut().put_file(&folder, entry);
        }
        let b = append(&mut volume, &content(2, 4096)).unwrap();
        tree.overlay_mut().put_file(&[], file_entry("b", 30, &[b], 4096));
        volume.write_index(&mut tree, IndexPlacement::Both).unwrap().coherency.unwrap();
        drop(volume.close().unwrap());
        Self::of(rig)
    }

    fn of(rig: Rig) -> Self {
        let look = look(&rig);
        assert_eq!(look.mounted.findings, []);
        let tape = [records(&rig, INDEX), records(&rig, DATA)];
        let mut memory = [Vec::new(), Vec::new()];
        rig.raw(|drive| {
            drive.locate(Position::new(0, 0)).unwrap();
            for partition in [INDEX, DATA] {
                let known = Coherency::read(drive, partition).unwrap().unwrap();
                memory[usize::from(partition.0)] = known.encode();
            }
        });
        let newest = [&look.mounted.index_partition, &look.mounted.data_partition]
            .map(|state| block_index(state.last_index.unwrap().location.block));
        let blocks = look.report.generations.iter().map(|index| block_index(index.location.block));
        let older = blocks.filter(|block| *block != newest[1]).collect();
        let paths = look.files.keys();
        let entries =
            paths.map(|path| (path.clone(), find(&look.mounted, path).unwrap())).collect();
        Self { rig, tape, memory, files: look.files, entries, newest, older }
    }

    fn bytes(&self, place: Place) -> &[u8] {
        match place {
            Place::Memory(partition) => &self.memory[usize::from(partition.0)],
            Place::Block { partition, block } => {
                match &self.tape[usize::from(partition.0)][block] {
                    Record::Block(bytes) => bytes,
                    other => panic!("{place:?} is {other:?}"),
                }
            }
        }
    }

    /// Every place with a bit that can flip.
    fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::Memory(INDEX), Place::Memory(DATA)];
        for partition in [INDEX, DATA] {
            let records = self.tape[usize::from(partition.0)].iter().enumerate();
            places.extend(records.filter_map(|(block, record)| {
                matches!(record, Record::Block(_)).then_some(Place::Block { partition, block })
            }));
        }
        places
    }

    fn holds(&self, place: Place) -> Holds {
        let Place::Block { partition, block } = place else { return Holds::Memory };
        let newest = self.newest[usize::from(partition.0)];
        if block < 4 {
            Holds::Label
        } else if block >= newest {
            Holds::NewestIndex
        } else if partition == DATA && self.is_in_older_index(block) {
            Holds::OlderIndex
        } else {
            Holds::File
        }
    }

    fn is_in_older_index(&self, block: usize) -> bool {
        self.older.iter().any(|first| {
            let mut end = *first;
            while self.tape[1][end] != Record::Filemark {
                end += 1;
            }
            (*first..end).contains(&block)
        })
    }

    /// The text of the index that begins at a block, with a bit of one of its blocks flipped.
    fn index_with(&self, partition: Partition, first: usize, flipped: (usize, u64)) -> Vec<u8> {
        let mut text = Vec::new();
        for block in first.. {
            let Record::Block(bytes) = &self.tape[usize::from(partition.0)][block] else { break };
            let start = text.len();
            text.extend_from_slice(bytes);
            if block == flipped.0 {
                flip(&mut text[start..], flipped.1);
            }
        }
        text
    }

    /// Puts everything back as it was.
    fn restore(&self, place: Place) {
        match place {
            Place::Block { .. } => self.rig.set_faults(FaultPlan::default()),
            Place::Memory(partition) => {
                write_value(&self.rig, partition, self.bytes(place).to_vec());
            }
        }
        self.rig.library.log().clear();
    }

    fn damage(&self, place: Place, bit: u64) {
        match place {
            Place::Block { partition, block } => {
                let block = u64::try_from(block).unwrap();
                let effect = Effect::FlippedBit { bit: Some(bit) };
                let fault = Fault::at_block(BlockAccess::Read, partition.0, block, effect);
                self.rig.set_faults(FaultPlan::of(fault.always()));
            }
            Place::Memory(partition) => {
                let mut value = self.bytes(place).to_vec();
                flip(&mut value, bit);
                write_value(&self.rig, partition, value);
            }
        }
    }
}

fn block_index(block: BlockNumber) -> usize {
    usize::try_from(block.0).unwrap()
}

/// Bits are counted as the fault plan counts them.
fn flip(bytes: &mut [u8], bit: u64) {
    bytes[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
}

/// What must be said of a flip: kinds of findings with the partition they name.
type Said = BTreeSet<String>;

fn said(findings: &[Finding]) -> Said {
    let kind = |finding: &Finding| match finding {
        Finding::CoherencyAbsent(id) => format!("memory absent {id}"),
        Finding::CoherencyStale => "memory stale".to_owned(),
        Finding::CoherencyWrong(id) => format!("memory wrong {id}"),
        Finding::NoIndex(id) => format!("no index {id}"),
        Finding::IndexPartitionBehind { .. } => "behind".to_owned(),
        Finding::BackPointer { .. } => "back pointer".to_owned(),
        Finding::Tail { partition, tail: Tail::DamagedIndex { at, .. }, .. } => {
            format!("damaged index {partition}{at}")
        }
        Finding::Tail { partition, tail: Tail::Data { .. }, .. } => format!("blocks {partition}"),
        Finding::LabelUnusable { partition, why } => format!("label {partition}: {why}"),
        Finding::LabelsContradict { why, .. } => why.clone(),
        Finding::CopiesDiffer { .. } => "copies differ".to_owned(),
        Finding::ExtentsBeyondEnd { partition, .. } => format!("beyond end {partition}"),
        Finding::ExtentsNowhere(_) => "nowhere".to_owned(),
        other => other.to_string(),
    };
    findings.iter().map(kind).collect()
}

fn set(items: &[&str]) -> Said {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn letter(partition: Partition) -> &'static str {
    if partition == INDEX { "a" } else { "b" }
}

/// Head and tree of a text, or nothing if it is no index at its place.
fn parsed(text: &[u8]) -> Option<(IndexHeader, Vec<String>)> {
    let mut reader = IndexReader::open(text).ok()?;
    let mut events = Vec::new();
    loop {
        match reader.next().ok()? {
            IndexEvent::Header(_) => {}
            IndexEvent::End(header) => return Some((header.clone(), events)),
            event => events.push(format!("{event:?}")),
        }
    }
}

impl Volume {
    fn check_memory(&self, partition: Partition, bit: u64, found: &Look) {
        let right = Coherency::parse(&self.memory[usize::from(partition.0)]).unwrap();
        let mut value = self.memory[usize::from(partition.0)].clone();
        flip(&mut value, bit);
        let id = letter(partition);
        let expected = match Coherency::parse(&value).filter(|known| known.uuid == right.uuid) {
            None => set(&[&format!("memory absent {id}")]),
            Some(known) if known.version == 0 => set(&["memory stale"]),
            Some(known) if known.change_reference != right.change_reference => {
                set(&["memory stale"])
            }
            Some(known) if (known.generation, known.block) != (right.generation, right.block) => {
                set(&[&format!("memory wrong {id}")])
            }
            Some(_) => Said::new(),
        };
        assert_eq!(said(&found.mounted.findings), expected);
        assert!(found.report.is_clean());
        assert_eq!(found.files, self.files);
    }

    fn check_label(&self, partition: Partition, flipped: (usize, u64), found: &Look) {
        let label = |of: Partition| {
            let mut records =
                [0, 2].map(|block| self.bytes(Place::Block { partition: of, block }).to_vec());
            if of == partition {
                flip(&mut records[flipped.0 / 2], flipped.1);
            }
            UnverifiedLabel::parse(&records[0], &records[1])
        };
        let expected = match (label(INDEX), label(DATA)) {
            (Ok(first), Ok(second)) => match VolumeLabel::verify(first, &second) {
                Ok(_) => Said::new(),
                Err(error) => set(&[&error.to_string()]),
            },
            (Err(error), _) | (_, Err(error)) => {
                let why = LabelFound::Other(error).describe();
                set(&[&format!("label {}: {why}", letter(partition))])
            }
        };
        let mut found_said = said(&found.mounted.findings);
        found_said.retain(|said| !said.contains("newer elements are kept"));
        assert_eq!(found_said, expected);
        assert_eq!(found.mounted.label.block_size, BLOCK_SIZE);
        assert_eq!(found.files, self.files);
    }

    fn check_older_index(&self, flipped: (usize, u64), found: &Look) {
        assert_eq!(found.mounted.findings, []);
        assert_eq!(found.files, self.files);
        let first = *self.older.iter().filter(|first| **first <= flipped.0).max().unwrap();
        let head = self.bytes(Place::Block { partition: DATA, block: first });
        let mut changed = head.to_vec();
        if first == flipped.0 {
            flip(&mut changed, flipped.1);
        }
        let is_named = found
            .report
            .damaged_indexes
            .iter()
            .any(|index| index.location.block == BlockNumber(u64::try_from(first).unwrap()));
        let head_of = |bytes: &[u8]| {
            let mut reader = IndexReader::open(bytes).ok()?;
            match reader.next().ok()? {
                IndexEvent::Header(header) => {
                    Some((header.location, header.volume_uuid, header.previous, header.generation))
                }
                _ => None,
            }
        };
        // What is behind the head is not looked at: nobody needs it before going back to it. A generation
        // that still lies between its neighbours' tells nothing.
        let is_same = match (head_of(&changed), head_of(head).unwrap()) {
            (Some(changed), right) => {
                let between = right.3.saturating_sub(1)..=right.3 + 1;
                (changed.0, changed.1, changed.2) == (right.0, right.1, right.2)
                    && between.contains(&changed.3)
            }
            (None, _) => false,
        };
        assert!(is_same == found.report.is_clean(), "{:?}", told(&found.report));
        assert!(is_same || is_named || !found.report.broken_chain.is_empty());
    }

    fn check_newest_index(&self, partition: Partition, flipped: (usize, u64), found: &Look) {
        let first = self.newest[usize::from(partition.0)];
        let (id, none) = (letter(partition), (usize::MAX, 0));
        let right = parsed(&self.index_with(partition, first, none)).unwrap();
        let text = self.index_with(partition, first, flipped);
        let leads_back = |header: &IndexHeader| {
            header.previous.is_none_or(|previous| {
                previous.partition == PartitionId::DATA
                    && previous.block.0 >= 5
                    && (partition == INDEX || previous.block.0 + 2 < header.location.block.0)
            })
        };
        let changed = parsed(&text).filter(|(header, _)| {
            (header.volume_uuid, header.location) == (right.0.volume_uuid, right.0.location)
                && leads_back(header)
        });
        let told = said(&found.mounted.findings);
        let Some((header, tree)) = changed else {
            // Where not even its beginning is left, its blocks are in no index and its place is known.
            let damaged = format!("damaged index {id}{first}");
            let gone = format!("blocks {id}");
            assert!(told.contains(&damaged) || told.contains(&gone), "{told:?}");
            let (wrong, none) = (format!("memory wrong {id}"), format!("no index {id}"));
            let allowed = [damaged, gone, wrong, none, "back pointer".to_owned()];
            assert!(told.iter().all(|said| allowed.contains(said)), "{told:?}");
            assert_ne!(found.mounted.index.location.partition.to_string(), id);
            assert_eq!(found.files, self.files);
            return;
        };
        let mut expected = Said::new();
        let is_other_generation = header.generation != right.0.generation;
        if is_other_generation {
            expected.insert(format!("memory wrong {id}"));
            let is_behind = (header.generation < right.0.generation) == (partition == INDEX);
            if is_behind {
                expected.insert("behind".to_owned());
            }
        }
        let head = |header: &IndexHeader| IndexHeader {
            creator: String::new(),
            update_time: right.0.update_time,
            previous: None,
            generation: 0,
            ..header.clone()
        };
        let is_same_tree = tree == right.1 && head(&header) == head(&right.0);
        if !is_other_generation && !is_same_tree {
            expected.insert("copies differ".to_owned());
        }
        // A tree that lies may also point nowhere, and a pointer may be the one that lies.
        let may_follow = ["beyond end a", "beyond end b", "nowhere", "back pointer"];
        let rest: Said =
            told.iter().filter(|said| !may_follow.contains(&said.as_str())).cloned().collect();
        assert_eq!(rest, expected, "{told:?}");
        let takes_changed = found.mounted.index.location.partition.to_string() == id;
        if is_same_tree || !takes_changed {
            assert_eq!(found.files, self.files);
        } else {
            // The other copy is whole, and leads to every file.
            let other = found.mounted.other_copy(&mut self.rig.drive(), self.rig.spool.path());
            let other = other.unwrap().unwrap();
            assert_eq!(extract(&mut self.rig.drive(), &other), self.files);
        }
    }

    fn check_file(&self, flipped: (usize, u64), found: &Look) {
        assert_eq!(found.mounted.findings, []);
        assert!(found.report.is_clean());
        let at = u64::try_from(flipped.0 * BLOCK).unwrap() + flipped.1 / 8;
        for (path, entry) in &self.entries {
            let has_it = entry.extents.iter().any(|extent| {
                let start =
                    extent.start_block.0 * u64::from(BLOCK_SIZE) + u64::from(extent.byte_offset);
                (start..start + extent.byte_count).contains(&at)
            });
            let is_good = found.files[path] == self.files[path];
            assert_eq!(is_good, !has_it, "{path}");
        }
        assert_eq!(found.files.len(), self.files.len());
    }

    fn check(&self, place: Place, bit: u64) {
        self.damage(place, bit);
        let found = look(&self.rig);
        match (place, self.holds(place)) {
            (Place::Memory(partition), _) => self.check_memory(partition, bit, &found),
            (Place::Block { partition, block }, holds) => match holds {
                Holds::Label => self.check_label(partition, (block, bit), &found),
                Holds::NewestIndex => self.check_newest_index(partition, (block, bit), &found),
                Holds::OlderIndex => self.check_older_index((block, bit), &found),
                Holds::File | Holds::Memory => self.check_file((block, bit), &found),
            },
        }
        self.restore(place);
    }
}

/// A place and a bit of it, every bit of the volume being as likely.
fn choose(volume: &Volume, places: &[Place], random: &mut StdRng) -> (Place, u64) {
    let bits = |place: &Place| u64::try_from(volume.bytes(*place).len()).unwrap() * 8;
    let mut at = random.gen_range(0..places.iter().map(bits).sum::<u64>());
    for place in places {
        match at.checked_sub(bits(place)) {
            None => return (*place, at),
            Some(rest) => at = rest,
        }
    }
    unreachable!("the sum covers every place")
}

fn flips(count: usize, seed: u64) {
    let volume = Volume::new();
    let places = volume.places();
    let mut random = StdRng::seed_from_u64(seed);
    let mut seen: BTreeMap<Holds, usize> = BTreeMap::new();
    for number in 0..count {
        let (place, bit) = choose(&volume, &places, &mut random);
        *seen.entry(volume.holds(place)).or_default() += 1;
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            volume.check(place, bit);
        }));
        assert!(checked.is_ok(), "flip {number} of seed {seed}: {place:?} bit {bit}");
    }
    println!("{count} flips of seed {seed}: {seen:?}");
    assert_eq!(seen.len(), 5, "some kind of place was never hit");
}

#[test]
fn every_flipped_bit_is_found_or_harmless() {
    flips(SOME, SEED);
}

#[test]
#[ignore = "long: 10,000 flips"]
fn every_one_of_ten_thousand_flipped_bits_is_found_or_harmless() {
    flips(10_000, SEED + 1);
}

/// Goal: a repair after a flip loses nothing and leaves a good volume. Method: the bit is flipped on the tape
/// itself, so that what the repair writes is read back as it is.
#[test]
fn a_repair_after_a_flipped_bit_only_appends() {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut repaired = 0;
    for _ in 0..25 {
        let volume = Volume::new();
        let indexes: Vec<Place> = volume
            .places()
            .into_iter()
            .filter(|place| volume.holds(*place) == Holds::NewestIndex)
            .collect();
        let (place, bit) = choose(&volume, &indexes, &mut random);
        let Place::Block { partition, block } = place else { continue };
        edit_block(&volume.rig, partition, block, |bytes| flip(bytes, bit));
        let found = look(&volume.rig);
        let Mended::Done(_, left) = mend(&volume.rig, &found.mounted) else {
            panic!("{place:?} bit {bit}: {:?}", found.mounted.findings)
        };
        let after = look(&volume.rig);
        let is_reach = |said: &String| said.starts_with("damage: files ");
        assert!(left.iter().all(is_reach), "{left:?}");
        assert_eq!(after.files, found.files, "{place:?} bit {bit}");
        after.mounted.ensure_appendable().unwrap_or_else(|error| {
            assert!(left.iter().any(is_reach), "{error}");
        });
        repaired += 1;
    }
    assert_eq!(repaired, 25);
}
