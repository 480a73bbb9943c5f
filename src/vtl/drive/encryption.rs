//! SECURITY PROTOCOL IN and OUT, tape data encryption: keys, and blocks really encrypted by them.
//!
//! ```text
//! stored block:  key check (8) | nonce (12) | U-KAD length | A-KAD length | U-KAD | A-KAD
//!                | ciphertext | tag (16)
//! ```
//!
//! AES-256-GCM, the A-KAD authenticated with the block. The key check lets a drive tell a wrong key
//! from a damaged block; it is a hash of the key. Keys are in memory only: a reset and, if the host
//! asks so, an unload forgets them.

use std::collections::BTreeMap;

use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce, Tag};
use rand::RngCore;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{DriveUnit, Request};
use crate::scsi::Sense;
use crate::vtl::bytes::{be16, be32, byte, size};
use crate::vtl::log::InitiatorId;
use crate::vtl::pages::security::{self, EncryptionView, NextBlock, NextContent};
use crate::vtl::senses::{self, Attention};
use crate::vtl::store::{Object, ObjectKind};
use crate::vtl::unit::{Answer, done, parameters, send};

const CHECK_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Key check, nonce and the two lengths.
const HEADER_BYTES: usize = CHECK_BYTES + NONCE_BYTES + 2;
/// Largest key-associated data: U-KAD 32 and A-KAD 60, as LTO drives have it.
const UKAD_BYTES_MAX: usize = 32;
const AKAD_BYTES_MAX: usize = 60;

/// The keys of a drive.
#[derive(Debug, Default)]
pub(super) struct Encryption {
    for_all: Option<Parameters>,
    by_initiator: BTreeMap<InitiatorId, Parameters>,
    key_instance: u32,
}

/// What one SET DATA ENCRYPTION said.
struct Parameters {
    scope: u8,
    encrypts: bool,
    decryption: Decryption,
    key: Zeroizing<[u8; KEY_BYTES]>,
    ukad: Vec<u8>,
    akad: Vec<u8>,
    clears_on_demount: bool,
}

impl std::fmt::Debug for Parameters {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters")
            .field("scope", &self.scope)
            .field("encrypts", &self.encrypts)
            .field("decryption", &self.decryption)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decryption {
    Disabled,
    /// Encrypted blocks only.
    Decrypt,
    /// Encrypted and plain blocks.
    Mixed,
}

/// Scopes of SET DATA ENCRYPTION.
const SCOPE_PUBLIC: u8 = 0;
const SCOPE_LOCAL: u8 = 1;
const SCOPE_ALL: u8 = 2;

impl Encryption {
    fn of(&self, initiator: InitiatorId) -> Option<&Parameters> {
        self.by_initiator.get(&initiator).or(self.for_all.as_ref())
    }

    /// Bytes that a block grows by.
    pub(super) fn overhead(&self, initiator: InitiatorId) -> usize {
        self.of(initiator).filter(|p| p.encrypts).map_or(0, |parameters| {
            HEADER_BYTES + parameters.ukad.len() + parameters.akad.len() + TAG_BYTES
        })
    }

    /// The stored form of a block; `None` if it is to be written as it is.
    pub(super) fn encrypt(&self, initiator: InitiatorId, block: &[u8]) -> Option<Vec<u8>> {
        let parameters = self.of(initiator).filter(|p| p.encrypts)?;
        let mut nonce = [0; NONCE_BYTES];
        rand::thread_rng().fill_bytes(&mut nonce);
        let mut stored = Vec::with_capacity(block.len() + self.overhead(initiator));
        stored.extend_from_slice(&key_check(&parameters.key));
        stored.extend_from_slice(&nonce);
        stored.push(u8::try_from(parameters.ukad.len()).unwrap_or_default());
        stored.push(u8::try_from(parameters.akad.len()).unwrap_or_default());
        stored.extend_from_slice(&parameters.ukad);
        stored.extend_from_slice(&parameters.akad);
        let body = stored.len();
        stored.extend_from_slice(block);
        let tag = cipher(&parameters.key)
            .encrypt_in_place_detached(
                Nonce::from_slice(&nonce),
                &parameters.akad,
                &mut stored[body..],
            )
            .ok()?;
        stored.extend_from_slice(&tag);
        Some(stored)
    }

