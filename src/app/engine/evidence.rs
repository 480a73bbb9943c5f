//! Tables of evidence: every planned file in exactly one row.
//!
//! A run's files are those that it has stored, those that it refers to in earlier runs, those that it
//! left out, each with its reason, and those that are still to come. Nothing counts twice, and what
//! cannot be told apart counts as the weaker state.

use std::collections::BTreeMap;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    CartridgeEvidence, EvidenceRow, EvidenceScope, EvidenceState, EvidenceTable, LeftOutRow,
};
use crate::catalog::{
    Effective, EvidenceState as Stored, FileTotals, ReferredEvidence, RunRecord, RunState,
    VolumeState, VolumeSums,
};
use crate::domain::{Barcode, ByteCount, VolumeUuid};
use crate::jobs::outcome::grouped;

/// The reason of copies that were found bad.
const COPY_FAILED: &str = "copy_failed";

/// What is proven of a number of files.
#[derive(Debug, Default)]
pub(super) struct Proven {
    by_state: BTreeMap<EvidenceState, FileTotals>,
    left_out: BTreeMap<String, FileTotals>,
    volumes: VolumeSums,
    /// Why it cannot be complete whatever the rows say, as the begin of a sentence.
    unended: Option<&'static str>,
}

impl Proven {
    pub(super) fn files(&self) -> u64 {
        self.all().map(|totals| totals.files).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.all().map(|totals| totals.bytes.0).sum()
    }

    /// All six states, weakest first.
    pub(super) fn rows(&self) -> Vec<EvidenceRow> {
        let row = |state| {
            let totals = self.by_state.get(&state).copied().unwrap_or_default();
            EvidenceRow { state, files: totals.files, bytes: totals.bytes.0 }
        };
        EvidenceState::ALL.map(row).to_vec()
    }

    pub(super) fn volume_uuids(&self) -> Vec<VolumeUuid> {
        let mut volumes: Vec<VolumeUuid> = self.volumes.keys().map(|(volume, _)| *volume).collect();
        volumes.dedup();
        volumes
    }

    fn all(&self) -> impl Iterator<Item = &FileTotals> {
        self.by_state.values().chain(self.left_out.values())
    }

    fn add(&mut self, effective: &Effective, totals: FileTotals) {
        let sum = match effective {
            Effective::State(state) => self.by_state.entry(state_of(*state)).or_default(),
            Effective::Failed { .. } => self.left_out.entry(COPY_FAILED.to_owned()).or_default(),
        };
        *sum = plus(*sum, totals);
    }

    fn merge(&mut self, other: Self) {
        for (state, totals) in other.by_state {
            let sum = self.by_state.entry(state).or_default();
            *sum = plus(*sum, totals);
        }
        for (reason, totals) in other.left_out {
            let sum = self.left_out.entry(reason).or_default();
            *sum = plus(*sum, totals);
        }
        for (place, totals) in other.volumes {
            let sum = self.volumes.entry(place).or_default();
            *sum = plus(*sum, totals);
        }
        self.unended = self.unended.or(other.unended);
    }

    /// Takes files away that wait for being stored again, from the strongest state down, so that no
    /// state is claimed of more files than have it.
    fn take_away(&mut self, mut excess: FileTotals) {
        for totals in self.by_state.values_mut().rev() {
            let files = excess.files.min(totals.files);
            let bytes = excess.bytes.0.min(totals.bytes.0);
            (totals.files, totals.bytes) =
                (totals.files - files, ByteCount(totals.bytes.0 - bytes));
            excess = FileTotals {
                files: excess.files - files,
                bytes: ByteCount(excess.bytes.0 - bytes),
            };
        }
    }

    fn is_complete(&self) -> bool {
        let is_weak = |(state, totals): (&EvidenceState, &FileTotals)| {
            *state < EvidenceState::Indexed && totals.files > 0
        };
        self.unended.is_none()
            && self.left_out.values().all(|t| t.files == 0)
            && !self.by_state.iter().any(is_weak)
    }

