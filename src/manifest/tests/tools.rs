//! The commands of the README, run by the real tools.
//!
//! Goal: what the tape promises to somebody without this program holds. Method: a folder is made as
//! a mounted tape would show it, the commands are cut out of the README text, and a shell runs them.
//! Where a tool is missing on the machine the test passes without a word of proof.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sha2::{Digest as _, Sha256};

use super::{NOW, entry, header, write};
use crate::domain::{CopyLetter, Sha256Digest, SourcePath, VirtualClock};
use crate::keys::{KeyStore, Purpose};
use crate::manifest::{
    Codec, FilePart, ManifestEntry, VolumeRecord, ZSTD_SUFFIX, part_name, readme_text,
};

fn has_tools(tools: &[&str]) -> bool {
    tools.iter().all(|tool| {
        let found = Command::new("sh").arg("-c").arg(format!("command -v {tool}")).output();
        found.is_ok_and(|output| output.status.success())
    })
}

/// The commands of the README that begin with `start`, up to the next empty line.
fn commands(readme: &str, start: &str, run: &str) -> String {
    let at = readme.find(start).unwrap_or_else(|| panic!("{start}"));
    let block = readme[at..].split("\n\n").next().unwrap();
    block.replace("RUN", run)
}

fn shell(directory: &Path, script: &str) -> Output {
    Command::new("sh").arg("-ec").arg(script).current_dir(directory).output().unwrap()
}

fn digest(bytes: &[u8]) -> Option<Sha256Digest> {
    Some(Sha256Digest(Sha256::digest(bytes).into()))
}

struct Tape {
    top: tempfile::TempDir,
    readme: String,
    key_id: String,
}

const RUN: &str = "2026-11-23T04-54-18Z";

impl Tape {
    /// A plain file, one with a stored name, an empty one, a compressed one, and two parts.
    fn make() -> Self {
        let top = tempfile::tempdir().unwrap();
        let files = top.path().join("photos").join(RUN);
        let ours = top.path().join(".fossilsafe/runs");
        fs::create_dir_all(&files).unwrap();
        fs::create_dir_all(&ours).unwrap();
        let content = |name: &str, bytes: &[u8]| fs::write(files.join(name), bytes).unwrap();
        let plain = ManifestEntry { sha256: digest(b"plain"), ..entry("plain file") };
        content("plain file", b"plain");
        let odd = ManifestEntry {
            path: SourcePath::from_bytes(b"caf\xe9".to_vec()).unwrap(),
            stored_path: Some("caf%E9".to_owned()),
            sha256: digest(b"odd"),
            ..entry("x")
        };
        content("caf%E9", b"odd");
        let empty = ManifestEntry {
            size_bytes: 0,
            extents: Vec::new(),
            sha256: digest(b""),
            ..entry("empty")
        };
        content("empty", b"");
        let original = b"compress me ".repeat(1000);
        let frame = zstd::encode_all(&original[..], 3).unwrap();
        let compressed = ManifestEntry {
            stored_path: Some(format!("text{ZSTD_SUFFIX}")),
            sha256: digest(&original),
            codec: Some(Codec {
                is_zstd: true,
                sealed: None,
                stored_size_bytes: u64::try_from(frame.len()).unwrap(),
                stored_sha256: digest(&frame).unwrap(),
            }),
            ..entry("text")
        };
        content("text.zst", &frame);
        let mut entries = vec![plain, odd, empty, compressed];
        for (number, piece) in [(1, b"first "), (2, b"second")] {
            let name = part_name("big", number);
            content(&name, piece);
            entries.push(ManifestEntry {
                stored_path: Some(name),
                sha256: digest(b"first second"),
                part: Some(FilePart {
                    number,
                    of: Some(2),
                    offset: u64::from(number - 1) * 6,
                    length: 6,
                    sha256: digest(piece),
                }),
                ..entry("big")
            });
        }
        entries.push(ManifestEntry { stored_path: None, ..entry("with\nbreak") });
        let keys = tempfile::tempdir().unwrap();
        let store = KeyStore::open_or_create(keys.path(), &VirtualClock::default()).unwrap();
        let header = header();
        let (manifest, end) = write(&header, &entries);
        fs::write(ours.join(format!("{RUN}.manifest")), manifest).unwrap();
        let signature = store.sign(Purpose::Manifest, &end.sha256).to_json();
        fs::write(ours.join(format!("{RUN}.sig")), signature).unwrap();
        let readme = readme_text(&VolumeRecord {
            volume: header.volume,
            barcode: header.barcode,
            set: header.set,
            copy: CopyLetter::A,
            sequence: 1,
            previous: None,
            block_size_bytes: header.block_size_bytes,
            written: NOW,
            host: header.host,
            tool: header.tool,
            key_id: store.key_id(),
            public_key_pem: store.public_key().to_pem(),
        });
        Self { top, readme, key_id: store.key_id().to_string() }
    }