    /// The plain form of a stored block.
    pub(super) fn decrypt(
        &self,
        initiator: InitiatorId,
        mut stored: Vec<u8>,
    ) -> Result<Vec<u8>, Sense> {
        let parameters = self.of(initiator).filter(|p| p.decryption != Decryption::Disabled);
        let parameters = parameters.ok_or_else(senses::unable_to_decrypt)?;
        let ukad = usize::from(byte(&stored, CHECK_BYTES + NONCE_BYTES));
        let akad = usize::from(byte(&stored, CHECK_BYTES + NONCE_BYTES + 1));
        let body = HEADER_BYTES + ukad + akad;
        if stored.len() < body + TAG_BYTES {
            return Err(senses::integrity_failed());
        }
        if stored[..CHECK_BYTES] != key_check(&parameters.key) {
            return Err(senses::incorrect_key());
        }
        let tag = Tag::clone_from_slice(&stored[stored.len() - TAG_BYTES..]);
        stored.truncate(stored.len() - TAG_BYTES);
        let (header, block) = stored.split_at_mut(body);
        let nonce = Nonce::from_slice(&header[CHECK_BYTES..CHECK_BYTES + NONCE_BYTES]);
        cipher(&parameters.key)
            .decrypt_in_place_detached(nonce, &header[HEADER_BYTES + ukad..], block, &tag)
            .map_err(|_| senses::integrity_failed())?;
        stored.drain(..body);
        Ok(stored)
    }

    /// What can be said of a stored block without opening it.
    fn describe(&self, initiator: InitiatorId, stored: &[u8]) -> NextContent {
        let key = self.of(initiator).filter(|p| p.decryption != Decryption::Disabled);
        let ukad = usize::from(byte(stored, CHECK_BYTES + NONCE_BYTES));
        let akad = usize::from(byte(stored, CHECK_BYTES + NONCE_BYTES + 1));
        let data = stored.get(HEADER_BYTES..HEADER_BYTES + ukad + akad).unwrap_or_default();
        let (ukad, akad) = data.split_at(ukad.min(data.len()));
        NextContent::Encrypted {
            has_key: key.is_some_and(|p| stored.starts_with(&key_check(&p.key))),
            ukad: ukad.to_vec(),
            akad: akad.to_vec(),
        }
    }

    /// True if plain blocks must not be read.
    pub(super) fn refuses_plain(&self, initiator: InitiatorId) -> bool {
        self.of(initiator).is_some_and(|p| p.decryption == Decryption::Decrypt)
    }

    /// The cartridge was unloaded: keys that were made for it alone are gone.
    pub(super) fn demount(&mut self) {
        self.for_all = self.for_all.take().filter(|p| !p.clears_on_demount);
        self.by_initiator.retain(|_, parameters| !parameters.clears_on_demount);
    }

    fn view(&self, initiator: InitiatorId) -> EncryptionView {
        let parameters = self.of(initiator);
        EncryptionView {
            local_scope: if self.by_initiator.contains_key(&initiator) { SCOPE_LOCAL } else { 0 },
            scope: parameters.map_or(SCOPE_PUBLIC, |p| p.scope),
            encrypts: parameters.is_some_and(|p| p.encrypts),
            decrypts: parameters.is_some_and(|p| p.decryption != Decryption::Disabled),
            decrypts_mixed: parameters.is_some_and(|p| p.decryption == Decryption::Mixed),
            key_instance: self.key_instance,
            ukad: parameters.map_or(vec![], |p| p.ukad.clone()),
            akad: parameters.map_or(vec![], |p| p.akad.clone()),
        }
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key))
}

fn key_check(key: &[u8; KEY_BYTES]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(b"virtual drive key check").chain_update(key);
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest.finalize()[..CHECK_BYTES]);
    check
}

impl DriveUnit {
    /// SECURITY PROTOCOL IN.
    pub(super) fn security_in(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let (protocol, page) = (byte(request.cdb, 1), be16(request.cdb, 2));
        let view = self.encryption.view(request.initiator);
        let next = self.next_block(request.initiator);
        let answer =
            security::answer(protocol, page, &view, &next).ok_or_else(senses::invalid_field)?;
        send(request.data, answer.as_bytes(), size(be32(request.cdb, 6)))
    }

