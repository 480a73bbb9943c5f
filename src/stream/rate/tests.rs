//! Meters, marks and pacers with values in and values out; what they make together is tested where
//! whole tapes are simulated.

use std::time::Duration;

use super::*;
use crate::stream::config::MediumRates;

const MB: u64 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);
const LTO9: MediumRates = MediumRates::new(&[408 * MB, 305 * MB, 203 * MB, 177 * MB]);
const ROOM: StageRoom = StageRoom { memory_bytes: 200 * MB, total_bytes: 64_000 * MB };

fn source(megabytes: u64, pause: Duration) -> SourceView {
    SourceView { bytes_per_second: Some(megabytes * MB), pause }
}

fn view(staged_bytes: u64, water: Water) -> PaceView {
    PaceView {
        staged_bytes,
        is_ended: false,
        is_full: false,
        is_between_files: true,
        medium: Some(LTO9),
        water,
    }
}

const WATER: Water = Water {
    high_bytes: 1000 * MB,
    low_bytes: 100 * MB,
    span_bytes: 231 * MB,
    full_bytes: 5000 * MB,
};

#[test]
fn a_source_that_sustains_the_medium_is_held_at_its_pause_and_another_at_all_the_room() {
    let pause = 10 * SECOND;
    let sustained = plan_water(Some(LTO9), source(300, pause), ROOM);
    assert_eq!(sustained.low_bytes, 88_500_000);
    assert_eq!(sustained.high_bytes, 10 * 177 * MB + 88_500_000);
    assert_eq!(sustained.span_bytes, 40 * 231 * MB);
    let slow = plan_water(Some(LTO9), source(110, pause), ROOM);
    assert_eq!(slow.high_bytes, 62_720 * MB);
    let unknown = SourceView { bytes_per_second: None, pause };
    assert_eq!(plan_water(Some(LTO9), unknown, ROOM), slow);
    let between = plan_water(Some(LTO9), source(208, pause), ROOM);
    assert!(between.high_bytes > 20_000 * MB && between.high_bytes < 40_000 * MB, "{between:?}");
    assert_eq!(plan_water(None, source(110, pause), ROOM), Water::default());
}

#[test]
fn a_drive_that_compresses_is_fed_as_it_takes_and_needs_a_faster_source() {
    let compressing = LTO9.compressing(true);
    let marks = |rate| plan_water(Some(compressing), source(rate, SECOND), ROOM);
    assert_eq!(marks(300).high_bytes, 62_720 * MB);
    assert_eq!((marks(500).high_bytes, marks(500).low_bytes), (100 * MB, 0));
    let mut pacer = Pacer::default();
    let view = PaceView { medium: Some(compressing), ..view(1000 * MB, marks(500)) };
    assert_eq!(pacer.decide(SECOND, &view), Motion::Run);
    assert_eq!(pacer.band_bytes_per_second(), None);
    let dry = PaceView { staged_bytes: 0, ..view };
    assert_eq!(pacer.decide(SECOND, &dry), Motion::Wait);
}

#[test]
fn a_steady_source_is_held_in_memory_alone() {
    let water = plan_water(Some(LTO9), source(300, SECOND), ROOM);
    assert_eq!((water.high_bytes, water.span_bytes), (100 * MB, 50 * MB));
}

#[test]
fn marks_of_a_fast_medium_and_a_small_room_stay_in_order() {
    let endless = MediumRates::new(&[u64::MAX / 200]);
    for total_bytes in [0, 100, 4096, 1 << 20, 1 << 40] {
        let room = StageRoom { memory_bytes: total_bytes, total_bytes };
        for medium in [LTO9, endless] {
            for rate in [0, 200, 10_000] {
                let water = plan_water(Some(medium), source(rate, 60 * SECOND), room);
                assert!(water.low_bytes <= water.high_bytes, "{water:?}");
                assert!(water.high_bytes + water.span_bytes <= total_bytes, "{water:?}");
            }
        }
    }
}

#[test]
fn a_drive_starts_at_the_high_mark_and_stops_at_the_low_one() {
    let mut pacer = Pacer::default();
    assert_eq!(pacer.decide(SECOND, &view(999 * MB, WATER)), Motion::Stand);
    assert_eq!(pacer.decide(SECOND, &view(1000 * MB, WATER)), Motion::Run);
    assert_eq!(pacer.decide(SECOND, &view(101 * MB, WATER)), Motion::Run);
    assert_eq!(pacer.decide(SECOND, &view(100 * MB, WATER)), Motion::Stand);
    assert_eq!(pacer.decide(SECOND, &view(4999 * MB, WATER)), Motion::Stand, "it had to stop once");
    assert_eq!(pacer.hitch_count(), 0);
    assert_eq!(pacer.decide(SECOND, &view(5000 * MB, WATER)), Motion::Run);
    assert_eq!((pacer.hitch_count(), pacer.underrun_count()), (1, 0));
}

