//! Which recovery kits there are, and which of them a person has shown to hold.
//!
//! A kit counts once groups of it were typed back from the paper: a kit that was made and never printed
//! is how data gets lost for good.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::fs::RenameFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::{failed, write_private};
use super::kit::{GROUPS, Kit, KitPublic};
use super::{KeyId, KeysError};
use crate::domain::{Barcode, Timestamp};

/// Groups that are typed back: 60 bits of a kit that nobody guesses.
const ASKED_GROUPS: usize = 3;

/// The kits, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kits {
    kits: Vec<KitRecord>,
}

/// One kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitRecord {
    /// Its name.
    pub kit_id: KeyId,
    public: String,
    /// When it was made.
    pub made: Timestamp,
    /// When part of it was typed back.
    pub confirmed: Option<Timestamp>,
    /// When all of it was last shown to open every data key.
    pub drilled: Option<Timestamp>,
    /// When it last opened a file of a tape by itself, and of which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<TapeProof>,
    /// Its secret, sealed, until it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Evidence that a kit opens what is on a tape, with the tape and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TapeProof {
    /// When.
    pub at: Timestamp,
    /// The cartridge.
    pub barcode: Barcode,
}

impl Kits {
    pub(super) fn load(path: &Path) -> Result<Self, KeysError> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| KeysError::Corrupt {
                path: path.to_owned(),
                reason: "it is no list of kits",
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), KeysError> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| failed("write", path)(io::Error::other(error)))?;
        let _ = write_private(path, &text, RenameFlags::empty())?;
        Ok(())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[KitRecord] {
        &self.kits
    }

    /// The public halves that data keys are wrapped for.
    #[must_use]
    pub fn confirmed(&self) -> Vec<KitPublic> {
        let confirmed = self.kits.iter().filter(|kit| kit.confirmed.is_some());
        confirmed.filter_map(KitRecord::public).collect()
    }

    /// The sealed secret of the kit that waits for its confirmation.
    pub(super) fn unconfirmed(&self) -> Option<&str> {
        self.kits.iter().rev().find_map(|kit| kit.secret.as_deref())
    }

    /// Adds a kit that is to be confirmed, in place of one that never was.
    pub(super) fn add(
        &mut self,
        kit: &Kit,
        sealed: Option<String>,
        made: Timestamp,
    ) -> Result<(), KeysError> {
        self.kits.retain(|kit| kit.confirmed.is_some());
        let public = kit.public();
        self.kits.push(KitRecord {
            kit_id: public.id(),
            public: BASE64.encode(public.0),
            made,
            confirmed: None,
            drilled: None,
            proven: None,
            secret: Some(sealed.ok_or(KeysError::NoKit)?),
        });
        Ok(())
    }

    /// Takes groups that were typed back from the paper.
    pub(super) fn confirm(
        &mut self,
        kit: &Kit,
        typed: &[String],
        now: Timestamp,
    ) -> Result<KeyId, KeysError> {
        let id = kit.public().id();
        let text = kit.text();
        let groups: Vec<&str> = text.split('-').collect();
        let asked = asked_groups(id);
        let is_right = typed.len() == asked.len()
            && asked.iter().zip(typed).all(|(number, typed)| {
                groups.get(number - 1).is_some_and(|group| group.eq_ignore_ascii_case(typed.trim()))
            });
        let waiting = self.kits.iter_mut().find(|kit| kit.kit_id == id && kit.secret.is_some());
        let waiting = waiting.ok_or(KeysError::NoKit)?;
        if !is_right {
            return Err(KeysError::KitNotConfirmed { kit: id, asked: asked.to_vec() });
        }
        (waiting.confirmed, waiting.secret) = (Some(now), None);
        Ok(id)
    }

    /// Notes that all of a kit was typed and opens everything.
    pub(super) fn note_drill(&mut self, id: KeyId, now: Timestamp) {
        if let Some(kit) = self.kits.iter_mut().find(|kit| kit.kit_id == id) {
            kit.drilled = Some(now);
        }
    }

    /// Notes that a kit has opened a file of a tape.
    pub(super) fn note_tape_drill(&mut self, id: KeyId, proof: TapeProof) {
        if let Some(kit) = self.kits.iter_mut().find(|kit| kit.kit_id == id) {
            kit.proven = Some(proof);
        }
    }

    /// Takes a kit that was lost off the list: no data key is wrapped for it any more. What is on tapes
    /// stays open to it.
    pub(super) fn retire(&mut self, id: KeyId) -> Result<(), KeysError> {
        let is_this = |kit: &KitRecord| kit.kit_id == id;
        let others = self.kits.iter().filter(|kit| !is_this(kit) && kit.confirmed.is_some());
        if !self.kits.iter().any(is_this) || others.count() == 0 {
            return Err(KeysError::LastKit(id));
        }
        self.kits.retain(|kit| !is_this(kit));
        Ok(())
    }
}

impl KitRecord {
    /// Its public half; nothing if the list was changed by hand.
    #[must_use]
    pub fn public(&self) -> Option<KitPublic> {
        let bytes = BASE64.decode(&self.public).ok()?.try_into().ok()?;
        Some(KitPublic(bytes)).filter(|public| public.id() == self.kit_id)
    }
}

/// The groups of a kit that are to be typed back, counted from 1: from its name, so that asking twice
/// asks for the same.
#[must_use]
pub fn asked_groups(kit: KeyId) -> [usize; ASKED_GROUPS] {
    let third = GROUPS / ASKED_GROUPS;
    let mut asked = [0; ASKED_GROUPS];
    for (at, (number, byte)) in asked.iter_mut().zip(kit.0).enumerate() {
        *number = at * third + usize::from(byte) % third + 1;
    }
    asked
}
