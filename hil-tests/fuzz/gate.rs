//! The fuzz targets without a fuzzer: every truncation of every seed, each of its bytes set to
//! values that matter, and random mutations. What is random is seeded, so the gate says the same
//! everywhere.

#![expect(clippy::expect_used, reason = "a test fails by panicking, and says where it is")]

#[path = "src/lib.rs"]
pub mod targets;

use targets::{TARGETS, Target};

/// Values that are lengths without end, signs, quotes, ends of texts, and beginnings of tags.
const VALUES: [u8; 8] = [0x00, 0x01, 0x7F, 0x80, 0xFF, b'"', b'<', b'9'];
/// Bytes of a seed that are changed one by one; the fuzzer does the rest of long ones.
const BYTES_MAX: usize = 2048;
/// Random mutations of each seed.
const MUTATIONS: u32 = 300;

/// Feeds a target, and names the input when it panics.
fn feed(target: &Target, bytes: &[u8]) {
    if std::panic::catch_unwind(|| (target.run)(bytes)).is_err() {
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("target {} fails with {shown}", target.name);
    }
}

/// A target that takes a file or a connection for each input gets fewer of them.
fn step(target: &Target) -> usize {
    match target.name {
        "dump" | "api_request" | "settings" => 13,
        "bulk_spool" | "record_spool" | "key_file" => 3,
        // A seed of 64 KiB is opened three times for each input.
        "sealed_file" => 13,
        _ => 1,
    }
}

fn torture(target: &Target, seed: &[u8]) {
    feed(target, seed);
    let step = step(target);
    for length in (0..seed.len().min(BYTES_MAX)).step_by(step) {
        feed(target, &seed[..length]);
    }
    let mut changed = seed.to_vec();
    for at in (0..seed.len().min(BYTES_MAX)).step_by(step) {
        for value in VALUES {
            changed[at] = value;
            feed(target, &changed);
        }
        changed[at] = seed[at];
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..MUTATIONS / u32::try_from(step).unwrap_or(1) {
        feed(target, &mutated(seed, &mut random));
    }
}

/// Three changes: bits flipped, bytes doubled, pieces cut out or moved.
fn mutated(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..3 {
        if bytes.is_empty() {
            break;
        }
        let (at, length) = (random.below(bytes.len()), 1 + random.below(32));
        let end = bytes.len().min(at + length);
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => bytes.insert(at, bytes[random.below(bytes.len())]),
        }
    }
    bytes
}

/// xorshift: any generator will do, as long as it is the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % count).unwrap_or(0)
    }
}

/// Feeds a target with its seeds and everything that is made of them.
fn fed_with_every_damage(name: &str) {
    let folder = tempfile::tempdir().expect("a folder for seeds");
    targets::write_seeds(name, folder.path());
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let mut count = 0;
    for entry in std::fs::read_dir(folder.path()).expect("the seeds") {
        let seed = std::fs::read(entry.expect("a seed").path()).expect("a seed");
        assert!(!seed.is_empty(), "{name} has an empty seed");
        torture(target, &seed);
        count += 1;
    }
    assert!(count > 0, "{name} has no seeds");
    targets::run(name, b"");
}

macro_rules! each_target {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                fed_with_every_damage(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_here_and_has_a_program() {
            let manifest = include_str!("Cargo.toml");
            let here = [$(stringify!($name)),*];
            for target in TARGETS {
                assert!(here.contains(&target.name), "{} has no test", target.name);
                let program = format!("[[bin]]\nname = \"{}\"\n", target.name);
                assert!(manifest.contains(&program), "{} has no program", target.name);
            }
            assert_eq!(here.len(), TARGETS.len());
        }
    };
}

each_target! {
    index, label, memory_attributes, bulk_spool, element_status, mode_pages, log_pages, inquiry,
    sense, position, density, supported_commands, reservation, encryption_pages, access_order,
    manifest, volume_record, signature, sealed_file, key_file, dump, record_spool, settings, sftp_answer, job_spec, api_request,
}