#[test]
fn a_stop_waits_for_the_end_of_a_file_down_to_half_the_low_mark() {
    let mut pacer = Pacer::default();
    assert_eq!(pacer.decide(SECOND, &view(1000 * MB, WATER)), Motion::Run);
    let within = |staged| PaceView { is_between_files: false, ..view(staged, WATER) };
    assert_eq!(pacer.decide(SECOND, &within(100 * MB)), Motion::Run);
    assert_eq!(pacer.decide(SECOND, &within(51 * MB)), Motion::Run);
    assert_eq!(pacer.decide(SECOND, &within(50 * MB)), Motion::Stand);
}

#[test]
fn the_end_of_the_source_or_a_full_stage_starts_a_drive_and_takes_the_limit_off() {
    let pressed = [
        PaceView { is_ended: true, ..view(5, WATER) },
        PaceView { is_full: true, ..view(5, WATER) },
    ];
    for pressed in pressed {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.decide(Duration::ZERO, &pressed), Motion::Run);
        assert_eq!(pacer.band_bytes_per_second(), None);
    }
}

#[test]
fn the_band_follows_the_level_and_does_not_flicker_between_two() {
    let mut pacer = Pacer::default();
    let mut band = |staged: u64| {
        pacer.decide(SECOND, &view(staged * MB, WATER));
        pacer.band_bytes_per_second().map(|band| band / MB)
    };
    assert_eq!(band(1000), Some(177));
    assert_eq!(band(1025), Some(177));
    assert_eq!(band(1026), Some(203));
    assert_eq!(band(1020), Some(203), "the step down comes half a step lower");
    assert_eq!(band(1012), Some(177));
    assert_eq!(band(1128), Some(305));
    assert_eq!(band(1231), None, "as fast as it can");
    assert_eq!(band(1200), None);
    assert_eq!(band(1170), Some(305));
    assert_eq!(band(500), Some(177));
}

#[test]
fn a_drive_is_fed_a_little_above_its_band() {
    let mut pacer = Pacer::default();
    let mut now = SECOND;
    let begun = now;
    let mut bytes = 0;
    while bytes < 1770 * MB {
        match pacer.decide(now, &view(1000 * MB, WATER)) {
            Motion::Run => {
                pacer.note_taken(now, MB / 2);
                bytes += MB / 2;
            }
            Motion::Hold(time) => now += time,
            other => panic!("{other:?}"),
        }
    }
    let seconds = (now - begun).as_secs_f64();
    assert!((9.88..=9.92).contains(&seconds), "{seconds}");
}

#[test]
fn without_a_medium_a_drive_waits_for_the_next_block_and_only_long_waits_cost() {
    let view = |staged| PaceView { medium: None, ..view(staged, Water::default()) };
    let mut pacer = Pacer::default();
    assert_eq!(pacer.decide(Duration::ZERO, &view(1)), Motion::Run);
    assert_eq!(pacer.decide(Duration::ZERO, &view(0)), Motion::Wait);
    assert_eq!(pacer.decide(Duration::from_millis(1), &view(1)), Motion::Run);
    assert_eq!((pacer.underrun_count(), pacer.hitch_count()), (1, 0));
    assert_eq!(pacer.decide(SECOND, &view(0)), Motion::Wait);
    assert_eq!(pacer.decide(2 * SECOND, &view(1)), Motion::Run);
    assert_eq!((pacer.underrun_count(), pacer.hitch_count()), (2, 1));
}

#[test]
fn time_spent_waiting_for_the_drive_does_not_slow_the_source() {
    let mut meter = RateMeter::default();
    let half = SECOND / 2;
    assert_eq!(meter.observe(1000 * SECOND, 0, Duration::ZERO), None, "the clock ran before");
    assert_eq!(meter.observe(1001 * SECOND, 100 * MB, Duration::ZERO), Some(100 * MB));
    assert_eq!(meter.observe(1002 * SECOND, 150 * MB, half), Some(100 * MB));
    assert_eq!(meter.observe(1003 * SECOND, 150 * MB, half + SECOND), Some(100 * MB));
}

#[test]
fn a_source_is_judged_by_its_long_run_and_its_longest_pause_until_that_is_long_ago() {
    let mut meter = SourceMeter::default();
    let (mut at, mut total) = (500 * SECOND, 0);
    meter.observe(at, total, Duration::ZERO);
    assert_eq!(meter.view(at).bytes_per_second, None);
    for _cycle in 0..10 {
        for _ in 0..100 {
            at += SECOND / 10;
            total += 40 * MB;
            meter.observe(at, total, Duration::ZERO);
        }
        at += 30 * SECOND;
    }
    let source = meter.view(at);
    let rate = source.bytes_per_second.unwrap() / MB;
    assert!((90..=120).contains(&rate), "400 MB/s a quarter of the time: {rate}");
    assert!(source.pause > 25 * SECOND && source.pause <= 31 * SECOND, "{source:?}");
    let later = meter.view(at + 600 * SECOND).pause;
    assert!(later < source.pause / 3, "{later:?}");
    // A wait for the drive is no pause of the source.
    let mut waited = SourceMeter::default();
    waited.observe(SECOND, 0, Duration::ZERO);
    waited.observe(60 * SECOND, MB, 59 * SECOND);
    assert!(waited.view(60 * SECOND).pause < 30 * SECOND);
}