    fn files(&self) -> std::path::PathBuf {
        self.top.path().join("photos").join(RUN)
    }

    /// The signature commands, with `/tmp` moved into this test's folder.
    fn signature_commands(&self) -> String {
        let scratch = tempfile::tempdir_in(self.top.path()).unwrap().keep();
        commands(&self.readme, "cd ../../.fossilsafe", RUN)
            .replace("/tmp", scratch.to_str().unwrap())
    }
}

#[test]
fn the_text_is_filled_in_and_fits_a_terminal() {
    let tape = Tape::make();
    assert!(!tape.readme.contains('@'), "{}", tape.readme);
    assert!(tape.readme.contains("barcode FSP001L9"));
    assert!(tape.readme.lines().all(|line| line.len() <= 110));
}

#[test]
fn files_are_verified_with_jq_and_sha256sum() {
    if !has_tools(&["jq", "sha256sum"]) {
        return;
    }
    let tape = Tape::make();
    let script = commands(&tape.readme, "jq -r 'select", RUN);
    let good = shell(&tape.files(), &script);
    assert!(good.status.success() && good.stdout.is_empty(), "{good:?}");
    let listed = shell(&tape.files(), script.split("| sha256sum").next().unwrap());
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 6);
    for name in ["plain file", "caf%E9", "empty", "text.zst", "big.part-00002"] {
        let path = tape.files().join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, b"changed").unwrap();
        let bad = shell(&tape.files(), &script);
        assert!(!bad.status.success(), "{name}");
        assert!(String::from_utf8_lossy(&bad.stdout).contains(name), "{bad:?}");
        fs::write(&path, before).unwrap();
    }
}

#[test]
fn the_signature_is_verified_with_openssl() {
    if !has_tools(&["jq", "sha256sum", "openssl", "base64"]) {
        return;
    }
    let tape = Tape::make();
    let good = shell(&tape.files(), &tape.signature_commands());
    let said = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(good.status.success(), "{good:?}");
    assert!(said.contains(&tape.key_id), "{said}");
    assert!(said.contains("Signature Verified Successfully"), "{said}");
    let manifest = tape.top.path().join(format!(".fossilsafe/runs/{RUN}.manifest"));
    let mut changed = fs::read(&manifest).unwrap();
    changed[100] ^= 1;
    fs::write(&manifest, changed).unwrap();
    assert!(!shell(&tape.files(), &tape.signature_commands()).status.success());
}

#[test]
fn parts_are_joined_with_cat_and_files_unpacked_with_zstd() {
    let tape = Tape::make();
    let join = commands(&tape.readme, "cat NAME.part-*", RUN).replace("NAME", "big");
    assert!(shell(&tape.files(), &join).status.success());
    assert_eq!(fs::read(tape.files().join("big")).unwrap(), b"first second");
    if has_tools(&["zstd"]) {
        let unpack = commands(&tape.readme, "zstd --decompress", RUN).replace("NAME", "text");
        assert!(shell(&tape.files(), &unpack).status.success());
        let unpacked = fs::read(tape.files().join("text")).unwrap();
        assert_eq!(unpacked, b"compress me ".repeat(1000));
    }
}
