//! Sets and their runs, with what is proven of them.

use std::cmp::Reverse;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{Page, PageRequest, RunFilter, RunState, RunView, SetView};
use crate::catalog::{RunKind, RunRecord, RunState as Stored, SetRecord};
use crate::domain::{Barcode, VolumeUuid};
use crate::jobs::spec::{BackupMode, BackupSpec};

impl Service {
    pub(super) fn set_views(&self, page: &PageRequest) -> Result<Page<SetView>, EngineError> {
        let records = self.parts.catalog.sets().map_err(answers::catalog)?;
        let Page { items, next } = answers::page(records, page)?;
        let items = items.iter().map(|record| self.set_view(record)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    pub(super) fn set_view(&self, record: &SetRecord) -> Result<SetView, EngineError> {
        let catalog = &self.parts.catalog;
        let runs = catalog.runs(&record.name).map_err(answers::catalog)?;
        // After a rebuild nothing is known of how the set was asked for.
        let spec: Option<BackupSpec> = serde_json::from_value(record.spec.clone()).ok();
        let copies = spec.as_ref().and_then(|spec| spec.copies).unwrap_or(1);
        let shown = |path: &std::path::PathBuf| path.display().to_string();
        let complete = runs.iter().find(|record| record.state == Stored::Complete);
        let ended = runs
            .iter()
            .find(|record| matches!(record.state, Stored::Complete | Stored::Incomplete));
        let volumes = catalog.volumes_of_set(&record.name).map_err(answers::catalog)?;
        let volumes: Vec<VolumeUuid> = volumes.iter().map(|record| record.volume.uuid).collect();
        Ok(SetView {
            name: record.name.clone(),
            paths: spec.map(|spec| spec.paths.iter().map(shown).collect()).unwrap_or_default(),
            copies,
            runs: runs.len() as u64,
            newest_run: runs.first().map(|record| self.run_view(record)).transpose()?,
            newest_ended_run: ended.map(|record| record.run.run.clone()),
            newest_complete_run: complete.map(|record| record.run.run.clone()),
            cartridges: self.barcodes(&volumes)?,
        })
    }

    pub(super) fn run_views(
        &self,
        filter: &RunFilter,
        page: &PageRequest,
    ) -> Result<Page<RunView>, EngineError> {
        let catalog = &self.parts.catalog;
        let mut runs = Vec::new();
        match &filter.set {
            Some(set) => {
                // Asked first, so that a set that nobody knows is named as such.
                catalog.set(set).map_err(answers::catalog)?;
                runs = catalog.runs(set).map_err(answers::catalog)?;
            }
            None => {
                for set in catalog.sets().map_err(answers::catalog)? {
                    runs.extend(catalog.runs(&set.name).map_err(answers::catalog)?);
                }
                runs.sort_by_key(|record| Reverse(record.run.started));
            }
        }
        let Page { items, next } = answers::page(runs, page)?;
        let items = items.iter().map(|record| self.run_view(record)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    pub(super) fn run_view(&self, record: &RunRecord) -> Result<RunView, EngineError> {
        let run = &record.run;
        let proven = self.proven(record)?;
        Ok(RunView {
            run: run.run.clone(),
            set: run.set.clone(),
            mode: match run.kind {
                RunKind::Full => BackupMode::Full,
                RunKind::Incremental => BackupMode::Incremental,
            },
            copies: run.copies,
            parent: run.parent.clone(),
            job: run.job,
            state: match record.state {
                Stored::Running => RunState::Open,
                Stored::Complete => RunState::Complete,
                Stored::Incomplete | Stored::Cancelled | Stored::Failed => RunState::Incomplete,
            },
            started: run.started,
            ended: record.ended,
            files: proven.files(),
            bytes: proven.bytes(),
            cartridges: self.barcodes(&proven.volume_uuids())?,
            evidence: proven.rows(),
        })
    }

    /// The cartridges with these volumes, as far as they are known, in the same order.
    pub(super) fn barcodes(&self, volumes: &[VolumeUuid]) -> Result<Vec<Barcode>, EngineError> {
        let mut barcodes = Vec::new();
        for volume in volumes {
            barcodes.extend(self.barcode_of(*volume)?);
        }
        barcodes.dedup();
        Ok(barcodes)
    }

    /// The barcode of the cartridge with a volume: as it was last seen, or as the volume's label says.
    pub(super) fn barcode_of(&self, volume: VolumeUuid) -> Result<Option<Barcode>, EngineError> {
        let catalog = &self.parts.catalog;
        let Some(record) = catalog.find_volume(volume).map_err(answers::catalog)? else {
            return Ok(None);
        };
        let seen = match record.volume.cartridge {
            Some(id) => catalog.cartridge(id).map_err(answers::catalog)?.barcode,
            None => None,
        };
        Ok(seen.or(record.volume.barcode))
    }
}
