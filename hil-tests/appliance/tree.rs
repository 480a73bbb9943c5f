//! Folders to back up, and the comparison of two of them: content, kinds, modes, owners, times, links,
//! extended attributes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

/// Bytes that no compressor shrinks and that differ with `seed`: xorshift.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Writes a file with a modification time in the past that has nanoseconds.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    let age = Duration::new(86_400 * 365, 123_456_789);
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) - age).unwrap();
}

/// A folder with everything that people and programs leave in folders.
pub(crate) fn odd_folder(top: &Path) {
    for number in 0..40_u64 {
        let size = usize::try_from(number * number * 37).unwrap();
        write(
            &top.join(format!("small/dir{}/file {number}.txt", number % 4)),
            &noise(number, size),
        );
    }
    write(&top.join("large.bin"), &noise(1000, 3 * 1024 * 1024 + 17));
    write(&top.join("exact-block.bin"), &noise(1001, 512 * 1024));
    write(&top.join("empty"), b"");
    fs::create_dir_all(top.join("empty folder/in it")).unwrap();
    for name in ["Größe ß.txt", "日本語.raw", "a:b", "new\nline", "50% *?.txt", "..hidden", " "]
    {
        write(&top.join("names").join(name), name.as_bytes());
    }
    let not_utf8 = PathBuf::from(std::ffi::OsString::from_vec(b"caf\xE9.txt".to_vec()));
    write(&top.join("names").join(not_utf8), b"latin-1");
    write(&top.join("names").join("e\u{301}"), b"decomposed");
    write(&top.join("names").join("\u{e9}"), b"composed");
    write(&top.join("names").join("x".repeat(255)), b"long");
    symlink("large.bin", top.join("link")).unwrap();
    symlink("/nowhere/at all", top.join("dangling")).unwrap();
    fs::hard_link(top.join("large.bin"), top.join("small/hard link")).unwrap();
    let sparse = File::create(top.join("sparse")).unwrap();
    sparse.set_len(8 * 1024 * 1024).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"in the middle", 4 * 1024 * 1024).unwrap();
    nix::unistd::mkfifo(&top.join("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o640))
        .unwrap();
    fs::set_permissions(top.join("empty"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(top.join("empty folder"), fs::Permissions::from_mode(0o500)).unwrap();
    if xattr::set(top.join("exact-block.bin"), "user.comment", b"kept \xFF").is_err() {
        println!("this file system has no user attributes; they are not compared");
    }
}

/// What one entry of a folder is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    kind: String,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    size: u64,
    content: Option<String>,
    target: Option<PathBuf>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    linked_to: Option<PathBuf>,
    is_sparse: bool,
}

/// Everything in a folder by its path; the folder itself is the empty path.
pub(crate) fn look(top: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    look_into(top, top, &mut inodes, &mut seen);
    seen
}

fn look_into(
    top: &Path,
    path: &Path,
    inodes: &mut BTreeMap<u64, PathBuf>,
    seen: &mut BTreeMap<PathBuf, Seen>,
) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let relative = path.strip_prefix(top).unwrap().to_owned();
    let is_file = metadata.is_file();
    let linked_to = (is_file && metadata.nlink() > 1)
        .then(|| inodes.entry(metadata.ino()).or_insert_with(|| relative.clone()).clone());
    let content = is_file.then(|| hex::encode(Sha256::digest(fs::read(path).unwrap())));
    let attributes = xattr::list(path).map_or_else(
        |_| BTreeMap::new(),
        |names| {
            names
                .filter_map(|name| {
                    let value = xattr::get(path, &name).ok()??;
                    Some((name.as_bytes().to_vec(), value))
                })
                .collect()
        },
    );
    let entry = Seen {
        kind: format!("{:?}", metadata.file_type()),
        mode: metadata.permissions().mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        size: if metadata.is_dir() { 0 } else { metadata.len() },
        content,
        target: fs::read_link(path).ok(),
        attributes,
        linked_to,
        is_sparse: is_file && metadata.blocks() * 512 + 1024 * 1024 < metadata.len(),
    };
    seen.insert(relative, entry);
    if metadata.is_dir() {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        names.sort();
        for name in names {
            look_into(top, &name, inodes, seen);
        }
    }
}

/// Panics with every difference between two folders.
pub(crate) fn assert_same(expected: &Path, restored: &Path) {
    let (before, after) = (look(expected), look(restored));
    let mut differences = Vec::new();
    for (path, was) in &before {
        match after.get(path) {
            None => differences.push(format!("{} is missing", path.display())),
            Some(is) if is != was => {
                differences.push(format!("{}:\n  was {was:?}\n  is  {is:?}", path.display()));
            }
            Some(_) => {}
        }
    }
    let added = after.keys().filter(|path| !before.contains_key(*path));
    differences.extend(added.map(|path| format!("{} was not there", path.display())));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
