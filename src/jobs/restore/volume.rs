//! One volume of a restore: its cartridge loaded and identified, its items read in tape order.
//!
//! A bad block costs the files in it. A failure of the drive is met by loading the cartridge again a
//! few times; then the volume is left, its items wait, and the restore goes on with others.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::assembly::AssemblyError;
use super::feed::{Feed, Reading};
use super::ledger::Ledger;
use super::order::{GAP, ITEMS_ORDERED_MAX, order_for_reading, place_of};
use super::outs::{Pending, Written};
use super::pages::Pages;
use super::shelf::Whereabouts;
use super::{Restore, problem};
use crate::catalog::{EventLevel, SelectionItem};
use crate::domain::{Barcode, VolumeUuid};
use crate::drive::DriveError;
use crate::jobs::description::Describer;
use crate::jobs::equipment::{EquipmentError, Loaded};
use crate::jobs::error::JobError;
use crate::jobs::identity::Expected;
use crate::jobs::spec::Need;
use crate::jobs::tape_blocks::{TapeBlocks, volume_lost};
use crate::jobs::volume::{TRIES_MAX, identify_expected};
use crate::source::destination::{DestinationError, DestinationErrorKind};
use crate::stream::{
    EdgeError, ItemOutcome, ItemResult, ReadEndReason, ReadRequest, StreamConfig, restore,
};
use problem::word;

/// How the work on a volume ended.
#[derive(Debug)]
pub(super) enum VolumeEnd {
    /// Each of its items was decided, or waits for another volume.
    Read,
    /// The job was stopped at a safe point.
    Stopped,
    /// The destination takes no more.
    Full,
    /// It cannot be used now.
    GivenUp(GivenUp),
}

/// Why a volume is left.
#[derive(Clone, Debug)]
pub(super) struct GivenUp {
    /// What a person can do.
    pub(super) need: Need,
    /// The word for its files, if the job does not wait for that.
    pub(super) word: &'static str,
    /// The sentence for them.
    pub(super) sentence: String,
}

impl GivenUp {
    /// The cartridge is not in the library.
    pub(super) fn missing(place: &Whereabouts) -> Self {
        Self {
            need: Need::Cartridge { barcode: place.barcode.clone(), volume: place.volume },
            word: word::MISSING_CARTRIDGE,
            sentence: format!("{} is not in the library", place.name()),
        }
    }

    /// The volume does not exist any more.
    pub(super) fn erased(place: &Whereabouts) -> Self {
        let sentence = format!("volume {} was erased: its cartridge was formatted", place.volume);
        let need = Need::Attention { message: sentence.clone() };
        Self { need, word: word::ERASED, sentence }
    }

    fn wrong(barcode: &Barcode, volume: VolumeUuid, error: &JobError) -> Self {
        let need = Need::Cartridge { barcode: Some(barcode.clone()), volume };
        Self { need, word: word::WRONG_CARTRIDGE, sentence: error.to_string() }
    }

    fn failed(barcode: &Barcode, error: &JobError) -> Self {
        let failure = error.failure();
        let sentence = format!("cartridge {barcode}: {}", problem::chain(error));
        let message = format!("{sentence}. {}", failure.next_step);
        let needs_key = error.drive().is_some_and(DriveError::is_locked_content);
        let word = if needs_key { word::KEY_MISSING } else { word::CARTRIDGE_FAILED };
        Self { need: Need::Attention { message }, word, sentence }
    }
}

