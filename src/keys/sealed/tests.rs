//! Sealed files there and back, damaged in every way, and the vectors that other programs read too.

use std::sync::Arc;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::header::SEGMENT_BYTES;
use super::*;
use crate::domain::{Sha256Digest, Timestamp};
use crate::keys::kit::Kit;
use crate::keys::{KeyFile, KeyId};

const WHOLE: SealedForm = SealedForm { inner: Inner::AsIs, part: 0 };
/// A segment with its tag.
const SEALED_BYTES: usize = SEGMENT_BYTES + 16;

#[derive(Clone, Debug)]
struct OneKey(Arc<DataKey>);

impl KeySource for OneKey {
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>> {
        (self.0.id() == id).then(|| Arc::clone(&self.0))
    }
}

fn key(fill: u8) -> OneKey {
    OneKey(Arc::new(DataKey::from_secret(Zeroizing::new([fill; 32]))))
}

fn sealed(key: &OneKey, form: SealedForm, plain: &[u8], step: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::begin(&key.0, form, &mut out);
    plain.chunks(step.max(1)).for_each(|piece| sealer.push(piece, &mut out));
    sealer.finish(&mut out);
    out
}

fn opened(key: &OneKey, sealed: &[u8], step: usize) -> Result<Vec<u8>, SealedError> {
    let mut plain = Vec::new();
    let mut opener = Opener::new(Arc::new(key.clone()));
    for piece in sealed.chunks(step.max(1)) {
        opener.push(piece, &mut |own| plain.extend_from_slice(own))?;
    }
    opener.finish(&mut |own| plain.extend_from_slice(own))?;
    Ok(plain)
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_sealed_comes_back_in_whatever_pieces(
        length in 0_usize..3 * SEGMENT_BYTES + 2, a in 1_usize..200_000, b in 1_usize..200_000,
    ) {
        let (key, plain) = (key(1), content(length));
        let bytes = sealed(&key, WHOLE, &plain, a);
        prop_assert_eq!(bytes.len() as u64, sealed_bytes(length as u64));
        prop_assert_eq!(opened(&key, &bytes, b).unwrap(), plain);
    }

    #[test]
    fn as_much_fits_as_is_said_and_no_more(sealed in 0_u64..10_000_000) {
        match plain_bytes_within(sealed) {
            Some(plain) => {
                prop_assert!(sealed_bytes(plain) <= sealed);
                prop_assert!(sealed_bytes(plain + 1) > sealed);
            }
            None => prop_assert!(sealed_bytes(0) > sealed),
        }
    }
}

#[test]
fn the_edges_of_segments_come_back() {
    let key = key(1);
    for length in [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES] {
        let plain = content(length);
        let bytes = sealed(&key, WHOLE, &plain, usize::MAX);
        assert_eq!(opened(&key, &bytes, usize::MAX).unwrap(), plain, "{length}");
    }
}

#[test]
fn two_files_with_the_same_content_have_no_byte_of_it_in_common() {
    let key = key(1);
    let [a, b] = [(), ()].map(|()| sealed(&key, WHOLE, &content(1000), 1000));
    assert_ne!(a[28..60], b[28..60]);
    assert_ne!(a[80..], b[80..]);
}

#[test]
fn a_wrong_key_a_damaged_header_a_missing_end_and_a_damaged_segment_are_told_apart() {
    let (key, other) = (key(1), key(2));
    let bytes = sealed(&key, WHOLE, &content(2 * SEGMENT_BYTES + 10), usize::MAX);
    let missing = SealedError::KeyMissing(key.0.id());
    assert_eq!(opened(&other, &bytes, 1000).unwrap_err(), missing);
    for at in 8..HEADER_BYTES {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let error = opened(&key, &damaged, 1000).unwrap_err();
        assert_eq!(error, SealedError::HeaderDamaged, "byte {at}");
    }
    for (segment, at) in [(0, 80), (0, 80 + SEALED_BYTES - 1), (1, 80 + SEALED_BYTES)] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let error = opened(&key, &damaged, 1000).unwrap_err();
        assert_eq!(error, SealedError::SegmentDamaged { number: segment }, "byte {at}");
    }
    let cut = |length: usize| opened(&key, &bytes[..length], 1000).unwrap_err();
    assert_eq!(cut(80 + 2 * SEALED_BYTES), SealedError::LastMissing { after: 2 });
    assert_eq!(cut(80 + SEALED_BYTES), SealedError::LastMissing { after: 1 });
    assert_eq!(cut(80), SealedError::LastMissing { after: 0 });
    assert_eq!(cut(79), SealedError::HeaderCut);
    assert_eq!(cut(5), SealedError::HeaderCut);
    assert_eq!(cut(90 + SEALED_BYTES), SealedError::SegmentDamaged { number: 1 });
    assert_eq!(opened(&key, b"anything else", 4).unwrap_err(), SealedError::NotSealed);
}

