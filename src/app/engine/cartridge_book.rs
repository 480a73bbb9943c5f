//! One cartridge: what is on it, what happened to it, what people say of it.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use super::evidence::state_of;
use super::{Service, answers};
use crate::api::engine::{
    CartridgeBook, EngineError, EngineErrorKind as Kind, ManifestFile, ManifestPart,
};
use crate::api::types::{
    CartridgeEventView, CartridgeLossView, CartridgeView, ContentEntry, ContentKind, FilePath,
    LostFileView, ManifestView, OtherCopy, Page, PageRequest,
};
use crate::catalog::{
    CartridgeEvent, CartridgeRecord, CopyStanding, Effective, FileKind, HistoryPlace, NoteChange,
    SegmentRecord, VolumeEntry, VolumeLoss, VolumeRecord,
};
use crate::domain::{Barcode, RunId, VolumeUuid};
use crate::jobs::backup::manifest_path;
use crate::jobs::equipment::place_of;
use crate::jobs::volume::known_cartridge;
use crate::manifest::ManifestReader;

impl CartridgeBook for Service {
    fn cartridge_contents(
        &self,
        barcode: &Barcode,
        path: &[u8],
        page: &PageRequest,
    ) -> Result<Page<ContentEntry>, EngineError> {
        let Some(volume) = self.volume_on(barcode)? else { return Ok(Page::whole(Vec::new())) };
        let uuid = volume.volume.uuid;
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let after = page.after.as_deref().map(decoded).transpose()?;
        let found = self.parts.catalog.volume_children(uuid, path, after.as_deref(), page.limit);
        let found = found.map_err(answers::catalog)?;
        let entry = |entry| self.content_entry(uuid, path, entry);
        let items = found.entries.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Page { items, next: found.next.map(hex::encode) })
    }

    fn cartridge_history(
        &self,
        barcode: &Barcode,
        page: &PageRequest,
    ) -> Result<Page<CartridgeEventView>, EngineError> {
        let cartridge = self.cartridge_record(barcode)?;
        let before = match &page.after {
            None => HistoryPlace::NEWEST,
            Some(cursor) => place_in(cursor)?,
        };
        let label = cartridge.barcode.as_ref();
        let events =
            self.parts.catalog.cartridge_history(cartridge.id, label, before, page.limit + 1);
        let mut events = events.map_err(answers::catalog)?;
        let is_more = events.len() > page.limit;
        events.truncate(page.limit);
        let last = events.last().filter(|_| is_more).map(|event| event.place);
        let next = last.map(|HistoryPlace { at, source, id }| format!("{at}.{source}.{id}"));
        Ok(Page { items: events.into_iter().map(|event| self.event_view(event)).collect(), next })
    }

    fn cartridge_loss(
        &self,
        barcode: &Barcode,
        limit: usize,
    ) -> Result<CartridgeLossView, EngineError> {
        let loss = match self.volume_on(barcode)? {
            Some(volume) => self.parts.catalog.volume_loss(volume.volume.uuid, limit),
            None => Ok(VolumeLoss::default()),
        };
        let loss = loss.map_err(answers::catalog)?;
        let sentence = loss_sentence(barcode, &loss);
        let items = loss.first.into_iter().map(|file| {
            Ok(LostFileView {
                path: FilePath::from_bytes(&[b"/", file.path.as_slice()].concat()),
                size_bytes: file.size.0,
                run: file.run,
                other_copies: self.other_copies(&file.others, None)?,
            })
        });
        Ok(CartridgeLossView {
            sentence,
            files: loss.all.files,
            bytes: loss.all.bytes.0,
            files_lost: loss.lost.files,
            bytes_lost: loss.lost.bytes.0,
            files_unproven: loss.unproven.files,
            bytes_unproven: loss.unproven.bytes.0,
            items: items.collect::<Result<_, EngineError>>()?,
        })
    }

    fn cartridge_manifests(&self, barcode: &Barcode) -> Result<Vec<ManifestView>, EngineError> {
        let Some(volume) = self.volume_on(barcode)? else { return Ok(Vec::new()) };
        let catalog = &self.parts.catalog;
        let segments = catalog.segments_of_volume(volume.volume.uuid).map_err(answers::catalog)?;
        let view = |segment: SegmentRecord| {
            let path = self.manifest_of(&segment)?;
            Ok(ManifestView {
                set: catalog.run(&segment.run).map_err(answers::catalog)?.run.set,
                run: segment.run,
                copy: segment.copy,
                sha256: segment.manifest_sha256,
                size_bytes: path.and_then(|path| path.metadata().ok()).map(|file| file.len()),
            })
        };
        segments.into_iter().map(view).collect()
    }

    fn cartridge_manifest(
        &self,
        barcode: &Barcode,
        run: &RunId,
        part: ManifestPart,
    ) -> Result<ManifestFile, EngineError> {
        let missing = || {
            EngineError::new(
                Kind::NotFound,
                "manifest_missing",
                format!("No manifest of run {run} on cartridge {barcode} is kept off the tape."),
                "It is on the cartridge, in .fossilsafe/runs; any LTFS software reads it.",
            )
        };
        let volume = self.volume_on(barcode)?.ok_or_else(missing)?;
        let segments = self.parts.catalog.segments_of_volume(volume.volume.uuid);
        let segments = segments.map_err(answers::catalog)?;
        let segment = segments.into_iter().find(|segment| segment.run == *run);
        let list = self.manifest_of(&segment.ok_or_else(missing)?)?.ok_or_else(missing)?;
        let (path, ending) = match part {
            ManifestPart::List => (list, "manifest"),
            ManifestPart::Signature => (list.with_extension("sig"), "sig"),
        };
        let file = File::open(&path).map_err(|_| missing())?;
        let length = file.metadata().map_err(|_| missing())?.len();
        Ok(ManifestFile { file, length, name: format!("{run}.{ending}") })
    }

    fn note_cartridge(
        &self,
        barcode: &Barcode,
        change: &NoteChange,
        by: &str,
    ) -> Result<CartridgeView, EngineError> {
        let cartridge = self.cartridge_record(barcode)?;
        self.may_be_said(barcode, &cartridge, change)?;
        let released = matches!(change, NoteChange::Release)
            && cartridge.note.retained_until.is_some_and(|until| self.present() < until);
        let kept = self.parts.catalog.note_cartridge(cartridge.id, change, self.present(), by);
        kept.map_err(answers::catalog)?;
        if released {
            self.tell_of_forbidden(barcode, &format!("{by} ended its retention before its time"));
        }
        self.changes.send_modify(|value| *value = value.wrapping_add(1));
        self.one_cartridge(barcode)
    }
}

