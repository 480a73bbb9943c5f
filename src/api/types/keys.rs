//! Pools, the data keys of encrypted ones, and the recovery kits that open them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Barcode, CopyLetter, PoolName, RunId, SetName, Timestamp};
use crate::keys::{KeyId, TapeProof};
use crate::pools::{Encryption, KeyPlace, Retention};

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolView {
    /// Its name.
    pub name: PoolName,
    /// Its policy.
    pub encryption: Encryption,
    /// Where its data keys are kept.
    #[serde(default)]
    pub key_place: KeyPlace,
    /// The data key of runs that begin now.
    pub key_id: Option<KeyId>,
    /// When it was made.
    pub created: Timestamp,
    /// Why no set can be backed up to it, if that is so.
    pub blocked: Option<String>,
    /// The same for programs: `kit_not_confirmed` or `key_missing`.
    #[serde(default)]
    pub blocked_code: Option<String>,
    /// How long the runs of its sets are kept; for ever without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// How long runs are to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRequest {
    /// For so long; for ever without this.
    #[serde(default)]
    pub retention: Option<Retention>,
}

/// What nobody needs any more, by the retention of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiredView {
    /// Runs that are past it and that no kept run refers to.
    pub runs: Vec<ExpiredRun>,
    /// Cartridges that hold such runs only. Nobody erases them but a person who types the barcode.
    pub cartridges: Vec<ReusableCartridge>,
}

/// A run that is past its retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiredRun {
    /// The run.
    pub run: RunId,
    /// Its set.
    pub set: SetName,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// A cartridge that can be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReusableCartridge {
    /// Its barcode.
    pub barcode: Barcode,
    /// The set whose runs are on it.
    pub set: SetName,
    /// The copy of the set that it belongs to.
    pub copy: CopyLetter,
}

/// A pool to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatePoolRequest {
    /// Its name.
    pub name: PoolName,
    /// Its policy, for ever.
    #[serde(default)]
    pub encryption: Encryption,
    /// Where its data keys are kept, for ever.
    #[serde(default)]
    pub key_place: KeyPlace,
}

/// A recovery kit, but for its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KitView {
    /// Its name.
    pub kit_id: KeyId,
    /// When it was made.
    pub made: Timestamp,
    /// When part of it was typed back; it counts from then on.
    pub confirmed: Option<Timestamp>,
    /// When all of it was last typed, and opened every data key.
    pub drilled: Option<Timestamp>,
    /// When it last opened a file of a tape by itself, and of which cartridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<TapeProof>,
    /// The groups that are to be typed back, counted from 1, while it is not confirmed.
    pub asked_groups: Vec<usize>,
}

/// The kits, and what they are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KitsView {
    /// The kits, oldest first.
    pub kits: Vec<KitView>,
    /// Data keys that are here.
    pub keys: Vec<KeyId>,
    /// Data keys that were found on tapes and wait for their kit.
    pub keys_waiting: Vec<KeyId>,
}

/// A kit to be printed: the one answer that holds its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrintedKit {
    /// Its name.
    pub kit_id: KeyId,
    /// For terminals.
    pub text: String,
    /// One HTML file.
    pub html: String,
    /// The groups that are to be typed back.
    pub asked_groups: Vec<usize>,
}

impl std::fmt::Debug for PrintedKit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrintedKit({})", self.kit_id)
    }
}

/// Groups of a kit that were typed back from the paper.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmKitRequest {
    /// In the order in which they were asked for.
    pub groups: Vec<String>,
}

impl std::fmt::Debug for ConfirmKitRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConfirmKitRequest({} groups)", self.groups.len())
    }
}

/// A whole kit, typed from the paper.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KitRequest {
    /// Its groups.
    pub kit: String,
}

impl std::fmt::Debug for KitRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KitRequest")
    }
}

/// A whole kit, typed from the paper, that is to open a file of a tape.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TapeDrillRequest {
    /// Its groups.
    pub kit: String,
    /// The cartridge; the one that was written last, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cartridge: Option<Barcode>,
}

impl std::fmt::Debug for TapeDrillRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TapeDrillRequest({:?})", self.cartridge)
    }
}

/// What a kit has opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedKeys {
    /// The kit.
    pub kit_id: KeyId,
    /// The data keys.
    pub keys: Vec<KeyId>,
}
