//! Files that are on the disk and not in memory: they come out the same, and do not go through the cache.

use std::fs::File;

use super::saving::assert_all_stored;
use super::*;
use crate::source::in_memory::forget;
use crate::stream::StreamEnd;
use crate::stream::cached::is_cached;

#[test]
fn a_large_file_that_is_not_in_memory_is_read_past_the_cache() {
    const BLOCK_BYTES: u32 = 64 * 1024;
    for engine in engines() {
        let folder = Folder::new();
        folder.write("1", b"moves what follows");
        folder.write("2", &pattern(2, 1_500_000));
        folder.write("3", &pattern(3, 3_000_123));
        let files = ["1", "2", "3"].map(|name| File::open(folder.path(name)).unwrap());
        files.iter().for_each(forget);
        let forgets = !is_cached(&files[2], 0, 4096);
        let plan = folder.plan(Codec::None);
        let config = StreamConfig {
            block_bytes: BLOCK_BYTES,
            ram_bytes: 64 * u64::from(BLOCK_BYTES),
            ..tiny(engine)
        };
        let (sink, end) = run(&folder, plan.clone(), &config);
        assert_eq!(end.end, StreamEnd::Finished);
        for record in &sink.records[1..] {
            let place = stored(record).unwrap().place.unwrap();
            assert!(place.offset.is_multiple_of(4096), "{place:?}");
        }
        // A file system in memory has nothing but its cache, and only the ring goes past it.
        if forgets && engine == EngineChoice::Ring {
            assert!(!is_cached(&files[2], 0, 2_900_000), "it was read through the cache");
        }
        assert_all_stored(&folder, &plan, &sink, config.block_bytes);
    }
}

#[test]
fn a_file_of_which_a_part_is_in_memory_comes_from_both() {
    for engine in engines() {
        let folder = Folder::new();
        folder.write("1", &pattern(2, 2_000_001));
        let file = File::open(folder.path("1")).unwrap();
        for range in [0..100_000_usize, 700_000..700_001, 1_999_000..2_000_001] {
            forget(&file);
            let mut part = vec![0; range.len()];
            file.read_exact_at(&mut part, range.start as u64).unwrap();
            let plan = folder.plan(Codec::None);
            let config = StreamConfig { ram_bytes: 1024 * 4096, ..tiny(engine) };
            let (sink, end) = run(&folder, plan.clone(), &config);
            assert_eq!(end.end, StreamEnd::Finished);
            assert_all_stored(&folder, &plan, &sink, config.block_bytes);
        }
    }
}

#[test]
fn small_files_that_are_not_in_memory_are_read_with_those_that_are() {
    for engine in engines() {
        let folder = Folder::new();
        for n in 0..300_u32 {
            folder.write(&format!("{n:03}"), &pattern(n, 1 + 13 * n as usize));
        }
        for n in (0..300).filter(|n| n % 3 > 0) {
            forget(&File::open(folder.path(&format!("{n:03}"))).unwrap());
        }
        let plan = folder.plan(Codec::None);
        let config = tiny(engine);
        let (sink, end) = run(&folder, plan.clone(), &config);
        assert_eq!(end.end, StreamEnd::Finished);
        assert_all_stored(&folder, &plan, &sink, config.block_bytes);
    }
}
