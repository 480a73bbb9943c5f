//! The appliance's data keys, as drives that encrypt by themselves take them.

use std::sync::Arc;

use crate::drive::{BlockKey, BlockKeys};
use crate::keys::sealed::{DataKey, KeySource};
use crate::keys::{DriveKey, data_key_of};

/// Finds the key that a block on a tape names among data keys.
#[derive(Debug)]
pub(crate) struct DataKeys(pub(crate) Arc<dyn KeySource>);

impl BlockKeys for DataKeys {
    fn block_key(&self, name: &str) -> Option<BlockKey> {
        let key = self.0.data_key(data_key_of(name)?)?;
        Some(block_key_of(&key))
    }
}

/// What a drive is given for a data key.
pub(crate) fn block_key_of(key: &DataKey) -> BlockKey {
    let DriveKey { name, secret } = key.drive_key();
    BlockKey { name, secret }
}
