//! The key server of the engine in memory: there is none.

use super::{Memory, unknown};
use crate::api::engine::{EngineError, KeyServer};
use crate::api::types::{KmsProof, KmsRewrapped, KmsState};
use crate::keys::VaultSettings;

impl KeyServer for Memory {
    fn kms(&self) -> Result<KmsState, EngineError> {
        Ok(KmsState { server: None, keys: Vec::new(), token: None })
    }

    fn set_kms(&self, _: VaultSettings) -> Result<KmsState, EngineError> {
        unknown("There is no network.")
    }

    fn remove_kms(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn prove_kms(&self) -> Result<KmsProof, EngineError> {
        unknown("There is no key server.")
    }

    fn rewrap_kms(&self) -> Result<KmsRewrapped, EngineError> {
        unknown("There is no key server.")
    }
}
