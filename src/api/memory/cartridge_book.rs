//! Cartridges of the engine in memory: it knows none.

use std::io::{Seek as _, Write as _};

use super::{Memory, unknown};
use crate::api::engine::{CartridgeBook, Engine as _, EngineError, ManifestFile, ManifestPart};
use crate::api::types::{
    CartridgeEventView, CartridgeLossView, CartridgeView, ContentEntry, ManifestView, Page,
    PageRequest,
};
use crate::catalog::NoteChange;
use crate::domain::{Barcode, RunId};

/// Larger than what is on the way at once.
const MANIFEST_BYTES: usize = 3_000_000;

impl CartridgeBook for Memory {
    fn cartridge_contents(
        &self,
        _: &Barcode,
        _: &[u8],
        _: &PageRequest,
    ) -> Result<Page<ContentEntry>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn cartridge_history(
        &self,
        _: &Barcode,
        _: &PageRequest,
    ) -> Result<Page<CartridgeEventView>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn cartridge_loss(
        &self,
        barcode: &Barcode,
        _: usize,
    ) -> Result<CartridgeLossView, EngineError> {
        unknown(&format!("There is no cartridge {barcode}."))
    }

    fn cartridge_manifests(&self, _: &Barcode) -> Result<Vec<ManifestView>, EngineError> {
        Ok(Vec::new())
    }

    /// A list of so many bytes; of a signature it says more than it has.
    fn cartridge_manifest(
        &self,
        _: &Barcode,
        run: &RunId,
        part: ManifestPart,
    ) -> Result<ManifestFile, EngineError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'm'; MANIFEST_BYTES]).unwrap();
        file.rewind().unwrap();
        let length = match part {
            ManifestPart::List => MANIFEST_BYTES as u64,
            ManifestPart::Signature => MANIFEST_BYTES as u64 + 1,
        };
        Ok(ManifestFile { file, length, name: format!("{run}.manifest") })
    }

    fn note_cartridge(
        &self,
        barcode: &Barcode,
        _: &NoteChange,
        _: &str,
    ) -> Result<CartridgeView, EngineError> {
        self.cartridge(barcode)
    }
}
