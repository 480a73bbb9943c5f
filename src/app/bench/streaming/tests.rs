//! What is promised of every case, in small, and that the simulation agrees with the real stage.

use std::sync::Arc;
use std::time::Duration;

use super::restore_order::{RestoreOrder, RestorePlan};
use super::simulation::{Setup, Way};
use super::source::{BLOCK_BYTES, Feed, MB, SourceKind};
use super::{play_all, setups};
use crate::app::bench::appliance::BENCH_KEY;
use crate::app::engine::virtual_equipment;
use crate::domain::{ByteCount, Clock, GIB, LtoGeneration, VirtualClock};
use crate::drive::{Access, Flush, PartitionPlan};
use crate::stream::rig::{Given, StageRig};
use crate::stream::{MediumRates, StageRoom, StreamConfig};
use crate::vtl::{
    CartridgePlan, LibraryPlan, LibraryRules, MotionCounters, OpenOptions, Storage, Timing,
    VirtualLibrary,
};

/// The whole of it, of 100 GB: long enough for every source to show what it is.
#[test]
fn the_product_stops_no_more_than_the_arithmetic_demands() {
    let ours: Vec<Setup> =
        setups(100_000_000_000).into_iter().filter(|setup| setup.way.is_ours()).collect();
    for (setup, outcome) in ours.iter().zip(play_all(&ours)) {
        assert!(outcome.back_hitches <= outcome.bursts_demanded, "{setup:?}: {outcome:?}");
        assert!(outcome.bytes > 99_000_000_000, "{outcome:?}");
    }
}

/// The real stage, the real drive and the virtual library with its time model; on one thread, so that
/// time is the same in every run. What is missing to the product are the threads and the files.
fn play_for_real(setup: &Setup, ram_bytes: u64) -> (MotionCounters, Duration, u64) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(VirtualClock::default());
    let shared: Arc<dyn Clock> = clock.clone();
    let barcode = format!("FSP001{}", setup.generation.media_suffix()).parse().unwrap();
    let capacity = ByteCount(2 * setup.bytes + GIB);
    let plan = LibraryPlan {
        drives: vec![setup.generation],
        slots: 1,
        mail_slots: 0,
        cartridges: vec![CartridgePlan::data(barcode, setup.generation, capacity)],
        seed: 1,
        rules: LibraryRules::default(),
    };
    let options = OpenOptions {
        clock: shared.clone(),
        timing: Timing::Model,
        storage: Storage::Discard,
        ..OpenOptions::default()
    };
    let library = VirtualLibrary::create_with(folder.path(), &plan, options).unwrap();
    let equipment = virtual_equipment(&library, BENCH_KEY, &shared).unwrap();
    let barcode = format!("FSP001{}", setup.generation.media_suffix()).parse().unwrap();
    let mut loaded = equipment.load(&barcode, &|| false, &mut |_| {}).unwrap();
    let drive = loaded.drive();
    drive.permit(Access::Write);
    drive.format_partitions(PartitionPlan::ltfs()).unwrap();
    drive.locate(crate::domain::Position::new(1, 0)).unwrap();
    let before = library.motion(0).unwrap();

    let rig = StageRig::new(StreamConfig {
        ram_bytes,
        medium: Some(MediumRates::of(setup.generation)),
        clock: shared.clone(),
        ..StreamConfig::default()
    });
    let block = vec![0; usize::try_from(BLOCK_BYTES).unwrap()];
    let begun = clock.elapsed();
    let mut feed = Feed::new(setup.source, setup.bytes);
    let mut next = feed.next();
    let mut next_at = begun + next.unwrap().time;
    loop {
        while let Some(work) = next.filter(|_| next_at <= clock.elapsed()) {
            assert!(rig.push(work.bytes, work.ends_file), "a source of this test never waits");
            next = feed.next();
            next_at += next.map_or(Duration::ZERO, |work| work.time);
            if next.is_none() {
                rig.end();
            }
        }
        match rig.take() {
            Given::Block { bytes } => {
                let bytes = usize::try_from(bytes).unwrap();
                assert!(drive.write_block(&block[..bytes]).unwrap().is_on_tape());
            }
            Given::Stand => clock.advance(next_at.saturating_sub(clock.elapsed())),
            Given::Ended => break,
        }
    }
    assert!(drive.write_filemarks(0, Flush::Synchronous).unwrap().is_on_tape());
    let after = library.motion(0).unwrap();
    let counters =
        MotionCounters { back_hitches: after.back_hitches - before.back_hitches, ..after };
    (counters, clock.elapsed() - begun, rig.figures().drives[0].back_hitches)
}

#[test]
fn the_simulation_agrees_with_the_real_stage_on_the_virtual_library() {
    const RAM: u64 = GIB;
    let room = StageRoom { memory_bytes: RAM / 10 * 8, total_bytes: RAM / 10 * 8 };
    for (generation, source) in [
        (LtoGeneration::Lto9, SourceKind::Steady(80)),
        (LtoGeneration::Lto8, SourceKind::Steady(150)),
    ] {
        let setup = Setup { generation, source, way: Way::Staged, room, bytes: 8000 * MB };
        let simulated = setup.play(Duration::from_secs(1));
        let (counters, time, said) = play_for_real(&setup, RAM);
        // Where the source ends within a burst may differ by a part of the burst.
        let is_close = |count: u64| count.abs_diff(simulated.back_hitches) <= 1;
        assert!(is_close(counters.back_hitches), "{setup:?}: {counters:?} {simulated:?}");
        assert!(is_close(said), "the stage says what it costs: {setup:?}: {said}");
        let ratio = time.as_secs_f64() / simulated.seconds;
        assert!((0.97..1.03).contains(&ratio), "{setup:?}: {ratio}");
    }
}

#[test]
fn a_restore_of_single_files_is_five_times_as_fast_as_in_catalog_order() {
    // By where the wraps end, and by the drive's own advice.
    for generation in [LtoGeneration::Lto8, LtoGeneration::Lto9] {
        let plan = RestorePlan { generation, blocks: 4000, files: 200 };
        let order = RestoreOrder::measure(&plan).unwrap();
        assert!(order.gain() >= 5.0, "{order:?}");
        assert!(order.planned_seconds < order.tape_seconds, "{order:?}");
    }
}
