//! What every logical unit has, drive or changer: unit attentions, reservations, removal locks.

use std::collections::{BTreeMap, BTreeSet};

use super::log::InitiatorId;
use super::reservation::Reservations;
use super::senses::Attention;
use crate::scsi::{Completion, Data, Sense, Status};

/// How a command is answered: done, or refused.
pub(super) type Answer = Result<Completion, Refusal>;

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// CHECK CONDITION.
    Check(Sense),
    /// RESERVATION CONFLICT.
    Conflict,
}

impl From<Sense> for Refusal {
    fn from(sense: Sense) -> Self {
        Self::Check(sense)
    }
}

impl Refusal {
    pub(super) fn completion(self) -> Completion {
        match self {
            Self::Check(sense) => Completion::check(sense, 0),
            Self::Conflict => {
                Completion { status: Status::ReservationConflict, sense: None, transferred: 0 }
            }
        }
    }
}

/// Done, nothing to send.
pub(super) fn done() -> Answer {
    Ok(Completion::good(0))
}

/// Sends a page, as much of it as the host has allocated.
pub(super) fn send(data: &mut Data<'_>, page: &[u8], allocation: usize) -> Answer {
    let Data::In(buffer) = data else { return Ok(Completion::good(0)) };
    let count = page.len().min(allocation).min(buffer.len());
    buffer[..count].copy_from_slice(&page[..count]);
    Ok(Completion::good(count))
}

/// The parameter list that came with a command, no longer than the command block says.
pub(super) fn parameters<'a>(data: &'a Data<'_>, length: usize) -> &'a [u8] {
    match data {
        Data::Out(bytes) => &bytes[..bytes.len().min(length)],
        Data::In(_) | Data::None => &[],
    }
}

/// The state that a unit keeps about its initiators.
#[derive(Debug, Default)]
pub(super) struct UnitState {
    /// What each known initiator has still to be told, oldest first.
    attentions: BTreeMap<InitiatorId, Vec<Attention>>,
    pub(super) reservations: Reservations,
    preventing: BTreeSet<InitiatorId>,
    /// No attention for initiators that come for the first time: power came back silently.
    is_silent: bool,
}

impl UnitState {
    /// Takes note of an initiator. To a new one the unit has just been powered on.
    pub(super) fn meet(&mut self, initiator: InitiatorId) {
        let first = if self.is_silent { Vec::new() } else { vec![Attention::PowerOn] };
        self.attentions.entry(initiator).or_insert(first);
    }

    /// The oldest thing that `initiator` has to be told; it counts as told.
    pub(super) fn next_attention(&mut self, initiator: InitiatorId) -> Option<Attention> {
        let waiting = self.attentions.get_mut(&initiator)?;
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }

    /// Every initiator will be told.
    pub(super) fn raise(&mut self, attention: Attention) {
        self.attentions.values_mut().for_each(|waiting| add(waiting, attention));
    }

    /// Every initiator but one will be told.
    pub(super) fn raise_for_others(&mut self, source: InitiatorId, attention: Attention) {
        for (_, waiting) in self.attentions.iter_mut().filter(|(id, _)| **id != source) {
            add(waiting, attention);
        }
    }

    /// Those initiators will be told.
    pub(super) fn raise_for(&mut self, those: &[InitiatorId], attention: Attention) {
        for initiator in those {
            if let Some(waiting) = self.attentions.get_mut(initiator) {
                add(waiting, attention);
            }
        }
    }

    /// Removal is prevented or allowed by one initiator.
    pub(super) fn set_prevent(&mut self, initiator: InitiatorId, prevent: bool) {
        if prevent {
            self.preventing.insert(initiator);
        } else {
            self.preventing.remove(&initiator);
        }
    }

    pub(super) fn is_removal_prevented(&self) -> bool {
        !self.preventing.is_empty()
    }

    /// A reset or a power cycle. Persistent reservations stay where they were made to.
    pub(super) fn reset(&mut self, is_told: bool, power_was_lost: bool) {
        self.preventing.clear();
        self.reservations.reset(power_was_lost);
        self.is_silent = !is_told && power_was_lost;
        for waiting in self.attentions.values_mut() {
            waiting.clear();
            if is_told {
                waiting.push(Attention::PowerOn);
            }
        }
    }
}

fn add(waiting: &mut Vec<Attention>, attention: Attention) {
    if !waiting.contains(&attention) {
        waiting.push(attention);
    }
}
