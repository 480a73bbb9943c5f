//! One round: the source read once from some place on, and written to every copy that stands there and
//! for which a drive is free.
//!
//! The round ends where the least of the volumes is full, where another copy can join, or with the plan.
//! Then every volume is closed, so that between two rounds each copy is safe as far as it has come.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Backup;
use super::room::SharedRoom;
use super::segment::{Segment, SegmentEnd, StreamStop, planned_files};
use super::sink::TapeSink;
use crate::catalog::EventLevel;
use crate::domain::{Barcode, ByteCount, CopyLetter};
use crate::jobs::equipment::{EquipmentError, Loaded};
use crate::jobs::error::JobError;
use crate::jobs::pool::run_key;
use crate::jobs::spec::Compression;
use crate::source::Source;
use crate::stream::{
    BackupEnd, BackupRequest, BlockSink, Gauges, SinkEndReason, StagingState, StreamConfig,
    StreamError, backup,
};

/// A copy that takes part in a round.
struct Member<'a> {
    at: usize,
    segment: Segment<'a>,
    loaded: Loaded,
    sink: TapeSink<'a>,
}

/// Why the stream to a copy ended.
type Stopped = Result<StreamStop, JobError>;

/// What has come of the round for a copy.
type MemberEnd = (usize, Result<SegmentEnd, JobError>);

impl<'a> Backup<'a> {
    /// Writes the copies `ready`, each to its segment, as far as there are drives for them.
    ///
    /// # Errors
    /// If the run cannot go on. What the catalog says then is true.
    pub(super) fn write_round(&mut self, ready: &[(usize, usize)]) -> Result<(), JobError> {
        let loaded = self.load(ready)?;
        let mut members = Vec::new();
        let mut ends: Vec<MemberEnd> = Vec::new();
        let mut idle = Vec::new();
        for (at, segment, mut loaded) in loaded {
            let segment = self.segment(at, segment);
            match segment.begin(&mut loaded) {
                Ok(sink) => members.push(Member { at, segment, loaded, sink }),
                Err(error) => {
                    ends.push((at, Err(error)));
                    idle.push(loaded);
                }
            }
        }
        idle.extend(set_apart(&mut members));
        if !members.is_empty() {
            ends.extend(self.stream_and_close(&mut members));
        }
        for member in members {
            let Member { at, segment, mut loaded, sink } = member;
            loaded.take_back(sink.into_volume().into_drive());
            let number = segment.state.number as usize;
            self.state.copies[at].segments[number] = segment.state;
            idle.push(loaded);
        }
        for loaded in idle {
            self.put_away(loaded);
        }
        self.note_ends(ends)
    }

    /// Loads the cartridges of the round. One drive is waited for; the others take part if they are free.
    fn load(&mut self, ready: &[(usize, usize)]) -> Result<Vec<(usize, usize, Loaded)>, JobError> {
        let context = self.context;
        let equipment = &context.parts.equipment;
        let mut loaded: Vec<(usize, usize, Loaded)> = Vec::new();
        for &(at, segment) in ready {
            let state = &self.state.copies[at].segments[segment];
            let (copy, barcode) = (state.copy, state.barcode.clone());
            context.stage("loading", Some(&barcode));
            let wait = &mut |wait: &_| context.tell_wait(wait);
            let found = match loaded.is_empty() {
                true => equipment.load(&barcode, context, wait).map(Some),
                false => equipment.load_if_free(&barcode, context, wait),
            };
            match found {
                Ok(Some(cartridge)) => loaded.push((at, segment, cartridge)),
                Ok(None) => self.tell_of_want(copy, &barcode),
                Err(EquipmentError::Stopped) => break,
                Err(error) => {
                    if let Err(error) = self.set_back(at, error.into()) {
                        loaded.into_iter().for_each(|(_, _, loaded)| self.put_away(loaded));
                        return Err(error);
                    }
                }
            }
        }
        Ok(loaded)
    }

    /// Says once for each cartridge that it has to wait for its turn.
    fn tell_of_want(&mut self, copy: CopyLetter, barcode: &Barcode) {
        if self.told_of_want.replace(barcode.clone()).as_ref() != Some(barcode) {
            let message = format!(
                "no drive is free for cartridge {barcode}: copy {copy} is written after the others, \
                 from another read"
            );
            self.context.tell(EventLevel::Warning, "one_after_the_other", message);
        }
    }