impl Service {
    fn cartridge_record(&self, barcode: &Barcode) -> Result<CartridgeRecord, EngineError> {
        let known = known_cartridge(&self.parts, barcode);
        Ok(known.map_err(|_| answers::unknown_cartridge(barcode))?.cartridge)
    }

    /// The volume that should be on a cartridge.
    fn volume_on(&self, barcode: &Barcode) -> Result<Option<VolumeRecord>, EngineError> {
        let known = known_cartridge(&self.parts, barcode);
        Ok(known.map_err(|_| answers::unknown_cartridge(barcode))?.volume)
    }

    /// The manifest of a segment off the tape; which one it is is told by the manifests themselves.
    fn manifest_of(&self, segment: &SegmentRecord) -> Result<Option<PathBuf>, EngineError> {
        let run = self.parts.catalog.run(&segment.run).map_err(answers::catalog)?.run;
        let folder = self.parts.folders.manifests(&run.set);
        // One a segment of this copy and run: few, and numbered without a gap.
        let candidates = (0..).map(|number| manifest_path(&folder, &run.run, segment.copy, number));
        let mut candidates = candidates.take_while(|path| path.exists());
        Ok(candidates.find(|path| {
            let opened = File::open(path).ok().map(BufReader::new);
            let read = opened.and_then(|file| ManifestReader::open(file).ok());
            read.is_some_and(|read| read.header().volume == segment.volume)
        }))
    }

