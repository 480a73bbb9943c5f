//! The pools that there are, and what a backup of a set has to keep to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Parts;
use super::error::JobError;
use super::spec::BackupSpec;
use crate::catalog::{Catalog, CatalogError, SetRecord};
use crate::domain::{PoolName, SetName};
use crate::keys::sealed::DataKey;
use crate::keys::{KeyId, KeysError, VaultError};
use crate::pools::{Encryption, KeyPlace, Pool, PoolRefusal, Retention, choose_pool};

#[cfg(test)]
mod tests;

/// Where the catalog keeps them.
const SETTING: &str = "pools";

/// All pools, by name.
///
/// # Errors
/// If the catalog fails.
pub fn pools(catalog: &Catalog) -> Result<Vec<Pool<KeyId>>, CatalogError> {
    Ok(catalog.setting(SETTING)?.unwrap_or_default())
}

fn store(catalog: &Catalog, mut pools: Vec<Pool<KeyId>>) -> Result<(), CatalogError> {
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    catalog.set_setting(SETTING, &pools)
}

/// Makes a pool, with a data key if its files are to be sealed: the newest that is kept for that name in that
/// place, if there is one.
///
/// # Errors
/// [`PoolRefusal::Exists`], or if the key or the catalog cannot be written.
pub fn create(
    parts: &Parts,
    name: PoolName,
    encryption: Encryption,
    key_place: KeyPlace,
) -> Result<Pool<KeyId>, JobError> {
    let mut known = pools(&parts.catalog)?;
    if known.iter().any(|pool| pool.name == name) {
        return Err(PoolRefusal::Exists(name).into());
    }
    let created = parts.clock.now();
    let key = match encryption {
        Encryption::None => None,
        Encryption::Sealed | Encryption::Drive => Some(match newest_key(parts, &name, key_place) {
            Some(key) => key,
            None => make_key(parts, &name, key_place)?,
        }),
    };
    let pool = Pool { name, encryption, key_place, key, created, retention: None };
    known.push(pool.clone());
    store(&parts.catalog, known)?;
    Ok(pool)
}

/// The key that a pool of that name had, if the catalog forgot it.
fn newest_key(parts: &Parts, name: &PoolName, place: KeyPlace) -> Option<KeyId> {
    let ring = parts.keys.ring();
    let is_there = |key| ring.is_away(key) == (place == KeyPlace::Vault);
    let keys = ring.keys().into_iter().filter(|key| is_there(key.key_id));
    let newest = keys.filter(|key| key.pool == name.as_str()).max_by_key(|key| key.created);
    newest.map(|key| key.key_id)
}

fn make_key(parts: &Parts, name: &PoolName, place: KeyPlace) -> Result<KeyId, KeysError> {
    let (ring, now) = (parts.keys.ring(), parts.clock.now());
    match place {
        KeyPlace::Appliance => ring.make_key(name.as_str(), now),
        KeyPlace::Vault => ring.make_key_away(name.as_str(), now),
    }
}

/// Gives an encrypted pool a new data key for the runs that begin from now on.
///
/// # Errors
/// If there is no such pool, it is not encrypted, or the key or the catalog cannot be written.
pub fn rotate(parts: &Parts, name: &PoolName) -> Result<Pool<KeyId>, JobError> {
    let mut known = pools(&parts.catalog)?;
    let pool = known.iter_mut().find(|pool| pool.name == *name);
    let pool = pool.ok_or_else(|| PoolRefusal::Unknown(name.clone()))?;
    if pool.encryption == Encryption::None {
        return Err(PoolRefusal::NotEncrypted(name.clone()).into());
    }
    pool.key = Some(make_key(parts, name, pool.key_place)?);
    let rotated = pool.clone();
    store(&parts.catalog, known)?;
    Ok(rotated)
}

/// Says how long the runs of a pool's sets are kept; for ever without a retention.
///
/// # Errors
/// If there is no such pool, the retention makes no sense, or the catalog cannot be written.
pub fn set_retention(
    catalog: &Catalog,
    name: &PoolName,
    retention: Option<Retention>,
) -> Result<Pool<KeyId>, JobError> {
    if let Some(senseless) = retention.filter(|retention| !retention.is_sensible()) {
        return Err(PoolRefusal::Retention(senseless).into());
    }
    let mut known = pools(catalog)?;
    let pool = known.iter_mut().find(|pool| pool.name == *name);
    let pool = pool.ok_or_else(|| PoolRefusal::Unknown(name.clone()))?;
    pool.retention = retention;
    let changed = pool.clone();
    store(catalog, known)?;
    Ok(changed)
}

