//! What the API asks of single cartridges: what is on them, what happened to them, what people say of them.

use std::fs::File;

use super::EngineError;
use crate::api::types::{
    CartridgeEventView, CartridgeLossView, CartridgeView, ContentEntry, ManifestView, Page,
    PageRequest,
};
use crate::catalog::NoteChange;
use crate::domain::{Barcode, RunId};

/// The part of [`Engine`](super::Engine) that is about one cartridge, under the same contract.
pub trait CartridgeBook {
    /// A page of a folder on a cartridge, by name. A page may be short and have a next one.
    fn cartridge_contents(
        &self,
        barcode: &Barcode,
        path: &[u8],
        page: &PageRequest,
    ) -> Result<Page<ContentEntry>, EngineError>;

    /// A page of what happened to a cartridge, newest first.
    fn cartridge_history(
        &self,
        barcode: &Barcode,
        page: &PageRequest,
    ) -> Result<Page<CartridgeEventView>, EngineError>;

    /// What would be lost with a cartridge, with the first `limit` files. Looks at each file on it.
    fn cartridge_loss(
        &self,
        barcode: &Barcode,
        limit: usize,
    ) -> Result<CartridgeLossView, EngineError>;

    /// The manifests of the runs on a cartridge, oldest first.
    fn cartridge_manifests(&self, barcode: &Barcode) -> Result<Vec<ManifestView>, EngineError>;

    /// A manifest, or its signature, as it is kept off the tape.
    fn cartridge_manifest(
        &self,
        barcode: &Barcode,
        run: &RunId,
        part: ManifestPart,
    ) -> Result<ManifestFile, EngineError>;

    /// Keeps what a person says of a cartridge.
    fn note_cartridge(
        &self,
        barcode: &Barcode,
        change: &NoteChange,
        by: &str,
    ) -> Result<CartridgeView, EngineError>;
}

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestPart {
    /// The list.
    List,
    /// What it was signed with.
    Signature,
}

/// An open file to be sent.
#[derive(Debug)]
pub struct ManifestFile {
    /// Open for reading, at its beginning.
    pub file: File,
    /// Its bytes.
    pub length: u64,
    /// What it is to be called: `RUN.manifest` or `RUN.sig`, which belong together.
    pub name: String,
}