    fn segment(&self, at: usize, segment: usize) -> Segment<'a> {
        let copy = &self.state.copies[at];
        Segment {
            context: self.context,
            spec: self.spec,
            run: self.state.facts(),
            files: self.files.of_copy(copy.copy),
            volumes: copy.segments.iter().map(|s| (s.volume, s.sequence)).collect(),
            state: copy.segments[segment].clone(),
            shown: self.shown.copy(at),
        }
    }

    /// Writes until the round ends, and closes every volume that can be closed.
    fn stream_and_close(&self, members: &mut [Member<'a>]) -> Vec<MemberEnd> {
        let stops = match self.stream(members) {
            Ok(stops) => stops,
            // The read has failed, and with it the run: all copies stay as the catalog says.
            Err(error) => return vec![(members[0].at, Err(error))],
        };
        // Each drive winds to the other partition by itself: one after the other would take minutes a copy.
        std::thread::scope(|scope| {
            let mut closing = Vec::new();
            for (Member { at, segment, sink, .. }, stop) in members.iter_mut().zip(stops) {
                closing.push(scope.spawn(move || {
                    let closed = stop.and_then(|stop| segment.close(sink, stop));
                    let end = closed.map(|(end, manifest)| {
                        segment.state.manifest = Some(manifest);
                        end
                    });
                    (*at, end)
                }));
            }
            let ended = closing.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            ended.collect()
        })
    }

    /// Reads from where the members stand, for all of them together.
    fn stream(&self, members: &mut [Member<'a>]) -> Result<Vec<Stopped>, JobError> {
        let mark = members[0].sink.mark();
        let total = self.state.totals.files_to_store;
        if mark.ordinal >= total {
            return Ok(members.iter().map(|_| Ok(StreamStop::PlanDone)).collect());
        }
        let until = self.joined_by(mark.ordinal)?;
        self.context.stage("writing", Some(&members[0].segment.state.barcode));
        let config = self.stream_config(members)?;
        let room = SharedRoom::of(members.iter().map(|member| Arc::clone(&member.sink.room)));
        let files = planned_files(self.files.plan(), &self.state.totals, self.spec, mark)?;
        let source: Arc<dyn Source> = self.source.clone();
        let ended = backup(BackupRequest {
            files: Box::new(files.take_while(move |file| file.ordinal < until)),
            source,
            sinks: members.iter_mut().map(|m| &mut m.sink as &mut dyn BlockSink).collect(),
            room: &room,
            config,
            control: Arc::clone(&self.context.live.control),
            gauges: Arc::<Gauges>::clone(&self.context.live.gauges),
        })?;
        let BackupEnd { sinks, failure, figures, .. } = ended;
        self.tell_of_read(members, figures.source_bytes);
        if let StagingState::Bypassed { reason } = &figures.staging {
            let message = format!(
                "{reason}; data went through memory alone, and the drive may have had to wait. \
                 See to the staging disk, or name another one: Settings, Streaming"
            );
            self.context.tell(EventLevel::Warning, "staging_bypassed", message);
        }
        let is_cut_short = match failure {
            None => false,
            Some(failure) if failure.is_of_staging() => {
                self.goes_on_from_memory(&failure);
                true
            }
            Some(failure) => return Err(failure.into()),
        };
        let stop = |(at, end): (usize, crate::stream::SinkEnd)| match end.why {
            SinkEndReason::Complete if end.next_ordinal >= total => Ok(StreamStop::PlanDone),
            SinkEndReason::Complete if !room.is_full(at) => Ok(StreamStop::Between),
            SinkEndReason::Complete | SinkEndReason::Full => Ok(StreamStop::Full),
            // What is on tape is whole; the rest is read again in another round.
            SinkEndReason::Stopped | SinkEndReason::Cancelled if is_cut_short => {
                Ok(StreamStop::Between)
            }
            SinkEndReason::Stopped | SinkEndReason::Cancelled => Ok(StreamStop::Stopped),
            SinkEndReason::Failed(error) => Err(match error.downcast::<JobError>() {
                Ok(error) => *error,
                Err(other) => JobError::Bug(other.to_string()),
            }),
        };
        Ok(sinks.into_iter().enumerate().map(stop).collect())
    }

    /// Buffers, staging and rates for these members, as they are set now.
    fn stream_config(&self, members: &[Member<'a>]) -> Result<StreamConfig, JobError> {
        // What we have compressed or sealed, no drive can compress.
        let is_compressing = self.spec.compression == Compression::None
            && self.state.seal.is_none()
            && members.iter().any(|member| member.sink.is_compressing());
        let loaded = &members[0].loaded;
        let limited =
            |rates| self.context.parts.streaming.limited(loaded.barcode().generation(), rates);
        let rates = loaded.rates().map(limited);
        let mut config = StreamConfig {
            block_bytes: members[0].sink.block_bytes(),
            medium: rates.map(|rates| rates.compressing(is_compressing)),
            seal: run_key(&self.context.parts, self.state.seal)?,
            ..self.context.parts.streaming.config()
        };
        if self.staging_is_lost.load(Ordering::Relaxed) {
            config.staging = None;
        }
        Ok(config)
    }

    /// Says that the staging folder is lost, and does without it to the end of the job.
    fn goes_on_from_memory(&self, failure: &StreamError) {
        self.staging_is_lost.store(true, Ordering::Relaxed);
        let why = failure.source().map(|source| format!(": {source}")).unwrap_or_default();
        let message = format!(
            "{failure}{why}; what was staged there is read again, and the job goes on from memory alone"
        );
        self.context.tell(EventLevel::Warning, "staging_lost", message);
    }

    /// The first file that is not read in this round: where the next of the other copies stands.
    fn joined_by(&self, from: u64) -> Result<u64, JobError> {
        let mut until = u64::MAX;
        for (at, copy) in self.state.copies.iter().enumerate() {
            if copy.is_done || self.held.contains_key(&at) {
                continue;
            }
            let joins_at = copy.reached(&self.context.parts.catalog)?.joins_at();
            if joins_at > from {
                until = until.min(joins_at);
            }
        }
        Ok(until)
    }

    /// Says which copies one read has fed.
    fn tell_of_read(&self, members: &[Member<'_>], source_bytes: u64) {
        if self.state.copies.len() == 1 {
            return;
        }
        let copies: Vec<String> = members
            .iter()
            .map(|member| {
                let state = &member.segment.state;
                format!("copy {} on {}", state.copy, state.barcode)
            })
            .collect();
        let message = format!("{} read once for {}", ByteCount(source_bytes), copies.join(" and "));
        self.context.tell(EventLevel::Info, "read", message);
    }

    fn put_away(&self, loaded: Loaded) {
        let barcode = loaded.barcode().clone();
        self.context.stage("putting the cartridge away", Some(&barcode));
        if let Err(error) = loaded.put_away() {
            let message = format!("cartridge {barcode} could not be put away: {error}");
            self.context.tell(EventLevel::Warning, "put_away", message);
        }
    }

    /// Keeps what has come of the round, good ends first: an error may end the run.
    fn note_ends(&mut self, ends: Vec<MemberEnd>) -> Result<(), JobError> {
        let mut failures = Vec::new();
        for (at, end) in ends {
            let copy = &mut self.state.copies[at];
            match end {
                Ok(end) => {
                    self.tries.remove(&at);
                    copy.is_done = end == SegmentEnd::PlanDone;
                    // In all other cases the copy goes on here when it is its turn again.
                    if let (SegmentEnd::PlanDone | SegmentEnd::VolumeFull, Some(last)) =
                        (end, copy.segments.last())
                    {
                        let barcode = last.barcode.clone();
                        copy.tried.push(barcode);
                    }
                }
                Err(error) => failures.push((at, error)),
            }
        }
        self.context.checkpoint(&self.state)?;
        failures.into_iter().try_for_each(|(at, error)| self.set_back(at, error))
    }
}

/// Takes out the members that cannot be fed by the same read: another block size, or a place that is not
/// that of the first after all. They are written by a read of their own.
fn set_apart(members: &mut Vec<Member<'_>>) -> Vec<Loaded> {
    let mut apart = Vec::new();
    let Some(first) = members.first() else { return apart };
    let (mark, block_bytes) = (first.sink.mark(), first.sink.block_bytes());
    let mut at = 1;
    while at < members.len() {
        let other = &members[at].sink;
        let is_same = other.block_bytes() == block_bytes
            && (other.mark().ordinal, other.mark().split) == (mark.ordinal, mark.split);
        if is_same {
            at += 1;
            continue;
        }
        let Member { mut loaded, sink, .. } = members.remove(at);
        loaded.take_back(sink.into_volume().into_drive());
        apart.push(loaded);
    }
    apart
}