/// The pool of a set that the catalog knows; none if it is in none.
///
/// # Errors
/// If the set's specification is damaged.
pub fn pool_of(set: &SetRecord) -> Result<Option<PoolName>, JobError> {
    let known = set.spec.get("pool").cloned().map(serde_json::from_value).transpose();
    Ok(known.map_err(JobError::checkpoint)?.flatten())
}

/// What a run has to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunPolicy {
    /// The pool of its set.
    pub pool: Option<PoolName>,
    /// The data key that its files are sealed with.
    pub seal: Option<KeyId>,
    /// The data key from which the key is made that the drives encrypt with.
    pub drive_key: Option<KeyId>,
}

/// The pool of the set that is to be backed up, and how its files are encrypted.
///
/// # Errors
/// [`PoolRefusal`] if the set cannot be written under the policy of its pool: it then is not written.
pub fn policy_of(parts: &Parts, spec: &BackupSpec) -> Result<RunPolicy, JobError> {
    let known = match parts.catalog.set(&spec.set) {
        Ok(record) => pool_of(&record)?,
        Err(CatalogError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let has_runs = match parts.catalog.runs(&spec.set) {
        Ok(runs) => !runs.is_empty(),
        Err(CatalogError::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let Some(name) = choose_pool(known.as_ref(), spec.pool.as_ref(), has_runs)? else {
        return Ok(RunPolicy::default());
    };
    let pool = pools(&parts.catalog)?.into_iter().find(|pool| pool.name == name);
    let pool = pool.ok_or_else(|| PoolRefusal::Unknown(name.clone()))?;
    let plain = RunPolicy { pool: Some(name.clone()), ..RunPolicy::default() };
    if pool.encryption == Encryption::None {
        return Ok(plain);
    }
    let ring = parts.keys.ring();
    let key = pool.key.filter(|key| ring.is_known(*key));
    let key = key.ok_or_else(|| PoolRefusal::NoKey(name.clone()))?;
    ring.open_key(key)?;
    if ring.kits().confirmed().is_empty() {
        return Err(PoolRefusal::NoKit(name).into());
    }
    Ok(match pool.encryption {
        Encryption::Drive => RunPolicy { drive_key: Some(key), ..plain },
        Encryption::Sealed | Encryption::None => RunPolicy { seal: Some(key), ..plain },
    })
}

/// True if what is written of a set is encrypted, in whichever way.
///
/// # Errors
/// If the catalog fails or the set's specification is damaged.
pub(super) fn is_encrypted(catalog: &Catalog, set: &SetRecord) -> Result<bool, JobError> {
    let Some(name) = pool_of(set)? else { return Ok(false) };
    let pools = pools(catalog)?;
    Ok(pools.iter().any(|pool| pool.name == name && pool.encryption != Encryption::None))
}

/// True if drives are to encrypt what is written of a set.
///
/// # Errors
/// If the catalog fails or the set's specification is damaged.
pub(super) fn is_encrypted_by_drives(catalog: &Catalog, set: &SetRecord) -> Result<bool, JobError> {
    let Some(name) = pool_of(set)? else { return Ok(false) };
    let pools = pools(catalog)?;
    Ok(pools.iter().any(|pool| pool.name == name && pool.encryption == Encryption::Drive))
}

/// The data keys of the pools of these sets, in memory as long as what is returned is: a key server is asked for them
/// before a drive is taken. What was written by a drive names its key only on the tape, so that each is opened that
/// the pool ever had.
///
/// # Errors
/// The key server gives nothing. One key that it has no more is passed over: what needs that one will say so.
pub(super) fn hold_keys(
    parts: &Parts,
    sets: &BTreeSet<SetName>,
) -> Result<Vec<Arc<DataKey>>, JobError> {
    let mut pools = BTreeSet::new();
    for set in sets {
        pools.extend(pool_of(&parts.catalog.set(set)?)?.map(|pool| pool.to_string()));
    }
    let ring = parts.keys.ring();
    let mut held = Vec::new();
    for record in ring.keys() {
        if !pools.contains(&record.pool) || !ring.is_away(record.key_id) {
            continue;
        }
        match ring.open_key(record.key_id) {
            Ok(key) => held.push(key),
            Err(error) if error.vault().is_some_and(VaultError::is_about_one_key) => {
                tracing::warn!("{error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(held)
}

/// The key of a run.
///
/// # Errors
/// If it is not here: nothing is then written in its place.
pub(super) fn run_key(parts: &Parts, id: Option<KeyId>) -> Result<Option<Arc<DataKey>>, JobError> {
    Ok(id.map(|id| parts.keys.ring().open_key(id)).transpose()?)
}