    /// What cannot be true, or would be an order taken back in silence, is refused.
    fn may_be_said(
        &self,
        barcode: &Barcode,
        cartridge: &CartridgeRecord,
        change: &NoteChange,
    ) -> Result<(), EngineError> {
        let conflict = |code, message: String, step| {
            Err(EngineError::new(Kind::Conflict, code, message, step))
        };
        match change {
            NoteChange::Location(Some(_)) if self.is_here(barcode) => conflict(
                "cartridge_here",
                format!("Cartridge {barcode} is in the library, and the library says where."),
                "Take it out first, by a mail slot; then say where you put it.",
            ),
            NoteChange::Retain(until) if *until <= self.present() => {
                conflict("retention_past", format!("{until} has passed."), "Name a moment to come.")
            }
            NoteChange::Retain(until) => match cartridge.note.retained_until {
                Some(known) if *until < known => conflict(
                    "retention_shorter",
                    format!("Cartridge {barcode} is to be kept until {known}."),
                    "Name a later moment; an admin can end the whole order.",
                ),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn content_entry(
        &self,
        volume: VolumeUuid,
        folder: &[u8],
        entry: VolumeEntry,
    ) -> Result<ContentEntry, EngineError> {
        let folder = folder.strip_prefix(b"/").unwrap_or(folder);
        let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
        let path = FilePath::from_bytes(&[b"/", folder, slash, &entry.name].concat());
        let version = entry.version.as_ref();
        let here = version.and_then(|it| it.copies.iter().find(|copy| copy.volume == volume));
        let copies = version.map(|it| it.copies.as_slice()).unwrap_or_default();
        Ok(ContentEntry {
            path,
            name: String::from_utf8_lossy(&entry.name).into_owned(),
            kind: match version {
                Some(version) => content_kind(version.kind),
                None => ContentKind::Directory,
            },
            size_bytes: version.map(|version| version.size.0),
            modified: version.map(|version| version.modified),
            run: version.map(|version| version.run.clone()),
            evidence: here.map(|copy| state_of(copy.evidence.state())),
            failure: here.and_then(|copy| failure_of(&copy.evidence)),
            other_copies: self.other_copies(copies, Some(volume))?,
        })
    }

    fn other_copies(
        &self,
        copies: &[CopyStanding],
        except: Option<VolumeUuid>,
    ) -> Result<Vec<OtherCopy>, EngineError> {
        let others = copies.iter().filter(|copy| Some(copy.volume) != except);
        let view = |copy: &CopyStanding| {
            Ok(OtherCopy {
                copy: copy.copy,
                barcode: self.barcode_of(copy.volume)?,
                volume: copy.volume,
                evidence: state_of(copy.evidence.state()),
                failure: failure_of(&copy.evidence),
            })
        };
        others.map(view).collect()
    }

    fn event_view(&self, event: CartridgeEvent) -> CartridgeEventView {
        let message = match event.elements {
            None => event.message,
            Some((from, to)) => {
                let (from, to) = (self.name_of_element(from), self.name_of_element(to));
                format!("{} from {from} to {to}", event.message)
            }
        };
        CartridgeEventView { at: event.at, code: event.code, message, job: event.job }
    }

    /// The word for an element, if the library still has it.
    fn name_of_element(&self, address: u16) -> String {
        let sight = self.parts.equipment.sight();
        let mut elements = sight.inventory.iter().flat_map(|found| &found.elements);
        let place = elements.find(|element| element.address.0 == address).and_then(place_of);
        place.map_or_else(|| format!("element {address}"), |place| place.to_string())
    }
}

fn loss_sentence(barcode: &Barcode, loss: &VolumeLoss) -> String {
    let VolumeLoss { all, lost, unproven, .. } = loss;
    if all.files == 0 {
        return format!("Nothing is known to be on cartridge {barcode}.");
    }
    if lost.files + unproven.files == 0 {
        return format!(
            "Without cartridge {barcode} nothing would be lost: each file on it was read back elsewhere."
        );
    }
    let gone = format!("{} files ({}) would be gone", lost.files, lost.bytes);
    let unsure = format!(
        "{} ({}) would have copies that nobody has read back",
        unproven.files, unproven.bytes
    );
    match (lost.files, unproven.files) {
        (_, 0) => format!("Without cartridge {barcode} {gone}."),
        (0, _) => format!("Without cartridge {barcode} no file would be gone, and {unsure}."),
        _ => format!("Without cartridge {barcode} {gone}, and {unsure}."),
    }
}

fn failure_of(evidence: &Effective) -> Option<String> {
    match evidence {
        Effective::Failed { reason } => Some(reason.clone()),
        Effective::State(_) => None,
    }
}

fn content_kind(kind: FileKind) -> ContentKind {
    match kind {
        FileKind::File => ContentKind::File,
        FileKind::Directory => ContentKind::Directory,
        FileKind::Symlink => ContentKind::Symlink,
        FileKind::HardLink => ContentKind::HardLink,
        FileKind::Fifo => ContentKind::Fifo,
        FileKind::Socket => ContentKind::Socket,
        FileKind::Device => ContentKind::Device,
    }
}

fn decoded(cursor: &str) -> Result<Vec<u8>, EngineError> {
    hex::decode(cursor).map_err(|_| answers::bad_cursor(cursor))
}

fn place_in(cursor: &str) -> Result<HistoryPlace, EngineError> {
    let parts: Result<Vec<i64>, _> = cursor.split('.').map(str::parse).collect();
    match parts.as_deref() {
        Ok(&[at, source, id]) => Ok(HistoryPlace { at, source, id }),
        _ => Err(answers::bad_cursor(cursor)),
    }
}
