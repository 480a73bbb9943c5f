//! The drive's own encryption: AES-256-GCM with keys that we give it for the loaded cartridge.
//!
//! The key is forgotten by the drive when the cartridge leaves and at every reset, without a word
//! besides the unit attention; and a drive may take a key and not use it. So what the drive says of its
//! state is read back whenever a key is set, before what was written with it counts, and when it is
//! cleared, and each time compared with what was ordered.
//!
//! ```text
//! a cartridge is loaded   ─▶ no key of anybody is in force          Drive::ensure_plain
//! content is to come      ─▶ key set, state read back               Drive::encrypt_with
//! an index, own files     ─▶ the same key still in force, cleared   Drive::end_encryption
//! a block does not open   ─▶ which key does it name? set, read once more
//! the cartridge leaves    ─▶ the drive clears it, state read back      Drive::unload
//! ```
//!
//! While it encrypts, a drive is never given another key to read with.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Drive, DriveError, LostBecause, Operation};
use crate::domain::Position;
use crate::scsi::cdb::primary;
use crate::scsi::security::{self, Algorithm, KeyUse};

pub use crate::scsi::security::{BlockEncryption, EncryptionSettings, NextBlock};

/// Bytes of a key: AES-256.
pub const BLOCK_KEY_BYTES: usize = 32;

/// A key for blocks. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct BlockKey {
    /// Written with each block, in clear, so that a reader knows which key it needs. Drives take 32 bytes.
    pub name: String,
    /// The key itself.
    pub secret: Zeroizing<[u8; BLOCK_KEY_BYTES]>,
}

impl fmt::Debug for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockKey({})", self.name)
    }
}

/// Where the keys are found of blocks that do not open.
pub trait BlockKeys: Send + Sync + fmt::Debug {
    /// The key of that name, if it is at hand.
    fn block_key(&self, name: &str) -> Option<BlockKey>;
}

/// What a drive was given for the loaded cartridge.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Where others are found.
    source: Option<Arc<dyn BlockKeys>>,
    /// The key that what is written now is encrypted with.
    writing: Option<InForce>,
    /// True once it was given any.
    is_given: bool,
}

/// A key in force, as the drive confirmed it.
#[derive(Debug)]
struct InForce {
    name: String,
    /// The drive's count of changes of key.
    instance: u32,
}

/// Room for a page: the longest has two key-associated data descriptors.
const PAGE_BYTES: usize = 1024;

impl Drive {
    /// From now on keys of blocks that do not open are looked for there, by the name that the block has.
    pub fn find_keys_in(&mut self, keys: Arc<dyn BlockKeys>) {
        self.keys.source = Some(keys);
    }

    /// True while what is written is encrypted.
    #[must_use]
    pub fn is_encrypting(&self) -> bool {
        self.keys.writing.is_some()
    }

    /// Has the drive encrypt what is written from now on and decrypt what is read; plain blocks can still
    /// be read. Does not change what is on the tape. The state is read back and compared.
    ///
    /// # Errors
    /// [`DriveError::Unsupported`] if the drive cannot encrypt or the name is too long,
    /// [`DriveError::NotEncrypting`] if it takes the key and says that it does something else.
    pub fn encrypt_with(&mut self, key: &BlockKey) -> Result<(), DriveError> {
        let state = self.give_key(key, KeyUse::Writing)?;
        let (name, instance) = (key.name.clone(), state.key_instance);
        self.keys.writing = Some(InForce { name, instance });
        Ok(())
    }

    /// Ends encryption: the key must still be the one in force, or what was written since it was set is not
    /// encrypted as it should be. Then the drive forgets it.
    ///
    /// # Errors
    /// [`DriveError::PositionLost`] if it was not in force any more; [`DriveError::Inconsistent`] if it cannot be
    /// cleared.
    pub fn end_encryption(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("count what it wrote as encrypted");
        let Some(InForce { name, instance }) = self.keys.writing.take() else { return Ok(()) };
        let state = self.encryption_status()?;
        let is_kept =
            state.encrypts && state.key_name == name.as_bytes() && state.key_instance == instance;
        if !is_kept {
            // As after a reset: the volume has to be looked at, and written on from what counts.
            let because = LostBecause::Contradiction(
                "it lost the encryption key without a word; what it wrote since may stand there in plain",
            );
            self.lose(because.clone());
            return Err(self.position_lost(OPERATION, because));
        }
        self.clear_encryption_key()
    }

    /// Makes sure that nothing is encrypted with a key that somebody left in the drive. True if the library
    /// or another host controls the drive's encryption and has switched it on: then what is written needs
    /// their key, and nothing here can change that.
    ///
    /// # Errors
    /// If the drive does not answer, or does not let go of the key.
    pub fn ensure_plain(&mut self) -> Result<bool, DriveError> {
        if !self.capabilities().may_encrypt() {
            return Ok(false);
        }
        let Some(state) = super::command::optional(self.encryption_status())? else {
            return Ok(false);
        };
        if state.is_controlled_elsewhere {
            return Ok(state.encrypts);
        }
        if state.encrypts || state.decrypts {
            self.clear_encryption_key()?;
        }
        Ok(false)
    }