    fn sentence(&self) -> String {
        let count = |from: EvidenceState| {
            self.by_state.range(from..).map(|(_, totals)| totals.files).sum::<u64>()
        };
        let (files, indexed) = (self.files(), count(EvidenceState::Indexed));
        let read_back = count(EvidenceState::ReadBack);
        let failed = self.left_out.get(COPY_FAILED).map_or(0, |totals| totals.files);
        if self.is_complete() && files == 0 {
            "There is nothing to prove: no file was planned.".to_owned()
        } else if self.is_complete() && read_back == files {
            format!("All {} files were read back and agree.", grouped(files))
        } else if self.is_complete() {
            format!(
                "All {} files are on tape and indexed; {} of them were read back.",
                grouped(files),
                grouped(read_back)
            )
        } else if failed > 0 {
            format!(
                "{} of {} files have a bad copy: back the set up again, it stores them anew.",
                grouped(failed),
                grouped(files)
            )
        } else if let Some(why) = self.unended {
            format!(
                "{why}: {} of {} files are indexed. See `fossilsafe job list`.",
                grouped(indexed),
                grouped(files)
            )
        } else {
            format!(
                "{} of {} files are not safe on tape: see why, then back the set up again.",
                grouped(files - indexed),
                grouped(files)
            )
        }
    }
}

impl Service {
    pub(super) fn evidence_table(
        &self,
        scope: &EvidenceScope,
    ) -> Result<EvidenceTable, EngineError> {
        let catalog = &self.parts.catalog;
        let (name, proven) = match scope {
            EvidenceScope::Everything => ("the newest run of every set".to_owned(), self.all()?),
            EvidenceScope::Set(set) => {
                catalog.set(set).map_err(answers::catalog)?;
                match catalog.runs(set).map_err(answers::catalog)?.first() {
                    Some(record) => (name_of(record), self.proven(record)?),
                    None => (format!("set {set}, which has no run yet"), Proven::default()),
                }
            }
            EvidenceScope::Run(run) => {
                let record = catalog.run(run).map_err(answers::catalog)?;
                (name_of(&record), self.proven(&record)?)
            }
            EvidenceScope::Cartridge(barcode) => {
                (format!("every copy on cartridge {barcode}"), self.on_cartridge(barcode)?)
            }
        };
        Ok(EvidenceTable {
            scope: name,
            is_complete: proven.is_complete(),
            sentence: proven.sentence(),
            files: proven.files(),
            bytes: proven.bytes(),
            rows: proven.rows(),
            left_out: proven
                .left_out
                .iter()
                .map(|(reason, totals)| LeftOutRow {
                    reason: reason.clone(),
                    files: totals.files,
                    bytes: totals.bytes.0,
                })
                .collect(),
            cartridges: self.cartridge_evidence(&proven.volumes)?,
        })
    }

    fn all(&self) -> Result<Proven, EngineError> {
        let catalog = &self.parts.catalog;
        let mut proven = Proven::default();
        for set in catalog.sets().map_err(answers::catalog)? {
            if let Some(record) = catalog.runs(&set.name).map_err(answers::catalog)?.first() {
                proven.merge(self.proven(record)?);
            }
        }
        Ok(proven)
    }

    /// What is proven of a run's files.
    pub(super) fn proven(&self, record: &RunRecord) -> Result<Proven, EngineError> {
        let catalog = &self.parts.catalog;
        let run = &record.run.run;
        let table = catalog.run_evidence(run).map_err(answers::catalog)?;
        let mut proven = Proven {
            volumes: catalog.run_volumes(run).map_err(answers::catalog)?,
            unended: match record.state {
                RunState::Complete | RunState::Incomplete => None,
                RunState::Running => Some("The run has not come to its end"),
                RunState::Cancelled => Some("The run was cancelled"),
                RunState::Failed => Some("The run has failed"),
            },
            ..Proven::default()
        };
        if record.unchanged.files > 0 {
            let referred = catalog.referred_evidence(run).map_err(answers::catalog)?;
            proven.refer(referred, record.unchanged);
        }
        let mut met = FileTotals::default();
        for ((number, effective), totals) in &table.stored {
            if *number == 0 {
                proven.add(effective, *totals);
                met = plus(met, *totals);
            }
        }
        for ((state, _), totals) in &table.not_stored {
            let sum = proven.left_out.entry(state.as_str().to_owned()).or_default();
            *sum = plus(*sum, *totals);
            met = plus(met, *totals);
        }
        let to_come = FileTotals {
            files: record.planned.files.saturating_sub(met.files),
            bytes: ByteCount(record.planned.bytes.0.saturating_sub(met.bytes.0)),
        };
        if to_come.files > 0 {
            proven.add(&Effective::State(Stored::Planned), to_come);
        }
        Ok(proven)
    }

    fn on_cartridge(&self, barcode: &Barcode) -> Result<Proven, EngineError> {
        let catalog = &self.parts.catalog;
        let cartridges = catalog.cartridges_by_barcode(barcode).map_err(answers::catalog)?;
        if cartridges.is_empty() {
            return Err(answers::unknown_cartridge(barcode));
        }
        let mut proven = Proven::default();
        for cartridge in cartridges {
            for record in catalog.volumes_of_cartridge(cartridge.id).map_err(answers::catalog)? {
                let volume = record.volume.uuid;
                if record.volume.state == VolumeState::Erased {
                    continue;
                }
                let sums = catalog.volume_evidence(volume).map_err(answers::catalog)?;
                for (effective, totals) in sums {
                    proven.add(&effective, totals);
                    proven.volumes.insert((volume, effective), totals);
                }
            }
        }
        Ok(proven)
    }

