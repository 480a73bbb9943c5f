//! In what single drives differ from the standards, with where it was seen.
//!
//! Only differences that cannot be found out by asking stand here; a command that a drive refuses is
//! noticed when it is refused, and remembered in the same [`Quirks`].
//!
//! # Adding a quirk
//!
//! A field of [`Quirks`] that says what differs, a row of [`TABLE`] with vendor, product and firmware,
//! how it was seen, and a test.

use super::capabilities::DriveIdentity;

/// Differences of one drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// LOCATE(16) to the end of data is answered with 05/24; SPACE does it.
    pub refuses_locate_to_end_of_data: bool,
    /// PREVENT MEDIUM REMOVAL is answered as good and has no effect on UNLOAD.
    pub ignores_medium_lock: bool,
    /// Longer blocks fail although READ BLOCK LIMITS allows them, in bytes.
    pub block_bytes_max: Option<usize>,
}

/// A row: a drive whose fields begin with these texts has these differences.
struct Row {
    vendor: &'static str,
    product: &'static str,
    revision: &'static str,
    serial: &'static str,
    quirks: Quirks,
}

/// First match wins.
const TABLE: &[Row] = &[
    // mhvtl, its default devices (serial XYZZY_…), with the stock kernel module, March 2026: LOCATE(16)
    // to the end of data answers 05/24; PREVENT is ignored by UNLOAD and MOVE MEDIUM; 2 MiB blocks are
    // advertised and the module refuses more than 512 KiB with EINVAL from SG_IO.
    Row {
        vendor: "",
        product: "",
        revision: "",
        serial: "XYZZY",
        quirks: Quirks {
            refuses_locate_to_end_of_data: true,
            ignores_medium_lock: true,
            block_bytes_max: Some(512 * 1024),
        },
    },
    // The kernel's scsi_debug with ptype=1: no long commands (found out by asking), LOCATE(10) only.
    Row {
        vendor: "Linux",
        product: "scsi_debug",
        revision: "",
        serial: "",
        quirks: Quirks {
            refuses_locate_to_end_of_data: true,
            ignores_medium_lock: false,
            block_bytes_max: Some(1024 * 1024),
        },
    },
];

/// The differences of a drive.
pub(super) fn quirks_of(identity: &DriveIdentity) -> Quirks {
    let matches = |row: &&Row| {
        identity.vendor.starts_with(row.vendor)
            && identity.product.starts_with(row.product)
            && identity.revision.starts_with(row.revision)
            && identity.serial.0.starts_with(row.serial)
    };
    TABLE.iter().find(matches).map(|row| row.quirks.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DriveSerial;

    fn identity(vendor: &str, product: &str, serial: &str) -> DriveIdentity {
        DriveIdentity {
            vendor: vendor.to_owned(),
            product: product.to_owned(),
            revision: "0107".to_owned(),
            serial: DriveSerial(serial.to_owned()),
            generation: None,
        }
    }

    #[test]
    fn emulated_drives_are_known_and_real_ones_have_no_quirks() {
        assert_eq!(quirks_of(&identity("IBM", "ULTRIUM-HH9", "1097012345")), Quirks::default());
        let mhvtl = quirks_of(&identity("IBM", "ULT3580-TD8", "XYZZY_A1"));
        assert!(mhvtl.refuses_locate_to_end_of_data && mhvtl.ignores_medium_lock);
        assert_eq!(
            quirks_of(&identity("Linux", "scsi_debug", "2000")).block_bytes_max,
            Some(1_048_576)
        );
    }
}
