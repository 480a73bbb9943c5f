//! Tables of evidence: every planned file in exactly one row.
//!
//! A run's files are those that it has stored, those that it refers to in earlier runs, those that it
//! left out, each with its reason, and those that are still to come. Nothing counts twice, and what
//! cannot be told apart counts as the weaker state.

use std::collections::BTreeMap;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    CartridgeEvidence, CopyEvidence, EvidenceRow, EvidenceScope, EvidenceState, EvidenceTable,
    LeftOutRow,
};
use crate::catalog::{
    Effective, EvidenceState as State, EvidenceTable as Stored, FileTotals, ReferredEvidence,
    RunRecord, RunState, VolumeState, VolumeSums,
};
use crate::domain::{Barcode, ByteCount, CopyLetter, VolumeUuid};
use crate::jobs::outcome::grouped;

/// The reason of copies that were found bad.
const COPY_FAILED: &str = "copy_failed";

/// What is proven of a number of files.
#[derive(Debug, Default)]
pub(super) struct Proven {
    by_state: BTreeMap<EvidenceState, FileTotals>,
    left_out: BTreeMap<String, FileTotals>,
    volumes: VolumeSums,
    /// Each copy by itself, where a set has several; the sums above are then those of the best.
    copies: BTreeMap<CopyLetter, Self>,
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
        for (copy, proven) in other.copies {
            self.copies.entry(copy).or_default().merge(proven);
        }
        self.unended = self.unended.or(other.unended);
    }

    /// The whole of several copies.
    fn of_copies(copies: BTreeMap<CopyLetter, Self>) -> Self {
        let best = copies.values().max_by_key(|copy| copy.count(EvidenceState::Indexed));
        let mut whole = best.map(Self::sums).unwrap_or_default();
        if copies.len() > 1 {
            whole.copies = copies;
        }
        whole
    }

    fn sums(&self) -> Self {
        let (by_state, left_out) = (self.by_state.clone(), self.left_out.clone());
        Self { by_state, left_out, unended: self.unended, ..Self::default() }
    }

    /// Every file of every copy was read back after the cartridge had left the drive.
    pub(super) fn is_read_back(&self) -> bool {
        let is_whole = |copy: &Self| {
            copy.left_out.is_empty() && copy.count(EvidenceState::ReadBack) == copy.files()
        };
        self.unended.is_none()
            && if self.copies.is_empty() {
                is_whole(self)
            } else {
                self.copies.values().all(is_whole)
            }
    }

    /// Files that are at least `from`.
    fn count(&self, from: EvidenceState) -> u64 {
        self.by_state.range(from..).map(|(_, totals)| totals.files).sum()
    }

    fn left_out_rows(&self) -> Vec<LeftOutRow> {
        let row = |(reason, totals): (&String, &FileTotals)| LeftOutRow {
            reason: reason.clone(),
            files: totals.files,
            bytes: totals.bytes.0,
        };
        self.left_out.iter().map(row).collect()
    }

    fn copy_rows(&self) -> Vec<CopyEvidence> {
        let row = |(copy, proven): (&CopyLetter, &Self)| CopyEvidence {
            copy: *copy,
            is_complete: proven.is_complete(),
            sentence: proven.sentence(),
            rows: proven.rows(),
            left_out: proven.left_out_rows(),
        };
        self.copies.iter().map(row).collect()
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

    pub(super) fn is_complete(&self) -> bool {
        let is_weak = |(state, totals): (&EvidenceState, &FileTotals)| {
            *state < EvidenceState::Indexed && totals.files > 0
        };
        self.unended.is_none()
            && self.left_out.values().all(|t| t.files == 0)
            && !self.by_state.iter().any(is_weak)
            && self.copies.values().all(Self::is_complete)
    }

    pub(super) fn sentence(&self) -> String {
        if !self.copies.is_empty() {
            let each =
                self.copies.iter().map(|(copy, it)| format!("Copy {copy}: {}", it.sentence()));
            return each.collect::<Vec<_>>().join(" ");
        }
        let (files, indexed) = (self.files(), self.count(EvidenceState::Indexed));
        let read_back = self.count(EvidenceState::ReadBack);
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
            left_out: proven.left_out_rows(),
            copies: proven.copy_rows(),
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
        let referred = match record.unchanged.files {
            0 => ReferredEvidence::default(),
            _ => catalog.referred_evidence(run).map_err(answers::catalog)?,
        };
        let letters = CopyLetter::first(record.run.copies.max(1));
        let copies = letters.map(|copy| (copy, Proven::of_copy(record, copy, &table, &referred)));
        let mut proven = Proven::of_copies(copies.collect());
        proven.volumes = catalog.run_volumes(run).map_err(answers::catalog)?;
        for (place, totals) in referred.volumes {
            let sum = proven.volumes.entry(place).or_default();
            *sum = plus(*sum, totals);
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
    /// What is proven of a run's files in one copy of its set.
    fn of_copy(
        record: &RunRecord,
        copy: CopyLetter,
        table: &Stored,
        referred: &ReferredEvidence,
    ) -> Self {
        let mut proven = Self {
            unended: match record.state {
                RunState::Complete | RunState::Incomplete => None,
                RunState::Running => Some("The run has not come to its end"),
                RunState::Cancelled => Some("The run was cancelled"),
                RunState::Failed => Some("The run has failed"),
            },
            ..Self::default()
        };
        proven.refer(copy, referred, record.unchanged);
        let mut met = FileTotals::default();
        for ((_, effective), totals) in table.stored.iter().filter(|((at, _), _)| *at == copy) {
            proven.add(effective, *totals);
            met = plus(met, *totals);
        }
        let not_stored = table.not_stored.iter().filter(|((at, ..), _)| *at == copy);
        for ((_, state, _), totals) in not_stored {
            let sum = proven.left_out.entry(state.as_str().to_owned()).or_default();
            *sum = plus(*sum, *totals);
            met = plus(met, *totals);
        }
        proven.add_planned(record.planned, met);
        proven
    }

    /// Adds the files that a run refers to, of which there are `unchanged`.
    fn refer(&mut self, copy: CopyLetter, referred: &ReferredEvidence, unchanged: FileTotals) {
        let mut others = Self::default();
        for ((_, effective), totals) in referred.copies.iter().filter(|((at, _), _)| *at == copy) {
            others.add(effective, *totals);
        }
        others.take_away(FileTotals {
            files: others.files().saturating_sub(unchanged.files),
            bytes: ByteCount(others.bytes().saturating_sub(unchanged.bytes.0)),
        });
        let met = FileTotals { files: others.files(), bytes: ByteCount(others.bytes()) };
        others.add_planned(unchanged, met);
        self.merge(others);
    }

    /// What is still to come of `all`, when `met` are there.
    fn add_planned(&mut self, all: FileTotals, met: FileTotals) {
        let to_come = FileTotals {
            files: all.files.saturating_sub(met.files),
            bytes: ByteCount(all.bytes.0.saturating_sub(met.bytes.0)),
        };
        if to_come.files > 0 {
            self.add(&Effective::State(State::Planned), to_come);
        }
    }
}

fn name_of(record: &RunRecord) -> String {
    format!("run {} of set {}", record.run.run, record.run.set)
}

fn plus(a: FileTotals, b: FileTotals) -> FileTotals {
    FileTotals { files: a.files + b.files, bytes: ByteCount(a.bytes.0 + b.bytes.0) }
}

/// The state as the API names it.
pub(super) fn state_of(state: State) -> EvidenceState {
    match state {
        State::Planned => EvidenceState::Planned,
        State::Written => EvidenceState::Written,
        State::Flushed => EvidenceState::Flushed,
        State::Indexed => EvidenceState::Indexed,
        State::ReadBack => EvidenceState::ReadBack,
        State::Proven => EvidenceState::Proven,
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
        proven.add(&Effective::State(State::ReadBack), totals(3, 30));
        assert!(proven.is_complete());
        assert_eq!(proven.sentence(), "All 3 files were read back and agree.");
        proven.add(&Effective::State(State::Flushed), totals(1, 5));
        assert!(!proven.is_complete());
        assert!(proven.sentence().starts_with("1 of 4 files are not safe"));
        proven.add(&Effective::Failed { reason: "x".to_owned() }, totals(1, 1));
        assert!(proven.sentence().starts_with("1 of 5 files have a bad copy"));
        assert_eq!((proven.files(), proven.bytes(), proven.rows().len()), (5, 36, 6));
        let unended = Proven { unended: Some("It failed"), ..Proven::default() };
        assert!(!unended.is_complete());
    }

    #[test]
    fn a_run_in_two_copies_is_complete_only_if_both_are() {
        let of = |state, files| {
            let mut proven = Proven::default();
            proven.add(&Effective::State(state), totals(files, files));
            proven
        };
        let copies = [of(State::Indexed, 3), of(State::Indexed, 3)];
        let proven = Proven::of_copies(CopyLetter::first(2).zip(copies).collect());
        assert!(proven.is_complete());
        assert_eq!(proven.files(), 3, "a file counts once");
        let copies = [of(State::Planned, 3), of(State::Indexed, 3)];
        let proven = Proven::of_copies(CopyLetter::first(2).zip(copies).collect());
        assert!(!proven.is_complete());
        assert_eq!(proven.rows()[3].files, 3, "as it stands in the best copy");
        assert!(proven.sentence().starts_with("Copy A: 3 of 3 files are not safe"));
        let rows = proven.copy_rows();
        assert_eq!(rows.iter().map(|row| row.is_complete).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn files_that_wait_to_be_stored_again_are_not_claimed_twice() {
        let volume = VolumeUuid::random();
        let states = [State::Indexed, State::ReadBack].map(Effective::State);
        let of_a = |state: &Effective| ((CopyLetter::A, state.clone()), totals(5, 50));
        let referred = ReferredEvidence {
            files: states.iter().map(|state| (state.clone(), totals(5, 50))).collect(),
            copies: states.iter().map(of_a).collect(),
            volumes: states.map(|state| ((volume, state), totals(5, 50))).into(),
        };
        let mut proven = Proven::default();
        proven.refer(CopyLetter::A, &referred, totals(3, 30));
        let rows: Vec<u64> = proven.rows().iter().map(|row| row.files).collect();
        assert_eq!((rows, proven.bytes()), (vec![0, 0, 0, 3, 0, 0], 30));
    }
}