    fn next_block(&mut self, initiator: InitiatorId) -> NextBlock {
        let (partition, number) = self.position;
        let store = self
            .seat
            .as_ref()
            .and_then(|seat| seat.cartridge.partitions.get(usize::from(partition)));
        let found = store.and_then(|store| Some((store, store.object(number)?)));
        let content = match found {
            Some((_, Object { kind: ObjectKind::Block | ObjectKind::DiscardedBlock, .. })) => {
                NextContent::Plain
            }
            Some((store, object)) if object.kind == ObjectKind::EncryptedBlock => {
                store.read_whole(object).map_or(NextContent::NotABlock, |stored| {
                    self.encryption.describe(initiator, &stored)
                })
            }
            _ => NextContent::NotABlock,
        };
        NextBlock { number, content }
    }

    /// SECURITY PROTOCOL OUT.
    pub(super) fn security_out(&mut self, request: &mut Request<'_, '_>) -> Answer {
        if byte(request.cdb, 1) != security::TAPE_DATA_ENCRYPTION
            || be16(request.cdb, 2) != security::SET_DATA_ENCRYPTION
        {
            return Err(senses::invalid_field().into());
        }
        let list = parameters(request.data, size(be32(request.cdb, 6)));
        let parameters = take_parameters(list)?;
        // Blocks that were accepted before were accepted under the key of then.
        if self.seat.is_some() {
            self.flush()?;
        }
        let keys = &mut self.encryption;
        keys.key_instance = keys.key_instance.wrapping_add(1);
        let is_off = !parameters.encrypts && parameters.decryption == Decryption::Disabled;
        match parameters.scope {
            SCOPE_ALL => {
                keys.by_initiator.remove(&request.initiator);
                keys.for_all = (!is_off).then_some(parameters);
                self.state.raise_for_others(request.initiator, Attention::EncryptionChanged);
            }
            SCOPE_LOCAL if !is_off => {
                keys.by_initiator.insert(request.initiator, parameters);
            }
            _ => drop(keys.by_initiator.remove(&request.initiator)),
        }
        done()
    }
}

/// SET DATA ENCRYPTION page.
fn take_parameters(list: &[u8]) -> Result<Parameters, Sense> {
    const HEADER: usize = 20;
    const CLEAR_ON_DEMOUNT: u8 = 1 << 2;
    if list.len() < HEADER || usize::from(be16(list, 2)) + 4 > list.len() {
        return Err(senses::parameter_list_length());
    }
    let encrypts = match list[6] {
        0 => false,
        2 => true,
        _ => return Err(senses::invalid_parameter()),
    };
    let decryption = match list[7] {
        0 => Decryption::Disabled,
        2 => Decryption::Decrypt,
        3 => Decryption::Mixed,
        _ => return Err(senses::invalid_parameter()),
    };
    let scope = list[4] >> 5;
    if scope > SCOPE_ALL || (list[8] != security::ALGORITHM_INDEX && encrypts) || list[9] != 0 {
        return Err(senses::invalid_parameter());
    }
    let key_bytes = usize::from(be16(list, 18));
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let has_key = encrypts || decryption != Decryption::Disabled;
    match list.get(HEADER..HEADER + key_bytes) {
        Some(bytes) if bytes.len() == KEY_BYTES => key.copy_from_slice(bytes),
        Some([]) if !has_key => {}
        _ => return Err(senses::invalid_parameter()),
    }
    let (mut ukad, mut akad) = (Vec::new(), Vec::new());
    let mut rest = &list[HEADER + key_bytes..];
    while rest.len() >= 4 {
        let end = 4 + usize::from(be16(rest, 2));
        let value = rest.get(4..end).ok_or_else(senses::parameter_list_length)?;
        match rest[0] {
            0 if value.len() <= UKAD_BYTES_MAX => ukad = value.to_vec(),
            1 if value.len() <= AKAD_BYTES_MAX => akad = value.to_vec(),
            _ => return Err(senses::invalid_parameter()),
        }
        rest = &rest[end..];
    }
    Ok(Parameters {
        scope,
        encrypts,
        decryption,
        key,
        ukad,
        akad,
        clears_on_demount: list[5] & CLEAR_ON_DEMOUNT != 0,
    })
}
