//! The key server outside of this machine: what the API asks of it, and what is done by itself. Its token is renewed
//! while it can be, and jobs that wait for a key go on when it is given again.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::keys::refused;
use crate::api::engine::{EngineError, KeyServer};
use crate::api::types::{KmsProof, KmsRewrapped, KmsState, KmsToken};
use crate::keys::{VaultLogin, VaultSettings};

/// A server that answers again is noticed within this.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Begins to look.
pub(super) fn start(service: &Arc<Service>) -> std::io::Result<()> {
    let looking = Arc::clone(service);
    service.key_server.start("key-server", LOOK_AGAIN, move || {
        looking.parts.keys.ring().look_after_token(looking.present());
        if let Err(error) = looking.runner.resume_with_keys() {
            tracing::error!(%error, "jobs that wait for the key server could not be looked at");
        }
        LOOK_AGAIN
    })
}

impl KeyServer for Service {
    fn kms(&self) -> Result<KmsState, EngineError> {
        let ring = self.parts.keys.ring();
        let keys = ring.keys().into_iter().map(|record| record.key_id);
        let keys = keys.filter(|key| ring.is_away(*key)).collect();
        let now = self.present();
        let server = ring.vault_settings();
        let by_token =
            server.as_ref().is_some_and(|shown| shown.settings.login == VaultLogin::Token);
        let token = ring.token_life().filter(|_| by_token).map(|life| KmsToken {
            warning: life.warning(now),
            ends: life.ends,
            is_renewable: life.is_renewable,
        });
        Ok(KmsState { server, keys, token })
    }

    fn set_kms(&self, settings: VaultSettings) -> Result<KmsState, EngineError> {
        self.parts.keys.ring().set_vault(settings).map_err(refused)?;
        self.key_server.wake();
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