    /// After the cartridge has left: a key that was given for it went with it, as was ordered with the key.
    pub(super) fn ensure_keys_gone(&mut self) -> Result<(), DriveError> {
        self.keys.writing = None;
        if std::mem::take(&mut self.keys.is_given) {
            self.ensure_plain()?;
        }
        Ok(())
    }

    /// After a block at `at` that did not open: gives the drive the key that the block names.
    ///
    /// # Errors
    /// [`DriveError::KeyMissing`] if it is not at hand; `refused` if no key would help.
    pub(super) fn fetch_key(
        &mut self,
        at: Position,
        refused: DriveError,
    ) -> Result<(), DriveError> {
        let Some(source) = self.keys.source.clone() else { return Err(refused) };
        if self.is_encrypting() {
            return Err(refused);
        }
        // Where a drive stands after such a block is not the same with all of them.
        self.locate(at)?;
        let next = self.next_block_encryption()?;
        if next.encryption != BlockEncryption::KeyNeeded {
            return Err(refused);
        }
        let name = String::from_utf8_lossy(&next.key_name).into_owned();
        let Some(key) = source.block_key(&name) else {
            let drive = self.identity.serial.clone();
            return Err(DriveError::KeyMissing { drive, at, key: name });
        };
        self.give_key(&key, KeyUse::Reading)?;
        Ok(())
    }

    fn give_key(
        &mut self,
        key: &BlockKey,
        used_for: KeyUse,
    ) -> Result<EncryptionSettings, DriveError> {
        const OPERATION: Operation = Operation::Named("set the encryption key");
        let algorithm = self.encryption_algorithm(OPERATION)?;
        let name = key.name.as_bytes();
        let Some(page) = security::encode_set_key(algorithm, &key.secret, name, used_for) else {
            return Err(self.unsupported("a key name of that length"));
        };
        self.keys.is_given = true;
        self.set_encryption(OPERATION, &page)?;
        let state = self.encryption_status()?;
        let encrypts = used_for == KeyUse::Writing;
        let is_as_ordered = !state.is_controlled_elsewhere
            && state.encrypts == encrypts
            && state.decrypts
            && state.key_name == name;
        if is_as_ordered { Ok(state) } else { Err(self.not_encrypting(&key.name, &state)) }
    }

    fn not_encrypting(&self, key: &str, state: &EncryptionSettings) -> DriveError {
        let drive = self.identity.serial.clone();
        DriveError::NotEncrypting { drive, key: key.to_owned(), said: state.to_string() }
    }

    /// Makes the drive forget its key: blocks are written plain, encrypted ones cannot be read.
    fn clear_encryption_key(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("forget the encryption key");
        self.set_encryption(OPERATION, &security::encode_clear())?;
        let state = self.encryption_status()?;
        if state.encrypts || state.decrypts {
            return Err(self.inconsistent(OPERATION, "the drive still uses a key"));
        }
        Ok(())
    }

    /// How the drive's encryption is set now.
    ///
    /// # Errors
    /// [`DriveError::Command`] with a refusal if the drive cannot encrypt.
    pub fn encryption_status(&mut self) -> Result<EncryptionSettings, DriveError> {
        let operation = Operation::Named("read its encryption settings");
        self.ask::<_, PAGE_BYTES>(
            operation,
            security_in(security::PAGE_STATUS),
            security::parse_settings,
        )
    }

    /// Whether the block at the position is encrypted, and with which key.
    ///
    /// # Errors
    /// [`DriveError::Command`] with a refusal if the drive cannot tell.
    pub fn next_block_encryption(&mut self) -> Result<NextBlock, DriveError> {
        let operation = Operation::Named("read whether the next block is encrypted");
        self.ask::<_, PAGE_BYTES>(
            operation,
            security_in(security::PAGE_NEXT_BLOCK),
            security::parse_next_block,
        )
    }

    fn encryption_algorithm(&mut self, operation: Operation) -> Result<Algorithm, DriveError> {
        let algorithm = self.ask::<_, PAGE_BYTES>(
            operation,
            security_in(security::PAGE_CAPABILITIES),
            security::parse_algorithm,
        );
        match super::command::optional(algorithm)?.flatten() {
            Some(algorithm) => Ok(algorithm),
            None => Err(self.unsupported("encryption by the drive")),
        }
    }

    fn set_encryption(&mut self, operation: Operation, page: &[u8]) -> Result<(), DriveError> {
        let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
        let protocol = security::PROTOCOL_TAPE_ENCRYPTION;
        let cdb = primary::security_protocol_out(protocol, security::PAGE_SET, length);
        self.tell(operation, cdb, page)
    }
}

fn security_in(page: u16) -> [u8; 12] {
    const ALLOCATION: u32 = 1024;
    primary::security_protocol_in(security::PROTOCOL_TAPE_ENCRYPTION, page, ALLOCATION)
}