    fn cartridge_evidence(
        &self,
        volumes: &VolumeSums,
    ) -> Result<Vec<CartridgeEvidence>, EngineError> {
        let mut shown: Vec<CartridgeEvidence> = Vec::new();
        for ((volume, effective), totals) in volumes {
            let weakest = state_of(effective.state());
            match shown.last_mut().filter(|last| last.volume == *volume) {
                Some(last) => {
                    last.weakest = last.weakest.min(weakest);
                    (last.files, last.bytes) =
                        (last.files + totals.files, last.bytes + totals.bytes.0);
                }
                None => {
                    let barcode = self.barcode_of(*volume)?;
                    shown.push(CartridgeEvidence {
                        is_present: barcode.as_ref().is_some_and(|it| self.is_here(it)),
                        barcode,
                        volume: *volume,
                        weakest,
                        files: totals.files,
                        bytes: totals.bytes.0,
                    });
                }
            }
        }
        shown.sort_by(|a, b| a.barcode.cmp(&b.barcode));
        Ok(shown)
    }
}

impl Proven {
    /// Adds the files that a run refers to, of which there are `unchanged`.
    fn refer(&mut self, referred: ReferredEvidence, unchanged: FileTotals) {
        let mut others = Self::default();
        for (effective, totals) in &referred.files {
            others.add(effective, *totals);
        }
        others.volumes = referred.volumes;
        others.take_away(FileTotals {
            files: others.files().saturating_sub(unchanged.files),
            bytes: ByteCount(others.bytes().saturating_sub(unchanged.bytes.0)),
        });
        self.merge(others);
    }
}

fn name_of(record: &RunRecord) -> String {
    format!("run {} of set {}", record.run.run, record.run.set)
}

fn plus(a: FileTotals, b: FileTotals) -> FileTotals {
    FileTotals { files: a.files + b.files, bytes: ByteCount(a.bytes.0 + b.bytes.0) }
}

/// The state as the API names it.
pub(super) fn state_of(state: Stored) -> EvidenceState {
    match state {
        Stored::Planned => EvidenceState::Planned,
        Stored::Written => EvidenceState::Written,
        Stored::Flushed => EvidenceState::Flushed,
        Stored::Indexed => EvidenceState::Indexed,
        Stored::ReadBack => EvidenceState::ReadBack,
        Stored::Proven => EvidenceState::Proven,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(files: u64, bytes: u64) -> FileTotals {
        FileTotals { files, bytes: ByteCount(bytes) }
    }

    #[test]
    fn a_run_is_complete_only_if_it_has_ended_and_every_file_is_indexed() {
        let mut proven = Proven::default();
        assert!(proven.is_complete());
        proven.add(&Effective::State(Stored::ReadBack), totals(3, 30));
        assert!(proven.is_complete());
        assert_eq!(proven.sentence(), "All 3 files were read back and agree.");
        proven.add(&Effective::State(Stored::Flushed), totals(1, 5));
        assert!(!proven.is_complete());
        assert!(proven.sentence().starts_with("1 of 4 files are not safe"));
        proven.add(&Effective::Failed { reason: "x".to_owned() }, totals(1, 1));
        assert!(proven.sentence().starts_with("1 of 5 files have a bad copy"));
        assert_eq!((proven.files(), proven.bytes(), proven.rows().len()), (5, 36, 6));
        let unended = Proven { unended: Some("It failed"), ..Proven::default() };
        assert!(!unended.is_complete());
    }

    #[test]
    fn files_that_wait_to_be_stored_again_are_not_claimed_twice() {
        let volume = VolumeUuid::random();
        let states = [Stored::Indexed, Stored::ReadBack].map(Effective::State);
        let referred = ReferredEvidence {
            files: states.iter().map(|state| (state.clone(), totals(5, 50))).collect(),
            volumes: states.map(|state| ((volume, state), totals(5, 50))).into(),
        };
        let mut proven = Proven::default();
        proven.refer(referred, totals(3, 30));
        let rows: Vec<u64> = proven.rows().iter().map(|row| row.files).collect();
        assert_eq!((rows, proven.bytes()), (vec![0, 0, 0, 3, 0, 0], 30));
    }
}
