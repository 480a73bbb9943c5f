//! Settings: text or JSON by key, for parts that have a little to remember.
//!
//! Not for the operator's configuration, which is a file, and not for secrets.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Catalog;
use super::error::CatalogError;
use super::open::{read_setting, write_setting};

impl Catalog {
    /// The value under `key`, decoded from JSON.
    ///
    /// # Errors
    /// `Decode` if the stored value is no such value.
    pub fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CatalogError> {
        let text = self.read("read a setting", |reader| read_setting(reader, key))?;
        text.map(|text| decode_json("a setting", &text)).transpose()
    }

    /// Stores `value` as JSON under `key`.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn set_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<(), CatalogError> {
        let text = encode_json("a setting", value)?;
        self.write("store a setting", |transaction| write_setting(transaction, key, &text))
    }

    /// Forgets the value under `key`.
    ///
    /// # Errors
    /// `Database` if the change cannot be stored.
    pub fn remove_setting(&self, key: &str) -> Result<(), CatalogError> {
        self.write("remove a setting", |transaction| {
            transaction.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?;
            Ok(())
        })
    }
}

/// A value as JSON text.
pub(super) fn encode_json<T: Serialize + ?Sized>(
    what: &'static str,
    value: &T,
) -> Result<String, CatalogError> {
    serde_json::to_string(value)
        .map_err(|error| CatalogError::Misuse(format!("{what} cannot be written as JSON: {error}")))
}

/// The value in a JSON text.
pub(super) fn decode_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, CatalogError> {
    serde_json::from_str(text)
        .map_err(|error| CatalogError::Decode { what, detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::super::test_support::empty;

    #[test]
    fn a_setting_is_kept_changed_and_forgotten() {
        let (catalog, _folder) = empty();
        assert_eq!(catalog.setting::<u32>("limit").unwrap(), None);
        catalog.set_setting("limit", &7_u32).unwrap();
        catalog.set_setting("limit", &8_u32).unwrap();
        assert_eq!(catalog.setting::<u32>("limit").unwrap(), Some(8));
        assert!(catalog.setting::<String>("limit").is_err());
        catalog.remove_setting("limit").unwrap();
        assert_eq!(catalog.setting::<u32>("limit").unwrap(), None);
    }
}
