//! What opens sealed files: the files themselves, the wrapped keys beside them, and a typed kit.

use std::sync::Arc;

use fossilsafe::domain::Timestamp;
use fossilsafe::keys::sealed::{DataKey, Inner, KeySource, SealedForm, Sealer};
use fossilsafe::keys::{KeyFile, KeyId, Kit};

use super::Seeds;

const NOW: Timestamp = Timestamp { seconds: 1_795_409_658, nanoseconds: 0 };
/// The same in every run, so that seeds fit.
const SECRET: [u8; 32] = [7; 32];

fn data_key() -> Arc<DataKey> {
    Arc::new(DataKey::from_secret(SECRET.into()))
}

/// Has one key under every name, so that damage of the name does not end the reading.
#[derive(Debug)]
struct AnyName(Arc<DataKey>);

impl KeySource for AnyName {
    fn data_key(&self, _: KeyId) -> Option<Arc<DataKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Sealed files, in pieces of three sizes: what is given out must be the same, and be the beginning of
/// what was sealed by somebody who had the key. Here nobody else has, so it is one of the seeds.
pub(crate) mod sealed_file {
    use fossilsafe::keys::sealed::Opener;

    use super::{AnyName, Arc, Inner, SealedForm, Sealer, Seeds, data_key};

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
    }

    fn open(bytes: &[u8], step: usize) -> (Vec<u8>, bool) {
        let mut plain = Vec::new();
        let mut opener = Opener::new(Arc::new(AnyName(data_key())));
        for piece in bytes.chunks(step) {
            if opener.push(piece, &mut |own| plain.extend_from_slice(own)).is_err() {
                return (plain, false);
            }
        }
        let is_whole = opener.finish(&mut |own| plain.extend_from_slice(own)).is_ok();
        (plain, is_whole)
    }

    pub(crate) fn run(bytes: &[u8]) {
        let first = open(bytes, 1 << 20);
        for step in [4096, 77] {
            assert_eq!(open(bytes, step), first, "the pieces decide");
        }
        assert_eq!(first.0, content(first.0.len()), "something was given out that nobody sealed");
    }

    pub(crate) fn seeds() -> Seeds {
        let sealed = |(length, part): (usize, u32)| {
            let mut out = Vec::new();
            let form = SealedForm { inner: Inner::AsIs, part };
            let mut sealer = Sealer::begin(&data_key(), form, &mut out);
            sealer.push(&content(length), &mut out);
            sealer.finish(&mut out);
            out
        };
        Ok([(0, 0), (1000, 2), (65_536, 0), (65_537, 1)].map(sealed).into())
    }
}

/// Key files from a tape, and what is typed for a kit.
pub(crate) mod key_file {
    use super::{KeyFile, Kit, NOW, Seeds, data_key};

    /// The kit of the seeds, as it is printed.
    fn kit() -> Result<Kit, Box<dyn std::error::Error>> {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../src/keys/sealed/vectors.json"))?;
        Ok(vectors[0]["kit"].as_str().unwrap_or_default().parse()?)
    }

    pub(crate) fn run(bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Ok(typed) = text.parse::<Kit>()
        {
            let again: Result<Kit, _> = typed.text().parse();
            assert!(again.is_ok_and(|again| again.public() == typed.public()), "{typed:?}");
        }
        let Ok(file) = KeyFile::parse(bytes) else { return };
        assert!(KeyFile::parse(&file.to_json()).is_ok_and(|again| again == file));
        if let Ok(key) = kit().map_err(drop).and_then(|kit| file.open(&kit).map_err(drop)) {
            assert_eq!(key.id(), file.key_id, "a key under another's name");
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let kit = kit()?;
        let file = KeyFile::wrap(&data_key(), "photos", NOW, &[kit.public()]);
        Ok(vec![file.to_json(), kit.text().as_bytes().to_vec()])
    }
}
