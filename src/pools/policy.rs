//! What a pool is: a name for sets that are kept under one policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::retention::Retention;
use crate::domain::{PoolName, Timestamp};

/// How the files of a pool are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// As they are.
    #[default]
    None,
    /// Sealed with the pool's data key before they reach a drive: any drive and any LTFS software reads the
    /// tape, and the kit opens the files.
    Sealed,
    /// Encrypted by the drive, with a key made from the pool's data key: only a drive that has been given it
    /// reads the files.
    Drive,
}

/// Where the data keys of a pool are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// On this machine.
    #[default]
    Appliance,
    /// By the key server: without its answer nothing of the pool is written or read.
    Vault,
}

impl KeyPlace {
    /// True for what older releases knew.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::Appliance
    }
}

/// A pool, as it is kept. `K` names a data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool<K> {
    /// Its name.
    pub name: PoolName,
    /// Its policy. It never changes: what is on its tapes could not follow.
    pub encryption: Encryption,
    /// Where its keys are kept.
    #[serde(default, skip_serializing_if = "KeyPlace::is_usual")]
    pub key_place: KeyPlace,
    /// The key that runs are sealed with from now on; older ones stay for what they sealed.
    pub key: Option<K>,
    /// When it was made.
    pub created: Timestamp,
    /// How long the runs of its sets are kept; for ever without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// Why a set cannot be backed up to a pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolRefusal {
    /// Nobody made it.
    #[error("there is no pool {0}")]
    Unknown(PoolName),
    /// The set is in another pool, or in none, and has runs there.
    #[error("the set belongs to {} and cannot move to pool {asked}", shown(known.as_ref()))]
    OtherPool {
        /// Where it is.
        known: Option<PoolName>,
        /// Where it was to go.
        asked: PoolName,
    },
    /// There is one of that name already.
    #[error("there is a pool {0} already")]
    Exists(PoolName),
    /// It has no key to be changed.
    #[error("pool {0} is not encrypted")]
    NotEncrypted(PoolName),
    /// No recovery kit has been confirmed.
    #[error("pool {0} is encrypted, and no recovery kit has been confirmed")]
    NoKit(PoolName),
    /// A run was sealed, and no kit opens its key any more.
    #[error("no recovery kit is confirmed that would open data key {0}")]
    NoKitFor(String),
    /// It would keep nothing, or for longer than anybody can mean.
    #[error("{} days and {} runs are no retention", .0.days, .0.runs_min)]
    Retention(Retention),
    /// Its data key is lost.
    #[error("the data key of pool {0} is not here")]
    NoKey(PoolName),
}

fn shown(pool: Option<&PoolName>) -> String {
    pool.map_or_else(|| "no pool".to_owned(), |pool| format!("pool {pool}"))
}

/// The pool that a set is written to: the one that it has. A new set takes the one that is asked for; one
/// with runs never changes it, or plain and sealed copies of it would lie side by side.
///
/// # Errors
/// When another one is asked for.
pub fn choose_pool(
    known: Option<&PoolName>,
    asked: Option<&PoolName>,
    has_runs: bool,
) -> Result<Option<PoolName>, PoolRefusal> {
    match (known, asked) {
        (known, None) => Ok(known.cloned()),
        (known, Some(asked)) if known == Some(asked) || !has_runs => Ok(Some(asked.clone())),
        (known, Some(asked)) => {
            Err(PoolRefusal::OtherPool { known: known.cloned(), asked: asked.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_with_runs_stays_in_its_pool_and_a_new_one_takes_what_is_asked() {
        let [a, b]: [PoolName; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        assert_eq!(choose_pool(None, Some(&a), false), Ok(Some(a.clone())));
        assert_eq!(choose_pool(None, None, false), Ok(None));
        assert_eq!(choose_pool(Some(&a), None, true), Ok(Some(a.clone())));
        assert_eq!(choose_pool(Some(&a), Some(&a), true), Ok(Some(a.clone())));
        let refused = choose_pool(Some(&a), Some(&b), true).unwrap_err();
        assert_eq!(refused.to_string(), "the set belongs to pool a and cannot move to pool b");
        let refused = choose_pool(None, Some(&b), true).unwrap_err();
        assert_eq!(refused.to_string(), "the set belongs to no pool and cannot move to pool b");
    }
}