impl Restore<'_> {
    /// Reads what the job needs of a volume.
    ///
    /// # Errors
    /// If the catalog or the destination as a whole fails.
    pub(super) fn read_volume(&self, place: &Whereabouts) -> Result<VolumeEnd, JobError> {
        let Some(barcode) = &place.barcode else {
            return Ok(VolumeEnd::GivenUp(GivenUp::missing(place)));
        };
        let mut tries = 0;
        loop {
            let error = match self.load_and_read(place.volume, barcode) {
                Ok(end) => return Ok(end),
                Err(error) => error,
            };
            if self.context.is_stopped() {
                return Ok(VolumeEnd::Stopped);
            }
            match &error {
                JobError::Equipment(EquipmentError::NotInLibrary { .. }) => {
                    return Ok(VolumeEnd::GivenUp(GivenUp::missing(place)));
                }
                JobError::Identity(_) => {
                    let given_up = GivenUp::wrong(barcode, place.volume, &error);
                    return Ok(VolumeEnd::GivenUp(given_up));
                }
                JobError::Equipment(_) | JobError::Drive(_) | JobError::Ltfs(_) => {}
                _ => return Err(error),
            }
            tries += 1;
            let needs_key = error.drive().is_some_and(DriveError::is_locked_content);
            if tries >= TRIES_MAX || needs_key {
                return Ok(VolumeEnd::GivenUp(GivenUp::failed(barcode, &error)));
            }
            let message = format!("trying {barcode} again after: {}", problem::chain(&error));
            self.context.tell(EventLevel::Warning, "volume_again", message);
        }
    }

    fn load_and_read(&self, volume: VolumeUuid, barcode: &Barcode) -> Result<VolumeEnd, JobError> {
        let context = self.context;
        context.stage("loading", Some(barcode));
        let equipment = &context.parts.equipment;
        let mut loaded = equipment.load(barcode, context, &mut |wait| context.tell_wait(wait))?;
        let read = self.read_loaded(&mut loaded, volume, barcode);
        context.stage("putting the cartridge away", Some(barcode));
        if let Err(error) = loaded.put_away() {
            let message = format!("cartridge {barcode} could not be put away: {error}");
            context.tell(EventLevel::Warning, "put_away", message);
        }
        read
    }

    fn read_loaded(
        &self,
        loaded: &mut Loaded,
        volume: VolumeUuid,
        barcode: &Barcode,
    ) -> Result<VolumeEnd, JobError> {
        let context = self.context;
        // For reading, the volume counts and not the cartridge: a copy of a tape is as good, and the
        // hash of every file is compared. The index is not needed: the catalog knows the places.
        let expected = Expected { volume, medium_serial: None, lock: None };
        let (label, map) = identify_expected(context, loaded, &expected)?;
        context.stage("reading", Some(barcode));
        let reading = Reading {
            restore: self,
            ledger: RefCell::new(Ledger::new(context, &self.outs.destination)),
            failure: RefCell::new(None),
            is_full: Cell::new(false),
        };
        let catalog = &context.parts.catalog;
        let mut pages = Pages::of(catalog, context.id, volume)?;
        let waiting = catalog.waiting_count(context.id, volume, ITEMS_ORDERED_MAX + 1)?;
        if waiting <= ITEMS_ORDERED_MAX {
            pages.reorder(|items| {
                let place = |item: &SelectionItem| place_of(item, label.block_size);
                order_for_reading(loaded.drive(), items, GAP, place)
            })?;
        }
        let describer = Describer::default();
        let mut feed = Feed { reading: &reading, map, pages, describer, next_id: 0 };
        let mut blocks = TapeBlocks::identified(loaded.drive(), &label, map);
        let ended = restore(ReadRequest {
            items: Box::new(std::iter::from_fn(|| feed.next_item())),
            reader: &mut blocks,
            outs: Some(&self.outs),
            on_result: &mut |result| reading.keep(reading.settle(result)),
            config: StreamConfig {
                block_bytes: label.block_size,
                keys: Some(context.parts.keys.ring().clone()),
                ..context.parts.streaming.config()
            },
            control: Arc::clone(&context.live.control),
            gauges: Arc::clone(&context.live.gauges),
        });
        let flushed = reading.ledger.borrow_mut().flush();
        if let Some(failure) = reading.failure.take() {
            return Err(failure);
        }
        flushed?;
        let ended = ended?;
        if let Some(failure) = ended.failure {
            return Err(failure.into());
        }
        match ended.why {
            ReadEndReason::Finished if reading.is_full.get() => Ok(VolumeEnd::Full),
            ReadEndReason::Finished => Ok(VolumeEnd::Read),
            ReadEndReason::Cancelled => Ok(VolumeEnd::Stopped),
            ReadEndReason::VolumeLost(error) => Err(volume_lost(error)),
        }
    }
}