#[test]
fn no_truncation_at_all_is_taken_for_a_file() {
    let key = key(3);
    let bytes = sealed(&key, WHOLE, &content(300), usize::MAX);
    for length in 0..bytes.len() {
        assert!(opened(&key, &bytes[..length], 64).is_err(), "{length}");
    }
}

#[test]
fn segments_that_are_exchanged_doubled_left_out_or_from_another_file_are_refused() {
    let key = key(1);
    let plain = content(4 * SEGMENT_BYTES);
    let bytes = sealed(&key, WHOLE, &plain, usize::MAX);
    let of = |bytes: &[u8], n: usize| bytes[80 + n * SEALED_BYTES..][..SEALED_BYTES].to_vec();
    let join = |parts: &[Vec<u8>]| [&bytes[..80], &parts.concat()].concat();
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| of(&bytes, n));
    let damaged = |number| SealedError::SegmentDamaged { number };
    let refused = |parts: &[Vec<u8>]| opened(&key, &join(parts), 5000).unwrap_err();
    let [a, b, c, d] = [&a, &b, &c, &d].map(Clone::clone);
    assert_eq!(refused(&[b.clone(), a.clone(), c.clone(), d.clone()]), damaged(0));
    assert_eq!(refused(&[a.clone(), a.clone(), c.clone(), d.clone()]), damaged(1));
    assert_eq!(refused(&[a.clone(), c.clone(), d.clone()]), damaged(1));
    let behind = SealedError::AfterLast { number: 3 };
    assert_eq!(refused(&[a.clone(), b.clone(), c.clone(), d.clone(), d.clone()]), behind);
    // Another file of the same key and the same content.
    let other = sealed(&key, WHOLE, &plain, usize::MAX);
    assert_eq!(refused(&[a.clone(), of(&other, 1), c, d]), damaged(1));
    // Another part of the same file.
    let part = |part| SealedForm { inner: Inner::AsIs, part };
    let (one, two) = (sealed(&key, part(1), &plain, 9999), sealed(&key, part(2), &plain, 9999));
    let spliced = [&one[..80], &two[80..]].concat();
    assert_eq!(opened(&key, &spliced, 5000).unwrap_err(), damaged(0));
}

#[test]
fn a_header_of_a_later_release_is_named_as_such() {
    let key = key(1);
    let mut bytes = sealed(&key, WHOLE, b"abc", 3);
    bytes[8] = 2;
    let check = crc32fast::hash(&bytes[..60]).to_be_bytes();
    bytes[60..64].copy_from_slice(&check);
    assert_eq!(opened(&key, &bytes, 100).unwrap_err(), SealedError::Newer(2));
}

#[test]
fn sealed_digests_open_with_their_key_and_for_their_file_only() {
    let (mine, other) = (key(1), key(2));
    let [stored, elsewhere] = [Sha256Digest([5; 32]), Sha256Digest([6; 32])];
    for file in [None, Some(Sha256Digest([8; 32]))] {
        let digests = PlainDigests { content: Sha256Digest([7; 32]), file };
        let text = seal_digests(&mine.0, &stored, &digests);
        assert_eq!(open_digests(&mine.0, &stored, &text), Ok(digests));
        let refused = Err(SealedError::DigestsDamaged);
        assert_eq!(open_digests(&other.0, &stored, &text), refused);
        assert_eq!(open_digests(&mine.0, &elsewhere, &text), refused);
        assert_eq!(open_digests(&mine.0, &stored, &text[4..]), refused);
        assert_eq!(open_digests(&mine.0, &stored, "?"), refused);
    }
}

/// A sealed file with everything that is needed to open it.
#[derive(Debug, Serialize, Deserialize)]
struct Vector {
    about: String,
    kit: String,
    key_file: KeyFile,
    data_key: String,
    key_id: KeyId,
    plain_length: usize,
    plain_sha256: Sha256Digest,
    /// Base64; repeated bytes of long ones are not repeated here, but made by the rule in `about`.
    sealed_sha256: Sha256Digest,
    sealed: Option<String>,
    stored_digests: String,
}

fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(<sha2::Sha256 as sha2::Digest>::digest(bytes).into())
}

/// The sealed bytes of vector `number`: salt and content follow a rule, so that they need no file.
fn vector_bytes(number: u8, form: SealedForm, length: usize) -> (DataKey, Vec<u8>) {
    let data_key = DataKey::from_secret(Zeroizing::new([number; 32]));
    let mut out = Vec::new();
    let mut sealer = Sealer::with_salt(&data_key, form, [number ^ 0xA5; 32], &mut out);
    sealer.push(&content(length), &mut out);
    sealer.finish(&mut out);
    (data_key, out)
}

