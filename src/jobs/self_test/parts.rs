//! The parts that jobs themselves work with: catalog, keys, library, drives.

use sha2::{Digest as _, Sha256};

use super::{Check, CheckSubject, Verdict, timed};
use crate::changer::{Element, ElementKind};
use crate::domain::{Barcode, LibrarySerial, Sha256Digest};
use crate::drive::AlertSeverity;
use crate::jobs::context::JobContext;
use crate::keys::{Purpose, SignatureVerdict};

/// Reads the whole catalog.
pub(super) fn catalog(context: &JobContext) -> Vec<Check> {
    let asked = || match context.parts.catalog.check() {
        Ok(()) => Verdict::passed("The catalog's file and its sums are sound."),
        Err(error) => Verdict::failed(
            format!("The catalog is damaged: {error}."),
            "Stop the engine, put a copy back or start it with --set-aside-catalog, then run \
             `fossilsafe catalog rebuild`.",
        ),
    };
    vec![timed(context, CheckSubject::Catalog, None, asked)]
}

/// Signs something new, and has it verified by the keys that are trusted.
pub(super) fn keys(context: &JobContext) -> Vec<Check> {
    let keys = &context.parts.keys;
    let asked = || {
        let moment = context.parts.clock.now().text();
        let digest = Sha256Digest(Sha256::digest(moment).into());
        let signature = keys.sign(Purpose::Receipt, &digest);
        match signature.verify(Purpose::Receipt, &digest, keys.pinned()) {
            SignatureVerdict::Trusted { key_id } => {
                Verdict::passed(format!("Key {key_id} signs, and its signatures are trusted here."))
            }
            other => Verdict::failed(
                format!("What this appliance signs, it does not trust itself: {other:?}."),
                "Put the folder of keys back from a catalog backup.",
            ),
        }
    };
    vec![
        timed(context, CheckSubject::Keys, None, asked),
        timed(context, CheckSubject::Kits, None, || kits(context)),
    ]
}

/// Whether what is encrypted can be opened without this machine.
fn kits(context: &JobContext) -> Verdict {
    let ring = context.parts.keys.ring();
    let (keys, kits) = (ring.keys().len(), ring.kits().confirmed().len());
    match (keys, kits) {
        (0, 0) => Verdict::skipped("Nothing is encrypted, and there is no recovery kit."),
        (0, kits) => Verdict::passed(format!("Recovery kits on paper: {kits}.")),
        (keys, 0) => Verdict::failed(
            format!("{keys} data keys are on this machine only: no recovery kit is confirmed."),
            "Print a kit and confirm it: `fossilsafe kit print`.",
        ),
        (keys, kits) => {
            Verdict::passed(format!("{keys} data keys; recovery kits that open them: {kits}."))
        }
    }
}

/// Looks at every element.
pub(super) fn library(context: &JobContext) -> Vec<Check> {
    let equipment = &context.parts.equipment;
    let asked = || {
        if equipment.is_there() && equipment.changer_identity().is_none() {
            return Verdict::skipped("People load the drives by hand: there is no changer.");
        }
        let seen = match equipment.inventory() {
            Ok(seen) => seen,
            Err(error) => {
                return Verdict::failed(
                    format!("The library does not answer: {error}."),
                    "Look at the library and its cables, then run `fossilsafe library inventory`.",
                );
            }
        };
        let full = seen.elements.iter().filter(|element| element.is_full);
        let unread = full.clone().filter(|element| element.barcode.is_none()).count();
        let failing = seen.elements.iter().filter(|element| element.exception.is_some()).count();
        let slots =
            seen.elements.iter().filter(|element| element.kind == ElementKind::Slot).count();
        let sentence = format!("{} cartridges, {slots} slots", full.count());
        match (unread, failing) {
            (0, 0) => Verdict::passed(format!("The library answers: {sentence}.")),
            (0, failing) => Verdict::warning(
                format!("The library answers: {sentence}; {failing} elements report a fault."),
                "See `fossilsafe library show` for which, and look at the library's own panel.",
            ),
            (unread, _) => Verdict::warning(
                format!("The library answers: {sentence}; {unread} labels cannot be read."),
                "Look at the labels: one that is dirty, upside down or missing is not read.",
            ),
        }
    };
    vec![
        timed(context, CheckSubject::Library, None, asked),
        timed(context, CheckSubject::Inventory, None, || inventory(context)),
    ]
}

