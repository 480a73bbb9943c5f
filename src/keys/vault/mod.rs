//! A key server outside of this machine that keeps data keys: HashiCorp Vault, or what speaks as it does (OpenBao).
//!
//! ```text
//!  transit   data key --encrypt--> "vault:v1:…", kept in keys/data/<id>.away; decrypt gives it back
//!  kv        data key ----write--> MOUNT/data/FOLDER/<id> there; here only where it is
//! ```
//!
//! A key that it keeps is never opened on a disk of this machine: it is asked for when a job begins, is in memory
//! while a job uses it, and without an answer nothing is written or read with it. What takes tapes away from the
//! key server again is the recovery kit alone: it opens them as if there were none.
//!
//! With an app role each question signs in anew. A token is renewed while the server lets it (`token`).
//! Plain HTTP is only spoken to this very machine.

mod error;
mod server;
mod settings;
mod token;

pub use error::{VaultError, VaultErrorKind};
pub(super) use server::Vault;
pub use settings::{VaultLogin, VaultSettings, VaultSettingsShown, VaultWay};
pub use token::TokenLife;

use serde::{Deserialize, Serialize};

/// What is kept here of a data key that the key server keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub(super) enum Wrapped {
    /// It is here, and only a key of the server opens it.
    Transit {
        /// Where transit is mounted.
        mount: String,
        /// The server's key.
        key: String,
        /// What it made of ours.
        ciphertext: String,
    },
    /// It is there.
    Kv {
        /// Where the store is mounted.
        mount: String,
        /// Below which name.
        path: String,
    },
}

#[cfg(test)]
pub(crate) mod spoken;
#[cfg(test)]
mod tests;
