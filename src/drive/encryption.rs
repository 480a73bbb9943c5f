//! The drive's own encryption: AES-256-GCM with a key that we give it for the loaded cartridge.
//!
//! The key is forgotten by the drive when the cartridge leaves and at every reset, without a word
//! besides the unit attention. So [`Drive::encryption_status`] is asked after each load and before each
//! run, and a writer that expects encryption fails closed.

use super::{Drive, DriveError, Operation};
use crate::scsi::cdb::primary;
use crate::scsi::security::{self, Algorithm};

pub use crate::scsi::security::{BlockEncryption, EncryptionSettings, NextBlock};

/// Room for a page: the longest has two key-associated data descriptors.
const PAGE_BYTES: usize = 1024;

impl Drive {
    /// Gives the drive a key: from now on blocks are encrypted when written and decrypted when read;
    /// plain blocks can still be read. Does not change what is on the tape. The settings are read back
    /// and compared.
    ///
    /// `key_name` is written with each block, in clear, so that a reader knows which key it needs.
    ///
    /// # Errors
    /// [`DriveError::Unsupported`] if the drive cannot encrypt, the name is too long, or the library
    /// controls encryption.
    pub fn set_encryption_key(
        &mut self,
        key: &[u8; 32],
        key_name: &[u8],
    ) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("set the encryption key");
        let algorithm = self.encryption_algorithm(OPERATION)?;
        let Some(page) = security::encode_set_key(algorithm, key, key_name) else {
            return Err(self.unsupported("a key name of that length"));
        };
        self.set_encryption(OPERATION, &page)?;
        let settings = self.encryption_status()?;
        if settings.is_controlled_elsewhere {
            return Err(self.unsupported("a key of ours while the library controls encryption"));
        }
        if !settings.encrypts || !settings.decrypts || settings.key_name != key_name {
            return Err(self.inconsistent(OPERATION, "the drive took the key and does not use it"));
        }
        Ok(())
    }

    /// Makes the drive forget its key: blocks are written plain, encrypted ones cannot be read.
    ///
    /// # Errors
    /// If the drive cannot encrypt at all or does not answer.
    pub fn clear_encryption_key(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("forget the encryption key");
        self.set_encryption(OPERATION, &security::encode_clear())?;
        let settings = self.encryption_status()?;
        if settings.encrypts || settings.decrypts {
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