/// Whether the library has what the catalog says is in it, where that is.
fn inventory(context: &JobContext) -> Verdict {
    let (equipment, catalog) = (&context.parts.equipment, &context.parts.catalog);
    let Some(changer) = equipment.changer_identity() else {
        return Verdict::skipped("There is no changer that could be compared with the catalog.");
    };
    let advice = "Take inventory: `fossilsafe library inventory`.";
    // First the catalog: a cartridge that is moved meanwhile is where the library says.
    let (known, seen) = match (catalog.cartridges(), equipment.inventory()) {
        (Ok(known), Ok(seen)) => (known, seen),
        (Err(error), _) => return Verdict::failed(format!("The catalog: {error}."), advice),
        (_, Err(error)) => return Verdict::failed(format!("The library: {error}."), advice),
    };
    let place_of = |barcode: &Barcode| {
        known.iter().find_map(|it| {
            let is_it = it.barcode.as_ref().is_some_and(|found| found.is_same_label(barcode));
            it.place.as_ref().filter(|(library, _)| is_it && *library == changer.serial)
        })
    };
    let labelled = |element: &Element| element.barcode.clone().filter(|_| element.is_full);
    let mut odd: Vec<String> = Vec::new();
    let mut count = 0_u64;
    for element in &seen.elements {
        let Some(barcode) = labelled(element) else { continue };
        count += 1;
        // What a job has in a drive comes back to its slot.
        let is_there = |place: &(LibrarySerial, u16)| {
            place.1 == element.address.0 || element.kind != ElementKind::Slot
        };
        match place_of(&barcode) {
            Some(place) if is_there(place) => {}
            Some(_) => odd.push(format!("{barcode} is in another place")),
            None => odd.push(format!("{barcode} is not known to be here")),
        }
    }
    for record in &known {
        let Some(barcode) = &record.barcode else { continue };
        let is_said = record.place.as_ref().is_some_and(|place| place.0 == changer.serial);
        if is_said && seen.find_barcode(barcode).next().is_none() {
            odd.push(format!("{barcode} is not here"));
        }
    }
    match odd.first() {
        None => Verdict::passed(format!("{count} cartridges are where the catalog says.")),
        Some(first) => {
            let more = odd.len();
            let sentence = format!("Catalog and library differ in {more} cartridges: {first}.");
            Verdict::warning(sentence, advice)
        }
    }
}

/// Asks every drive that no job has.
pub(super) fn drives(context: &JobContext) -> Vec<Check> {
    let equipment = &context.parts.equipment;
    let mut checks: Vec<Check> = Vec::new();
    for bay in equipment.bays() {
        let asked = || match equipment.drive_report(&bay.serial) {
            Ok(None) => Verdict::skipped("A job has it."),
            Ok(Some(report)) => {
                let grave =
                    |alert: &&crate::drive::TapeAlert| alert.severity() == AlertSeverity::Critical;
                match report.alerts.iter().find(grave) {
                    Some(alert) => Verdict::failed(
                        alert.sentence(),
                        "See the drive's page; use no cartridge in it that there is one copy of.",
                    ),
                    None if !report.alerts.is_empty() => Verdict::warning(
                        report.alerts[0].sentence(),
                        "See the drive's page for what to do about it.",
                    ),
                    None if report.statistics.cleaning_required => Verdict::warning(
                        "It answers, and asks to be cleaned.",
                        "Clean it: `fossilsafe library clean SERIAL`.",
                    ),
                    None => Verdict::passed(format!("{} {} answers.", bay.vendor, bay.product)),
                }
            }
            Err(error) => Verdict::failed(
                format!("It does not answer: {error}."),
                "Look at its cables and whether another host has reserved it.",
            ),
        };
        checks.push(timed(context, CheckSubject::Drive, Some(bay.serial.0.as_str()), asked));
    }
    if checks.is_empty() {
        let none = || {
            Verdict::failed(
                "No tape drive is connected.",
                "Switch the library on and check its cables; it is used as soon as it answers.",
            )
        };
        checks.push(timed(context, CheckSubject::Drive, None, none));
    }
    checks
}

/// What the program around the jobs has to prove.
pub(super) fn machine(context: &JobContext) -> Vec<Check> {
    let Some(machine) = context.parts.machine.get() else {
        // A job that is taken up again may be faster than the program around it.
        let early = || Verdict::skipped("The engine was still starting: run the self-test again.");
        let all = [
            CheckSubject::Audit,
            CheckSubject::Disk,
            CheckSubject::Staging,
            CheckSubject::Clock,
            CheckSubject::Certificate,
            CheckSubject::Source,
        ];
        return all.map(|subject| timed(context, subject, None, early)).into();
    };
    machine.checks()
}
