//! The key server outside of this machine.

use super::Service;
use super::keys::refused;
use crate::api::engine::{EngineError, KeyServer};
use crate::api::types::{KmsProof, KmsRewrapped, KmsState};
use crate::keys::VaultSettings;

impl KeyServer for Service {
    fn kms(&self) -> Result<KmsState, EngineError> {
        let ring = self.parts.keys.ring();
        let keys = ring.keys().into_iter().map(|record| record.key_id);
        let keys = keys.filter(|key| ring.is_away(*key)).collect();
        Ok(KmsState { server: ring.vault_settings(), keys })
    }

    fn set_kms(&self, settings: VaultSettings) -> Result<KmsState, EngineError> {
        self.parts.keys.ring().set_vault(settings).map_err(refused)?;
        self.kms()
    }

    fn remove_kms(&self) -> Result<(), EngineError> {
        self.parts.keys.ring().remove_vault().map_err(refused)
    }

    fn prove_kms(&self) -> Result<KmsProof, EngineError> {
        let opened = self.parts.keys.ring().prove_vault().map_err(refused)?;
        Ok(KmsProof { opened })
    }

    fn rewrap_kms(&self) -> Result<KmsRewrapped, EngineError> {
        let keys = self.parts.keys.ring().rewrap_away().map_err(refused)?;
        Ok(KmsRewrapped { keys })
    }
}
