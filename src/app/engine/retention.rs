//! What the retention of a pool gives free: runs that nobody needs, cartridges that hold nothing else.

use std::collections::BTreeSet;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{ExpiredRun, ExpiredView, ReusableCartridge};
use crate::catalog::{RunRecord, SetRecord, VolumeState};
use crate::domain::{PoolName, RunId};
use crate::jobs::{JobError, pool};
use crate::pools::{PoolRefusal, Retention};

impl Service {
    pub(super) fn expired_of(&self, name: &PoolName) -> Result<ExpiredView, EngineError> {
        let catalog = &self.parts.catalog;
        let pools = pool::pools(catalog).map_err(answers::catalog)?;
        let pool = pools
            .into_iter()
            .find(|pool| pool.name == *name)
            .ok_or_else(|| answers::job(JobError::from(PoolRefusal::Unknown(name.clone()))))?;
        let mut view = ExpiredView::default();
        let Some(retention) = pool.retention else { return Ok(view) };
        for set in catalog.sets().map_err(answers::catalog)? {
            if pool::pool_of(&set).map_err(answers::job)?.as_ref() == Some(name) {
                self.add_expired(&set, retention, &mut view)?;
            }
        }
        Ok(view)
    }

    fn add_expired(
        &self,
        set: &SetRecord,
        retention: Retention,
        view: &mut ExpiredView,
    ) -> Result<(), EngineError> {
        let catalog = &self.parts.catalog;
        let runs = catalog.runs(&set.name).map_err(answers::catalog)?;
        // What cannot be looked up counts as not proven: then more is kept.
        let is_proven =
            |run: &RunRecord| self.proven(run).is_ok_and(|proven| proven.is_read_back());
        let flags = retention.expired(&runs, self.present(), is_proven);
        let expired: Vec<&RunRecord> =
            runs.iter().zip(flags).filter_map(|(run, is)| is.then_some(run)).collect();
        let names: BTreeSet<&RunId> = expired.iter().map(|run| &run.run.run).collect();
        for volume in catalog.volumes_of_set(&set.name).map_err(answers::catalog)? {
            let segments = catalog.segments_of_volume(volume.volume.uuid);
            let segments = segments.map_err(answers::catalog)?;
            let is_free = !segments.is_empty() && segments.iter().all(|it| names.contains(&it.run));
            let is_there = matches!(volume.volume.state, VolumeState::Open | VolumeState::Closed);
            let Some(place) = volume.set.filter(|_| is_free && is_there) else { continue };
            if let Some(barcode) = self.barcode_of(volume.volume.uuid)? {
                let (set, copy) = (place.set, place.copy);
                view.cartridges.push(ReusableCartridge { barcode, set, copy });
            }
        }
        view.runs.extend(expired.into_iter().map(|run| ExpiredRun {
            run: run.run.run.clone(),
            set: run.run.set.clone(),
            ended: run.ended,
        }));
        Ok(())
    }
}
