//! What is protected and proven, summed up in the background: for the first page, for monitors, for alerts.
//!
//! Summing up what an incremental run refers to looks at each of its files, which takes seconds with ten
//! million of them. So it is done by the watch and not by those who ask; a set whose catalog rows have
//! not changed since the last look is not looked at again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{CartridgeView, EvidenceRow, EvidenceState, LibrarySummary, SetsSummary};
use crate::catalog::{RunRecord, SetProof};
use crate::changer::ElementKind;
use crate::domain::{SetName, Timestamp};

/// Everything that one look has summed up.
#[derive(Debug)]
pub(super) struct Standing {
    /// When it began.
    pub(super) at: Timestamp,
    /// By name.
    pub(super) sets: Vec<SetStanding>,
    /// Files of all newest runs by evidence, weakest first.
    pub(super) evidence: Vec<EvidenceRow>,
    /// In slots first.
    pub(super) cartridges: Vec<CartridgeView>,
}

/// How one set stands, by its newest run that has ended, or else by the one that is at work.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SetStanding {
    pub(super) name: SetName,
    pub(super) copies: u8,
    /// When its first run began.
    pub(super) since: Option<Timestamp>,
    pub(super) is_running: bool,
    pub(super) is_complete: bool,
    pub(super) sentence: String,
    pub(super) rows: Vec<EvidenceRow>,
    pub(super) last_proof: Option<Timestamp>,
    stamp: Stamp,
}

/// What the sums of a set follow from.
#[derive(Clone, Debug, PartialEq)]
struct Stamp {
    newest: Option<RunRecord>,
    proof: SetProof,
}

impl SetStanding {
    pub(super) fn files(&self) -> u64 {
        self.rows.iter().map(|row| row.files).sum()
    }

    pub(super) fn proven_files(&self) -> u64 {
        let proven = self.rows.iter().filter(|row| row.state >= EvidenceState::ReadBack);
        proven.map(|row| row.files).sum()
    }
}

impl Standing {
    pub(super) fn sets_summary(&self) -> SetsSummary {
        let count =
            |is: fn(&SetStanding) -> bool| self.sets.iter().filter(|set| is(set)).count() as u64;
        // One that was never proven has no moment, and is counted by itself.
        let oldest = self.sets.iter().filter_map(|set| set.last_proof).min();
        SetsSummary {
            total: self.sets.len() as u64,
            complete: count(|set| set.is_complete),
            never_proven: count(|set| set.last_proof.is_none()),
            files: self.evidence.iter().map(|row| row.files).sum(),
            bytes: self.evidence.iter().map(|row| row.bytes).sum(),
            proven_files: self.sets.iter().map(SetStanding::proven_files).sum(),
            oldest_proof: oldest,
        }
    }
}

impl Service {
    /// The last look, or a first one if there was none.
    pub(super) fn standing(&self) -> Result<Arc<Standing>, EngineError> {
        let last = self.watch.standing.lock().clone();
        last.map_or_else(|| self.sum_up(), Ok)
    }

    /// Looks again.
    pub(super) fn sum_up(&self) -> Result<Arc<Standing>, EngineError> {
        let _one_at_a_time = self.watch.summing.lock();
        let at = self.present();
        let last = self.watch.standing.lock().clone();
        let known: BTreeMap<&SetName, &SetStanding> =
            last.iter().flat_map(|last| &last.sets).map(|set| (&set.name, set)).collect();
        let mut sets = Vec::new();
        let mut by_state: BTreeMap<EvidenceState, EvidenceRow> = BTreeMap::new();
        for record in self.parts.catalog.sets().map_err(answers::catalog)? {
            let set = self.set_standing(&record.name, known.get(&record.name).copied())?;
            for row in &set.rows {
                let sum = by_state.entry(row.state).or_insert(EvidenceRow {
                    state: row.state,
                    files: 0,
                    bytes: 0,
                });
                (sum.files, sum.bytes) = (sum.files + row.files, sum.bytes + row.bytes);
            }
            sets.push(set);
        }
        let standing = Arc::new(Standing {
            at,
            sets,
            evidence: by_state.into_values().collect(),
            cartridges: self.all_cartridges()?,
        });
        *self.watch.standing.lock() = Some(Arc::clone(&standing));
        Ok(standing)
    }

    fn set_standing(
        &self,
        name: &SetName,
        known: Option<&SetStanding>,
    ) -> Result<SetStanding, EngineError> {
        let catalog = &self.parts.catalog;
        let mut runs = catalog.runs(name).map_err(answers::catalog)?;
        let since = runs.last().map(|record| record.run.started);
        // A run that is at work protects nothing yet and takes nothing away.
        let ended = runs.iter().position(|record| record.ended.is_some());
        let newest = (!runs.is_empty()).then(|| runs.swap_remove(ended.unwrap_or(0)));
        let proof = catalog.proof_of_set(name).map_err(answers::catalog)?;
        let stamp = Stamp { newest, proof };
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return Ok(known.clone());
        }
        let proven = stamp.newest.as_ref().map(|newest| self.proven(newest)).transpose()?;
        let newest = stamp.newest.as_ref();
        Ok(SetStanding {
            name: name.clone(),
            copies: newest.map_or(0, |newest| newest.run.copies.max(1)),
            since,
            is_running: newest.is_some_and(|newest| newest.ended.is_none()),
            is_complete: proven.as_ref().is_some_and(super::evidence::Proven::is_complete),
            sentence: proven.as_ref().map(super::evidence::Proven::sentence).unwrap_or_default(),
            rows: proven.as_ref().map(super::evidence::Proven::rows).unwrap_or_default(),
            last_proof: stamp.proof.last_read_back,
            stamp,
        })
    }

    /// The library in figures. Touches no device.
    pub(super) fn library_summary(&self, cartridges: &[CartridgeView]) -> LibrarySummary {
        let sight = self.parts.equipment.sight();
        let count = |kind: ElementKind, is_full: bool| {
            let elements = sight.inventory.iter().flat_map(|found| &found.elements);
            let wanted = elements.filter(|it| it.kind == kind && (it.is_full || !is_full));
            wanted.count() as u64
        };
        let mut summary = LibrarySummary {
            is_practice: self.is_practice,
            is_reachable: sight.error.is_none(),
            slots: count(ElementKind::Slot, false),
            slots_full: count(ElementKind::Slot, true),
            mail_slots: count(ElementKind::MailSlot, false),
            mail_slots_full: count(ElementKind::MailSlot, true),
            ..LibrarySummary::default()
        };
        for drive in self.drive_states() {
            *summary.drives.entry(drive.name().to_owned()).or_default() += 1;
        }
        for cartridge in cartridges {
            *summary.cartridges.entry(cartridge.state.name().to_owned()).or_default() += 1;
        }
        summary
    }
}
