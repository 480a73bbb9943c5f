//! Files in the catalog: search, versions, and what a restore would read.

use std::cmp::Reverse;

use super::evidence::state_of;
use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    CopyView, FileHit, FilePath, FileVersion, MissingVolume, Page, PlanStep, RestorePlan,
    SearchRequest, VersionsRequest,
};
use crate::catalog::{
    CopyRecord, Effective, EvidenceState, FullVersion, SearchCursor, SearchHit, SearchQuery,
};
use crate::domain::{ByteCount, SetName};
use crate::jobs::restore::{self, NeededVolume};
use crate::jobs::spec::RestoreSpec;

/// Pages of the catalog that one answer may ask for: one looks at 2,000 candidates in some 20 ms, so
/// an answer takes a second at most and a search that matches little still comes in few pages.
const ROUNDS_MAX: usize = 50;

impl Service {
    pub(super) fn find_files(&self, request: &SearchRequest) -> Result<Page<FileHit>, EngineError> {
        let query = SearchQuery {
            text: request.text.clone(),
            set: request.set.clone(),
            run: request.run.clone(),
            extension: request.extension.clone(),
            under: request.under.clone(),
            size_min: request.size_bytes_min.map(ByteCount),
            size_max: request.size_bytes_max.map(ByteCount),
            modified_from: request.modified_after,
            modified_before: request.modified_before,
            evidence_min: None,
        };
        let limit = request.page.limit;
        let mut cursor = match request.page.after {
            Some(_) => Some(SearchCursor(answers::offset(&request.page)?)),
            None => None,
        };
        let mut items = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let catalog = &self.parts.catalog;
            let page = catalog.search(&query, cursor, limit - items.len());
            let page = page.map_err(answers::catalog)?;
            for hit in page.hits {
                items.push(self.hit(hit)?);
            }
            cursor = page.next;
            if cursor.is_none() || items.len() >= limit {
                break;
            }
        }
        Ok(Page { items, next: cursor.map(|cursor| cursor.0.to_string()) })
    }

    fn hit(&self, hit: SearchHit) -> Result<FileHit, EngineError> {
        Ok(FileHit {
            path: absolute(&hit.path),
            set: hit.set,
            run: hit.version.run.clone(),
            size_bytes: hit.version.size.0,
            modified: hit.version.modified,
            evidence: state_of(hit.version.evidence.state()),
            copies: hit.version.copies_with(EvidenceState::Indexed).collect(),
            cartridges: self.barcodes(&hit.volumes)?,
        })
    }

    pub(super) fn file_versions(
        &self,
        request: &VersionsRequest,
    ) -> Result<Page<FileVersion>, EngineError> {
        let catalog = &self.parts.catalog;
        let sets: Vec<SetName> = match &request.set {
            Some(set) => vec![set.clone()],
            None => {
                let sets = catalog.sets().map_err(answers::catalog)?;
                sets.into_iter().map(|record| record.name).collect()
            }
        };
        let mut versions: Vec<FileVersion> = Vec::new();
        for set in sets {
            for version in catalog.versions(&set, &request.path).map_err(answers::catalog)? {
                versions.push(self.version(&set, version)?);
            }
        }
        versions.sort_by_key(|version| Reverse(version.stored));
        answers::page(versions, &request.page)
    }

    fn version(&self, set: &SetName, full: FullVersion) -> Result<FileVersion, EngineError> {
        let version = full.version;
        let run = self.parts.catalog.run(&version.run).map_err(answers::catalog)?;
        // How many parts there are is noted with the last one.
        let parts = full.copies.iter().filter_map(|copy| copy.part.as_ref());
        let of = parts.map(|part| part.of.unwrap_or(part.number)).max().unwrap_or(1);
        let copies = full.copies.iter().map(|copy| self.copy(copy, of));
        Ok(FileVersion {
            set: set.clone(),
            run: version.run,
            stored: run.run.started,
            size_bytes: version.size.0,
            modified: version.modified,
            sha256: version.sha256,
            copies: copies.collect::<Result<_, _>>()?,
        })
    }

    fn copy(&self, copy: &CopyRecord, of: u32) -> Result<CopyView, EngineError> {
        Ok(CopyView {
            copy: copy.letter,
            barcode: self.barcode_of(copy.volume)?,
            volume: copy.volume,
            evidence: match &copy.evidence {
                Effective::State(state) => state_of(*state),
                Effective::Failed { .. } => state_of(EvidenceState::Planned),
            },
            part: copy.part.as_ref().map(|part| (part.number, of)),
            failure: match &copy.evidence {
                Effective::Failed { reason } => Some(reason.clone()),
                Effective::State(_) => None,
            },
        })
    }

    pub(super) fn restore_plan(&self, spec: &RestoreSpec) -> Result<RestorePlan, EngineError> {
        let plan = restore::plan(&self.parts, spec).map_err(answers::job)?;
        let step = |needed: NeededVolume| PlanStep {
            barcode: needed.barcode,
            volume: needed.volume,
            place: needed.place,
            files: needed.files,
            bytes: needed.bytes,
        };
        let missing = |needed: NeededVolume| MissingVolume {
            barcode: needed.barcode,
            volume: needed.volume,
            files: needed.files,
            bytes: needed.bytes,
        };
        Ok(RestorePlan {
            files: plan.files,
            bytes: plan.bytes,
            steps: plan.volumes.into_iter().map(step).collect(),
            missing: plan.missing.into_iter().map(missing).collect(),
            files_without_copy: plan.files_without_copy,
            exchange: plan.exchange,
            sentence: plan.sentence,
        })
    }
}

/// A path of the catalog as it was at the source.
fn absolute(path: &[u8]) -> FilePath {
    FilePath::from_bytes(&[b"/", path].concat())
}
