//! A manifest is checked by somebody who has it, a public key and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::{Machine, offline};
use crate::tree::{noise, write};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The only manifest below `folder`.
fn find_manifest(folder: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "manifest") {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_key_and_a_manifest_tell_changed_cut_foreign_and_whole_apart() {
    let machine = Machine::start("256MiB");
    let place = |name: &str| machine.folder().join(name);
    for number in 0..5 {
        write(&place("source").join(format!("f{number}")), &noise(number, 2_000));
    }
    machine.format("FSP001L9");
    machine.tell(&["backup", text(&place("source")), "--set", "s"]);
    machine.restore("s", &place("back"));
    let (key, log) = (place("key.pem"), place("log.jsonl"));
    machine.tell(&["audit", "export", "--to", text(&log), "--key-to", text(&key)]);
    let manifest = find_manifest(&machine.data().join("manifests"));
    let signature = manifest.with_extension("sig");
    let copy = place("copy.manifest");
    let verify = |manifest: &Path, more: &[&str]| {
        let fixed = ["manifest", "verify", text(manifest), "--key", text(&key)];
        let said = offline(&[&fixed[..], more].concat());
        (said.code, said.out + &said.err)
    };
    let back = place("back");
    let with_files = ["--files", text(&back)];
    let (code, said) = verify(&manifest, &with_files);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("5 files are what it lists; 0 are not"), "{said}");

    let changed = back.join(place("source").strip_prefix("/").unwrap()).join("f3");
    fs::write(&changed, "another").unwrap();
    let (code, said) = verify(&manifest, &with_files);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("4 files") && said.contains("f3: its content is another"), "{said}");

    let bytes = fs::read(&manifest).unwrap();
    let signed = ["--signature", text(&signature)];
    let flip = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (what, content, expected) in [
        ("changed", flip(bytes.len() / 2), "damaged in line"),
        ("cut", bytes[..bytes.len() / 2].to_vec(), "cut off after line"),
    ] {
        fs::write(&copy, content).unwrap();
        let (code, said) = verify(&copy, &signed);
        assert!(code == Some(1) && said.contains(expected), "{what}: {said}");
    }
    fs::write(&copy, &bytes).unwrap();
    let (code, said) = verify(&copy, &[]);
    assert!(code == Some(1) && said.contains("without a signature"), "{said}");

    let other = Machine::start("256MiB");
    let elsewhere = other.folder().join("log.jsonl");
    fs::remove_file(&key).unwrap();
    other.tell(&["audit", "export", "--to", text(&elsewhere), "--key-to", text(&key)]);
    let (code, said) = verify(&copy, &signed);
    assert!(code == Some(1) && said.contains("not the one that was named"), "{said}");
}
