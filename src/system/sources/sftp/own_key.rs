//! The key by which this appliance signs in where no password is given. Made when it is first needed; its public
//! half is what an administrator puts into `authorized_keys` over there.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file with the private half; the public one has `.pub` behind it.
pub(in crate::system::sources) const FILE: &str = "ssh_key";
pub(in crate::system::sources) const PUBLIC_FILE: &str = "ssh_key.pub";
/// Tells an administrator whose key it is.
const COMMENT: &str = "fossilsafe";

/// The appliance's own SSH key.
#[derive(Debug)]
pub(super) struct OwnKey {
    path: PathBuf,
}

impl OwnKey {
    /// The key in `folder`.
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        if !path.try_exists()? {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-C", COMMENT, "-f"]).arg(&path);
            let made = make.stdin(Stdio::null()).output()?;
            if !made.status.success() {
                return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
            }
        }
        Ok(Self { path })
    }

    /// Where its private half is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The line for `authorized_keys`.
    pub(super) fn public_line(&self) -> io::Result<String> {
        let line = std::fs::read_to_string(self.path.with_file_name(PUBLIC_FILE))?;
        Ok(line.trim().to_owned())
    }
}