impl Reading<'_> {
    /// Notes what became of an item.
    fn settle(&self, ItemResult { id, outcome }: ItemResult) -> Result<(), JobError> {
        let (pending, written) = self.restore.outs.take(id);
        let pending = pending.ok_or_else(|| JobError::Bug(format!("item {id} is unknown")))?;
        match outcome {
            ItemOutcome::Ok { .. } => self.settle_written(&pending, written),
            ItemOutcome::Mismatch { expected, got } => {
                let sentence = format!("the SHA-256 of what was read is {got}, and was {expected}");
                self.settle_bad(&pending, word::MISMATCH, sentence)
            }
            ItemOutcome::Unopened { key } => self.give_up(&pending, &problem::key_missing(key)),
            ItemOutcome::Undecodable { reason } => {
                self.settle_bad(&pending, word::MISMATCH, reason)
            }
            ItemOutcome::ReadError { partition, block, error } => {
                let error: &EdgeError = &error;
                let cause = problem::chain(error.as_ref());
                let sentence = format!("block {block} of partition {partition}: {cause}");
                self.settle_bad(&pending, word::UNREADABLE, sentence)
            }
            ItemOutcome::WriteFailed { error } => match error.downcast::<DestinationError>() {
                Ok(refused) => self.settle_refused(&pending, &refused),
                Err(other) => {
                    let text = problem::text(word::NOT_WRITTEN, other);
                    self.give_up(&pending, &text)
                }
            },
            ItemOutcome::NotRead => Ok(()),
        }
    }

    fn settle_written(&self, pending: &Pending, written: Option<Written>) -> Result<(), JobError> {
        self.restore.count_done(pending.part.map_or(pending.size_bytes, |(_, size)| size));
        match written {
            // A part of a file that is not whole yet.
            None => Ok(()),
            Some(Written::Placed(shortfalls, keys)) => {
                let mut ledger = self.ledger.borrow_mut();
                let reason = problem::shortfalls(&shortfalls);
                keys.into_iter().try_for_each(|key| ledger.done(key, reason.clone()))
            }
            Some(Written::Refused(AssemblyError::Destination(refused), keys)) => {
                if refused.kind() == DestinationErrorKind::Full {
                    self.is_full.set(true);
                    return Ok(());
                }
                let mut ledger = self.ledger.borrow_mut();
                let text = problem::refusal(&refused);
                keys.into_iter().try_for_each(|key| ledger.failed(key, text.clone()))
            }
            Some(Written::Refused(error @ AssemblyError::Mismatch { .. }, keys)) => {
                let mut ledger = self.ledger.borrow_mut();
                let text = problem::text(word::MISMATCH, error);
                keys.into_iter().try_for_each(|key| ledger.failed(key, text.clone()))
            }
        }
    }

    /// The copy on the tape is bad.
    fn settle_bad(
        &self,
        pending: &Pending,
        word: &'static str,
        sentence: String,
    ) -> Result<(), JobError> {
        let text = problem::text(word, &sentence);
        self.ledger.borrow_mut().bad_copy(pending.copy, sentence);
        self.give_up(pending, &text)
    }

    fn settle_refused(
        &self,
        pending: &Pending,
        refused: &DestinationError,
    ) -> Result<(), JobError> {
        if refused.kind() == DestinationErrorKind::Full {
            self.is_full.set(true);
            return Ok(());
        }
        self.give_up(pending, &problem::refusal(refused))
    }

    /// The file is not restored; with a split one, neither are its parts.
    fn give_up(&self, pending: &Pending, text: &str) -> Result<(), JobError> {
        let mut ledger = self.ledger.borrow_mut();
        if pending.part.is_some() {
            for key in self.restore.outs.give_up(&pending.target) {
                ledger.failed(key, text.to_owned())?;
            }
        }
        ledger.failed(pending.key, text.to_owned())
    }
}
