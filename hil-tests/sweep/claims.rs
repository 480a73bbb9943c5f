//! What a catalog says is on the tapes, and whether it is.

use std::collections::BTreeMap;

use fossilsafe::catalog::{Catalog, EvidenceState, FileKind};
use fossilsafe::domain::{Sha256Digest, VolumeUuid};

use crate::host::Failed;
use crate::tape::Tapes;

/// Copies read from the catalog at once.
const COPIES_READ: usize = 1000;

/// One copy that the catalog calls flushed or better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The path of the file that was backed up.
    pub(crate) source: Vec<u8>,
    /// The hash of what is on the tape.
    pub(crate) sha256: Sha256Digest,
    pub(crate) state: EvidenceState,
}

/// Claims by volume and path on it.
pub(crate) type Claims = BTreeMap<(VolumeUuid, String), Claim>;

/// Everything that a catalog calls flushed or better and that has bytes.
pub(crate) fn claims(catalog: &Catalog) -> Result<Claims, Failed> {
    let mut claims = Claims::new();
    for volume in catalog.volumes()? {
        let uuid = volume.volume.uuid;
        for segment in catalog.segments_of_volume(uuid)? {
            let run = catalog.run(&segment.run)?.run;
            // A stranger's set has another name in the catalog than on its tapes.
            let spec = catalog.set(&run.set)?.spec;
            let original = spec.pointer("/foreign/set").and_then(serde_json::Value::as_str);
            let set = original.unwrap_or(run.set.as_str()).to_owned();
            let mut from = 0;
            loop {
                let copies = catalog.segment_copies(segment.id, from, COPIES_READ)?;
                let Some(last) = copies.last() else { break };
                from = last.copy.id.sequence() + 1;
                for located in copies {
                    let state = located.copy.evidence.state();
                    let is_empty =
                        located.version.kind != FileKind::File || located.version.size.0 == 0;
                    if state < EvidenceState::Flushed || is_empty {
                        continue;
                    }
                    let sha256 = match (&located.copy.codec, &located.copy.part) {
                        (Some(codec), _) => Some(codec.stored_sha256),
                        (None, Some(part)) => part.sha256,
                        (None, None) => located.version.sha256,
                    };
                    let sha256 = sha256.ok_or("a stored copy has no hash")?;
                    let below = match located.copy.stored_path {
                        Some(stored) => stored,
                        None => String::from_utf8(located.path.clone())?,
                    };
                    let path = format!("{set}/{}/{below}", run.run);
                    claims.insert((uuid, path), Claim { source: located.path, sha256, state });
                }
            }
        }
    }
    Ok(claims)
}

/// Claims that the tapes do not bear out, as sentences.
pub(crate) fn unproven(claims: &Claims, tapes: &Tapes) -> Vec<String> {
    let mut found = Vec::new();
    for ((volume, path), claim) in claims {
        let tape = tapes.values().find(|tape| tape.volume == Some(*volume));
        let what = match tape.map(|tape| tape.files.get(path)) {
            None => "its volume cannot be mounted".to_owned(),
            Some(None) => "the volume's index does not list it".to_owned(),
            Some(Some(Err(problem))) => problem.clone(),
            Some(Some(Ok(read))) if *read != claim.sha256 => {
                format!("its hash is {read}, not {}", claim.sha256)
            }
            Some(Some(Ok(_))) => continue,
        };
        found.push(format!("\"{path}\" is called {} but {what}", claim.state.as_str()));
    }
    found
}

/// Claims of `before` that `after` does not make any more.
pub(crate) fn forgotten(before: &Claims, after: &Claims) -> Vec<String> {
    let gone = before.iter().filter(|(key, claim)| {
        after.get(*key).is_none_or(|now| now.sha256 != claim.sha256 || now.state < claim.state)
    });
    gone.map(|((_, path), claim)| format!("\"{path}\" was {} and is not now", claim.state.as_str()))
        .collect()
}
