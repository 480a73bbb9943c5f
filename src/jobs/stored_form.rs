//! How the catalog names the way in which a file's bytes became those on tape.
//!
//! ```text
//! zstd                             zstd frames
//! sealed:1f0a33c95d0e7b12          sealed with that data key
//! zstd+sealed:1f0a33c95d0e7b12     first the one, then the other
//! ```

use crate::keys::KeyId;

const ZSTD: &str = "zstd";
const SEALED: &str = "sealed:";

/// What was done with a file's bytes; nothing of both is no form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentForm {
    pub(crate) is_zstd: bool,
    pub(crate) sealed_by: Option<KeyId>,
}

impl ContentForm {
    /// True if the bytes on tape are the file's own.
    pub(crate) fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// The name.
    pub(crate) fn name(self) -> String {
        match (self.is_zstd, self.sealed_by) {
            (true, Some(key)) => format!("{ZSTD}+{SEALED}{key}"),
            (false, Some(key)) => format!("{SEALED}{key}"),
            (_, None) => ZSTD.to_owned(),
        }
    }

    /// What a name says; nothing for one of a later release.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == ZSTD {
            return Some(Self { is_zstd: true, sealed_by: None });
        }
        let (is_zstd, rest) = match name.strip_prefix("zstd+") {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let sealed_by = rest.strip_prefix(SEALED)?.parse().ok()?;
        Some(Self { is_zstd, sealed_by: Some(sealed_by) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_it_was_named() {
        let key = Some("1f0a33c95d0e7b12".parse().unwrap());
        for (is_zstd, sealed_by) in [(true, None), (true, key), (false, key)] {
            let form = ContentForm { is_zstd, sealed_by };
            assert_eq!(ContentForm::parse(&form.name()), Some(form));
        }
        for other in ["", "gzip", "sealed:", "zstd+", "zstd+sealed:xyz"] {
            assert_eq!(ContentForm::parse(other), None, "{other}");
        }
    }
}
