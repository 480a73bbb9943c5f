//! The key by which a server is known. A person compares it once; it is the only one believed from then on.

use std::io;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::system::sources::SftpFolder;

/// Seconds that a server may take to show its keys.
const SHOW_SECONDS: &str = "20";

/// A key that a server has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostKey {
    /// As `ssh-ed25519`.
    algorithm: String,
    /// In base64, as it stands in files of known hosts.
    key: String,
    fingerprint: String,
}

impl HostKey {
    /// The keys that a server shows, the best kind first; none if it does not answer.
    pub(super) fn shown_by(place: &SftpFolder) -> io::Result<Vec<Self>> {
        let mut scan = Command::new("ssh-keyscan");
        scan.args(["-T", SHOW_SECONDS, "-t", "ed25519,ecdsa,rsa"]);
        scan.args(["-p", &place.port().to_string(), "--", &place.host]);
        let done = scan.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
        let mut keys: Vec<_> =
            String::from_utf8_lossy(&done.stdout).lines().filter_map(Self::of_line).collect();
        keys.sort_by_key(|key| rank(&key.algorithm));
        Ok(keys)
    }

    /// Of a line of known hosts: who has it, the kind, the key.
    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (host, algorithm, key) = (words.next()?, words.next()?, words.next()?);
        if host.starts_with('#') {
            return None;
        }
        let digest = Sha256::digest(STANDARD.decode(key).ok()?);
        let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(digest));
        Some(Self { algorithm: algorithm.to_owned(), key: key.to_owned(), fingerprint })
    }

    /// As every SSH program shows it: `SHA256:` and 43 characters.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The line of known hosts for a server that has it.
    pub(super) fn known_host(&self, place: &SftpFolder) -> String {
        let Self { algorithm, key, .. } = self;
        match place.port() {
            22 => format!("{} {algorithm} {key}\n", place.host),
            port => format!("[{}]:{port} {algorithm} {key}\n", place.host),
        }
    }
}

fn rank(algorithm: &str) -> usize {
    let kinds = ["ssh-ed25519", "ecdsa-sha2-"];
    kinds.iter().position(|kind| algorithm.starts_with(kind)).unwrap_or(kinds.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_what_other_programs_show() {
        // `ssh-keygen -l` of this key says the same.
        let line = "[127.0.0.1]:2222 ssh-ed25519 \
                    AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        let key = HostKey::of_line(line).unwrap();
        assert_eq!(key.fingerprint(), "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
        assert_eq!(HostKey::of_line("# 127.0.0.1:2222 SSH-2.0-OpenSSH"), None);
        assert_eq!(HostKey::of_line("host ssh-ed25519 no!base64"), None);
    }
}
