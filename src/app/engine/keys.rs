//! Pools, and the recovery kits of encrypted ones.

use super::{Service, answers};
use crate::api::engine::{Engine as _, EngineError, EngineErrorKind as Kind};
use crate::api::types::{
    CreatePoolRequest, JobView, KitView, KitsView, OpenedKeys, PoolView, PrintedKit,
};
use crate::domain::{Barcode, PoolName};
use crate::jobs::spec::KitDrillSpec;
use crate::jobs::{JobError, JobSpec, pool};
use crate::keys::{KeyId, Kit, KitPaper, KitRecord, asked_groups, kit_html, kit_text};
use crate::pools::{Encryption, Pool, PoolRefusal, Retention};

impl Service {
    pub(super) fn pool_views(&self) -> Result<Vec<PoolView>, EngineError> {
        let pools = pool::pools(&self.parts.catalog).map_err(answers::catalog)?;
        Ok(pools.into_iter().map(|pool| self.pool_view(pool)).collect())
    }

    fn pool_view(&self, pool: Pool<KeyId>) -> PoolView {
        let ring = self.parts.keys.ring();
        let has_key = pool.key.is_some_and(|key| ring.is_known(key));
        let refusal = match pool.encryption {
            Encryption::None => None,
            _ if !has_key => Some(PoolRefusal::NoKey(pool.name.clone())),
            Encryption::Sealed | Encryption::Drive => {
                let has_kit = !ring.kits().confirmed().is_empty();
                (!has_kit).then(|| PoolRefusal::NoKit(pool.name.clone()))
            }
        };
        let failure = refusal.map(|refusal| JobError::from(refusal).failure());
        let blocked = failure.as_ref().map(|failure| format!("{}.", failure.message));
        let blocked_code = failure.map(|failure| failure.code);
        let Pool { name, encryption, key_place, key: key_id, created, retention } = pool;
        PoolView { name, encryption, key_place, key_id, created, blocked, blocked_code, retention }
    }

    pub(super) fn make_pool(&self, request: &CreatePoolRequest) -> Result<PoolView, EngineError> {
        let made = {
            let CreatePoolRequest { name, encryption, key_place } = request.clone();
            pool::create(&self.parts, name, encryption, key_place)
        };
        Ok(self.pool_view(made.map_err(answers::job)?))
    }

    pub(super) fn new_key(&self, name: &PoolName) -> Result<PoolView, EngineError> {
        let rotated = pool::rotate(&self.parts, name).map_err(answers::job)?;
        Ok(self.pool_view(rotated))
    }

    pub(super) fn kept_for(
        &self,
        name: &PoolName,
        retention: Option<Retention>,
    ) -> Result<PoolView, EngineError> {
        let changed = pool::set_retention(&self.parts.catalog, name, retention);
        Ok(self.pool_view(changed.map_err(answers::job)?))
    }

    pub(super) fn kit_views(&self) -> KitsView {
        let ring = self.parts.keys.ring();
        let view = |kit: &KitRecord| KitView {
            kit_id: kit.kit_id,
            made: kit.made,
            confirmed: kit.confirmed,
            drilled: kit.drilled,
            proven: kit.proven.clone(),
            asked_groups: match kit.confirmed {
                None => asked_groups(kit.kit_id).to_vec(),
                Some(_) => Vec::new(),
            },
        };
        KitsView {
            kits: ring.kits().all().iter().map(view).collect(),
            keys: ring.keys().into_iter().map(|record| record.key_id).collect(),
            keys_waiting: ring.waiting().into_iter().map(|file| file.key_id).collect(),
        }
    }

