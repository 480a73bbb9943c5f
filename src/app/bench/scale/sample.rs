//! Files as people have them: names, folders, sizes and times, the same ones in every run.

use crate::domain::{Sha256Digest, Timestamp};

/// Files in a folder; the last folder of the catalog gets a tenth of all.
pub(super) const FILES_IN_FOLDER: u64 = 1000;
/// What most files have in common.
pub(super) const ATTRIBUTES: &[u8] =
    br#"{"mode":420,"uid":1000,"gid":1000,"user":"ann","group":"users"}"#;
/// The folder with a tenth of all files.
pub(super) const LARGE_FOLDER: &str = "archive/flat";

/// The nth file of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) number: u64,
    pub(super) files: u64,
}

impl Sample {
    /// Different for each number, and nothing like it.
    fn mixed(self) -> u64 {
        self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// What is before the number in a name, and the extension.
    fn kind(self) -> (&'static str, &'static str) {
        const KINDS: [(&str, &str); 5] = [
            ("IMG_", "JPG"),
            ("Invoice-", "pdf"),
            ("recording ", "wav"),
            ("module_", "rs"),
            ("scan.", "tiff"),
        ];
        KINDS[usize::try_from(self.mixed() >> 61).unwrap_or(0) % KINDS.len()]
    }

    pub(super) fn name(self) -> String {
        let (stem, extension) = self.kind();
        if self.is_in_large_folder() {
            return format!("{stem}{:08}.{extension}", self.number);
        }
        format!("{stem}{:06x}.{extension}", self.mixed() >> 40)
    }

    fn is_in_large_folder(self) -> bool {
        self.number >= self.files - self.files / 10
    }

    /// Its path in the catalog.
    pub(super) fn path(self) -> String {
        if self.is_in_large_folder() {
            return format!("{LARGE_FOLDER}/{}", self.name());
        }
        let folder = self.number / FILES_IN_FOLDER;
        let (year, client) = (2005 + folder % 20, folder % 977);
        format!("home/projects/client{client:03}/{year}/part {folder}/{}", self.name())
    }

    pub(super) fn size(self) -> u64 {
        1000 + self.number.wrapping_mul(2_654_435_761) % 5_000_000
    }

    pub(super) fn modified(self) -> Timestamp {
        let seconds = self.number.wrapping_mul(48_271) % 700_000_000;
        Timestamp {
            seconds: 1_100_000_000 + seconds.cast_signed(),
            nanoseconds: u32::try_from(self.mixed() % 1_000_000_000).unwrap_or(0),
        }
    }

    pub(super) fn digest(self) -> Sha256Digest {
        let mut bytes = [0; 32];
        for (at, chunk) in (1_u64..).zip(bytes.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&self.mixed().wrapping_mul(2 * at + 1).to_be_bytes());
        }
        Sha256Digest(bytes)
    }
}
