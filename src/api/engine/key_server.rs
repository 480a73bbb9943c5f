//! What the API asks of the key server outside of this machine.

use super::EngineError;
use crate::api::types::{KmsProof, KmsRewrapped, KmsState};
use crate::keys::VaultSettings;

/// The part of [`Engine`](super::Engine) that is about the key server, under the same contract; but for `kms`,
/// everything asks it, which takes as long as it takes.
pub trait KeyServer {
    /// Which it is, without its secret, and what it keeps.
    fn kms(&self) -> Result<KmsState, EngineError>;

    /// Sets it.
    ///
    /// # Errors
    /// It does not give back what it is given, or a key that is kept outside; nothing is changed then.
    fn set_kms(&self, settings: VaultSettings) -> Result<KmsState, EngineError>;

    /// Takes it away.
    ///
    /// # Errors
    /// It keeps keys.
    fn remove_kms(&self) -> Result<(), EngineError>;

    /// Shows that it gives back what it is given and what it keeps.
    fn prove_kms(&self) -> Result<KmsProof, EngineError>;

    /// Puts what is kept here under the newest version of its key.
    fn rewrap_kms(&self) -> Result<KmsRewrapped, EngineError>;
}