    pub(super) fn kit_to_print(&self) -> Result<PrintedKit, EngineError> {
        let parts = &self.parts;
        let printed = parts.clock.now();
        let kit = parts.keys.ring().kit_to_print(printed).map_err(refused)?;
        let signing_key = parts.keys.key_id();
        let paper = KitPaper { host: &parts.host, signing_key, printed };
        let kit_id = kit.public().id();
        Ok(PrintedKit {
            kit_id,
            text: kit_text(&kit, &paper).to_string(),
            html: kit_html(&kit, &paper).to_string(),
            asked_groups: asked_groups(kit_id).to_vec(),
        })
    }

    pub(super) fn take_groups(&self, groups: &[String]) -> Result<KitsView, EngineError> {
        let ring = self.parts.keys.ring();
        ring.confirm_kit(groups, self.parts.clock.now()).map_err(refused)?;
        Ok(self.kit_views())
    }

    pub(super) fn drilled(&self, typed: &str) -> Result<OpenedKeys, EngineError> {
        let kit = kit_of(typed)?;
        let keys = self.parts.keys.ring().drill(&kit, self.parts.clock.now());
        Ok(OpenedKeys { kit_id: kit.public().id(), keys: keys.map_err(refused)? })
    }

    /// Starts a drill on a tape. The kit stays in memory until the job has it.
    pub(super) fn drilled_on_tape(
        &self,
        typed: &str,
        cartridge: Option<Barcode>,
    ) -> Result<JobView, EngineError> {
        let ring = self.parts.keys.ring();
        let kit = ring.hold_for_drill(kit_of(typed)?).map_err(refused)?;
        let started = self.start(JobSpec::KitDrill(KitDrillSpec { kit, cartridge }));
        started.inspect_err(|_| drop(ring.take_for_drill(kit)))
    }

    /// Refuses a drill for which nobody has typed the kit: a schedule cannot.
    pub(super) fn can_drill(&self, kit: KeyId) -> Result<(), EngineError> {
        match self.parts.keys.ring().has_for_drill(kit) {
            true => Ok(()),
            false => Err(refused(crate::keys::KeysError::KitForgotten(kit))),
        }
    }

    pub(super) fn opened(&self, typed: &str) -> Result<OpenedKeys, EngineError> {
        let kit = kit_of(typed)?;
        let kit_id = kit.public().id();
        let ring = self.parts.keys.ring();
        let waiting = ring.waiting().len();
        let keys = ring.open_waiting(&kit).map_err(refused)?;
        if keys.is_empty() {
            return Err(EngineError::new(
                Kind::Conflict,
                "nothing_opened",
                format!("Kit {kit_id} opens none of the {waiting} data keys that wait for one."),
                "Read the keys from a tape first (`fossilsafe catalog rebuild`), or take the other kit.",
            ));
        }
        Ok(OpenedKeys { kit_id, keys })
    }

    pub(super) fn without_kit(&self, kit: KeyId) -> Result<KitsView, EngineError> {
        self.parts.keys.ring().retire_kit(kit).map_err(refused)?;
        Ok(self.kit_views())
    }
}

fn kit_of(typed: &str) -> Result<Kit, EngineError> {
    typed.parse().map_err(|error: crate::keys::KitTextError| {
        let message = format!("This is no recovery kit: {error}.");
        EngineError::new(Kind::Invalid, "bad_kit", message, "Compare it with the paper.")
    })
}

/// A refusal for what the keys say.
pub(super) fn refused(error: crate::keys::KeysError) -> EngineError {
    use crate::keys::KeysErrorKind as Keys;
    let kind = match error.kind() {
        Keys::Invalid => Kind::Invalid,
        Keys::Corrupt => Kind::Corrupt,
        Keys::OperatorNeeded | Keys::Away => Kind::Conflict,
        Keys::Io => Kind::Unavailable,
    };
    if let Some(vault) = error.vault() {
        let message = format!("{}.", capital(&error.to_string()));
        return EngineError::new(kind, vault.code(), message, vault.next_step());
    }
    let next_step = "See `fossilsafe kit list` for the kits there are and what they wait for.";
    EngineError::new(kind, "keys", format!("{}.", capital(&error.to_string())), next_step)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}