const VECTORS: [(u8, u32, usize); 5] =
    [(1, 0, 0), (2, 0, 11), (3, 1, 300), (4, 0, SEGMENT_BYTES), (5, 0, 2 * SEGMENT_BYTES + 7)];

#[test]
#[ignore = "writes vectors.json anew, which other programs rely on"]
fn write_vectors() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let kit = Kit::from_secret(&[0x42; 32]);
    let vector = |(number, part, length): (u8, u32, usize)| {
        let (data_key, bytes) =
            vector_bytes(number, SealedForm { inner: Inner::AsIs, part }, length);
        let created = Timestamp { seconds: 1_795_409_658, nanoseconds: 0 };
        let digests = PlainDigests { content: sha256(&content(length)), file: None };
        Vector {
            about: format!(
                "{length} bytes, byte n being n modulo 251; salt 32 times {:#04x}; part {part}",
                number ^ 0xA5
            ),
            kit: kit.text().to_string(),
            key_file: KeyFile::wrap(&data_key, "vectors", created, &[kit.public()]),
            data_key: hex::encode(data_key.secret()),
            key_id: data_key.id(),
            plain_length: length,
            plain_sha256: digests.content,
            sealed_sha256: sha256(&bytes),
            sealed: (bytes.len() < 1000).then(|| base64.encode(&bytes)),
            stored_digests: seal_digests(&data_key, &sha256(&bytes), &digests),
        }
    };
    let text = serde_json::to_string_pretty(&VECTORS.map(vector)).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/keys/sealed/vectors.json");
    std::fs::write(path, text + "\n").unwrap();
}

#[test]
fn the_format_is_what_the_vectors_say() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), VECTORS.len());
    for (vector, (number, part, length)) in vectors.iter().zip(VECTORS) {
        let (data_key, bytes) =
            vector_bytes(number, SealedForm { inner: Inner::AsIs, part }, length);
        assert_eq!(sha256(&bytes), vector.sealed_sha256, "{}", vector.about);
        assert_eq!(data_key.id(), vector.key_id);
        let kit: Kit = vector.kit.parse().unwrap();
        let key = vector.key_file.open(&kit).unwrap();
        assert_eq!(hex::encode(key.secret()), vector.data_key);
        let plain = opened(&OneKey(Arc::new(key.clone())), &bytes, 4096).unwrap();
        assert_eq!(sha256(&plain), vector.plain_sha256);
        let digests = open_digests(&key, &vector.sealed_sha256, &vector.stored_digests).unwrap();
        assert_eq!(digests, PlainDigests { content: vector.plain_sha256, file: None });
    }
}

/// Lays a vector out like a mounted tape and has the reference program open `name` on it.
fn unseal(folder: &std::path::Path, kit: &str, name: &str) -> (bool, Vec<u8>, String) {
    std::fs::write(folder.join("kit.txt"), kit).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/src/keys/unseal.py");
    let ran = std::process::Command::new("python3")
        .args([program, "kit.txt", ".", name])
        .current_dir(folder)
        .output()
        .unwrap();
    (ran.status.success(), ran.stdout, String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn the_reference_program_opens_the_vectors_with_the_kit_alone_and_names_every_fault() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join(".fossilsafe/keys");
    std::fs::create_dir_all(&keys).unwrap();
    let put = |bytes: &[u8]| std::fs::write(folder.path().join("a.sealed"), bytes).unwrap();
    let run = |kit: &str| unseal(folder.path(), kit, "a.sealed");
    let mut last = Vec::new();
    for (vector, (number, part, length)) in vectors.iter().zip(VECTORS) {
        last = vector_bytes(number, SealedForm { inner: Inner::AsIs, part }, length).1;
        put(&last);
        std::fs::write(keys.join(format!("{}.json", vector.key_id)), vector.key_file.to_json())
            .unwrap();
        let (is_done, plain, said) = run(&vector.kit);
        assert!(is_done && said.is_empty(), "{}: {said}", vector.about);
        assert_eq!(plain, content(length), "{}", vector.about);
    }
    let kit = &vectors[0].kit;
    let refused = |kit: &str, bytes: &[u8]| {
        put(bytes);
        let (is_done, _, said) = run(kit);
        assert!(!is_done);
        said
    };
    assert!(refused(&Kit::generate().text(), &last).contains("wrong kit"));
    assert!(refused(&kit.replace('E', "F"), &last).contains("mistyped"));
    let flip = |at: usize| {
        let mut damaged = last.clone();
        damaged[at] ^= 1;
        damaged
    };
    assert!(refused(kit, &flip(30)).contains("damaged header"));
    assert!(refused(kit, &flip(70)).contains("damaged header"));
    assert!(refused(kit, &flip(80 + SEALED_BYTES)).contains("segment 1 is damaged"));
    assert!(refused(kit, &last[..80 + 2 * SEALED_BYTES]).contains("last segment is missing"));
    assert!(refused(kit, &last[..80]).contains("last segment is missing"));
}
