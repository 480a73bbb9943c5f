//! The compression function of SHA-256, over one message or over two side by side.
//!
//! The instructions for SHA-256 of x86 processors depend each on the one before, so one message leaves the
//! unit that executes them idle for part of the time. Two messages in turn fill it: small files come in
//! batches, and a part of a split file is hashed by itself and as part of the whole. Measured: 3.1 GB/s for two
//! instead of 1.8 one after the other on Zen 4, 2.6 instead of 2.0 on Granite Rapids, whose unit begins a step
//! every third cycle and ends it in the fourth. Each of the two is slower than alone, so what is best for the
//! two forms of a single file depends on the processor ([`ordered`](super::ordered)). One message goes through
//! [`sha2`]; so do two where the instructions are missing.

#![expect(unsafe_code, reason = "the processor's instructions are called by their intrinsics")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sha2::digest::consts::U64;
use sha2::digest::generic_array::GenericArray;

use super::hash::HASH_BLOCK_BYTES;

/// The eight words of a running hash.
pub(super) type Words = [u32; 8];
/// What one step takes.
pub(super) type Block = [u8; HASH_BLOCK_BYTES];

/// Takes `blocks` into `words`.
pub(super) fn compress(words: &mut Words, blocks: &[Block]) {
    let first = blocks.as_ptr().cast::<GenericArray<u8, U64>>();
    // SAFETY: the library's array of 64 bytes is laid out as one of the language, which it is a transparent
    // name of, and there are as many as there were.
    let blocks = unsafe { std::slice::from_raw_parts(first, blocks.len()) };
    sha2::compress256(words, blocks);
}

/// Takes `first.1` into `first.0` and `second.1` into `second.0`.
pub(super) fn compress_two(first: (&mut Words, &[Block]), second: (&mut Words, &[Block])) {
    let shared = first.1.len().min(second.1.len());
    let (first_head, first_rest) = first.1.split_at(shared);
    let (second_head, second_rest) = second.1.split_at(shared);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
    {
        // SAFETY: the processor has the instructions.
        unsafe { x86::compress_two(first.0, first_head, second.0, second_head) };
        compress(first.0, first_rest);
        compress(second.0, second_rest);
        return;
    }
    compress(first.0, first_head);
    compress(second.0, second_head);
    compress(first.0, first_rest);
    compress(second.0, second_rest);
}

/// True if this processor hashes two messages side by side at least half as fast again as one after the other.
/// Found out once, in less than a millisecond.
pub(super) fn is_pairing_fast() -> bool {
    static IS_FAST: LazyLock<bool> = LazyLock::new(|| {
        let blocks = [[0; HASH_BLOCK_BYTES]; TRIED_BLOCKS];
        let apart = shortest(|first, second| {
            compress(first, &blocks);
            compress(second, &blocks);
        });
        let paired = shortest(|first, second| compress_two((first, &blocks), (second, &blocks)));
        apart * 2 >= paired * 3
    });
    *IS_FAST
}

/// Enough for the clock, and few enough for the nearest cache.
const TRIED_BLOCKS: usize = 128;
/// Nothing interrupts the shortest of so many.
const TRIES: usize = 20;

/// The shortest time in which `hash` was done.
fn shortest(hash: impl Fn(&mut Words, &mut Words)) -> Duration {
    let (mut first, mut second) = (Words::default(), Words::default());
    let tries = (0..TRIES).map(|_| {
        let begun = Instant::now();
        hash(black_box(&mut first), black_box(&mut second));
        begun.elapsed()
    });
    tries.min().unwrap_or_default()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
        _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
        _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_storeu_si128,
    };

    use super::{Block, Words};

    /// The round constants of FIPS 180-4, four rounds in one.
    const ROUNDS: [[u32; 4]; 16] = [
        [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
        [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
        [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
        [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
        [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
        [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
        [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
        [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
        [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
        [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
        [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
        [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
        [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
        [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
        [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
        [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
    ];
    /// Quarters of rounds in which the message is still to be extended.
    const EXTENDED: usize = 12;

    /// One message: its words as the instructions want them, and the sixteen words of the block.
    #[derive(Clone, Copy)]
    struct Lane {
        abef: __m128i,
        cdgh: __m128i,
        message: [__m128i; 4],
    }

    /// Takes as many blocks as both have.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub(super) fn compress_two(
        first: &mut Words,
        first_blocks: &[Block],
        second: &mut Words,
        second_blocks: &[Block],
    ) {
        let mut lanes = [load(first), load(second)];
        for (first, second) in first_blocks.iter().zip(second_blocks) {
            let before = lanes;
            for (lane, block) in lanes.iter_mut().zip([first, second]) {
                lane.message = load_message(block);
            }
            // Written out: the index has to be known where the code is made, or the words do not stay in
            // registers.
            macro_rules! quarters {
                ($($quarter:literal)*) => { $(quarter::<$quarter>(&mut lanes);)* };
            }
            quarters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            for (lane, before) in lanes.iter_mut().zip(before) {
                lane.abef = _mm_add_epi32(lane.abef, before.abef);
                lane.cdgh = _mm_add_epi32(lane.cdgh, before.cdgh);
            }
        }
        store(lanes[0], first);
        store(lanes[1], second);
    }

    /// Four rounds of both, each instruction of one lane beside the same of the other.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn quarter<const AT: usize>(lanes: &mut [Lane; 2]) {
        // SAFETY: the array has the sixteen bytes that are loaded.
        let constants = unsafe { _mm_loadu_si128(ROUNDS[AT].as_ptr().cast()) };
        let mut sums = [constants; 2];
        for (lane, sum) in lanes.iter_mut().zip(&mut sums) {
            *sum = _mm_add_epi32(lane.message[AT % 4], constants);
            lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, *sum);
        }
        for (lane, sum) in lanes.iter_mut().zip(sums) {
            let upper = _mm_shuffle_epi32::<0x0e>(sum);
            lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, upper);
        }
        keep_in_step(lanes);
        if AT < EXTENDED {
            for lane in lanes {
                let [one, two] = [lane.message[AT % 4], lane.message[(AT + 1) % 4]];
                let [three, four] = [lane.message[(AT + 2) % 4], lane.message[(AT + 3) % 4]];
                let sum = _mm_sha256msg1_epu32(one, two);
                let sum = _mm_add_epi32(sum, _mm_alignr_epi8::<4>(four, three));
                lane.message[AT % 4] = _mm_sha256msg2_epu32(sum, four);
            }
        }
    }

    /// Both lanes have come here before either goes on. Left alone, the compiler may do a block of one and then
    /// a block of the other, which is too far apart for the processor to do them side by side.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn keep_in_step([first, second]: &mut [Lane; 2]) {
        // SAFETY: there is no instruction in it; two values pass through registers.
        unsafe {
            asm!(
                "/* {} {} */",
                inout(xmm_reg) first.abef,
                inout(xmm_reg) second.abef,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
    }

    /// From the order of the standard to that of the instructions.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn load(words: &Words) -> Lane {
        let at: *const __m128i = words.as_ptr().cast();
        // SAFETY: eight words are two loads of sixteen bytes.
        let (dcba, hgfe) = unsafe { (_mm_loadu_si128(at), _mm_loadu_si128(at.add(1))) };
        let cdab = _mm_shuffle_epi32::<0xb1>(dcba);
        let efgh = _mm_shuffle_epi32::<0x1b>(hgfe);
        Lane {
            abef: _mm_alignr_epi8::<8>(cdab, efgh),
            cdgh: _mm_blend_epi16::<0xf0>(efgh, cdab),
            message: [_mm_setzero_si128(); 4],
        }
    }

    /// And back.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn store(lane: Lane, words: &mut Words) {
        let feba = _mm_shuffle_epi32::<0x1b>(lane.abef);
        let dchg = _mm_shuffle_epi32::<0xb1>(lane.cdgh);
        let dcba = _mm_blend_epi16::<0xf0>(feba, dchg);
        let hgfe = _mm_alignr_epi8::<8>(dchg, feba);
        let at: *mut __m128i = words.as_mut_ptr().cast();
        // SAFETY: eight words are two stores of sixteen bytes.
        unsafe {
            _mm_storeu_si128(at, dcba);
            _mm_storeu_si128(at.add(1), hgfe);
        }
    }

    /// The words of a block, which are big endian.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn load_message(block: &Block) -> [__m128i; 4] {
        let swapped = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let at: *const __m128i = block.as_ptr().cast();
        // SAFETY: a block is four loads of sixteen bytes.
        let loaded = [0, 1, 2, 3].map(|piece| unsafe { _mm_loadu_si128(at.add(piece)) });
        [
            _mm_shuffle_epi8(loaded[0], swapped),
            _mm_shuffle_epi8(loaded[1], swapped),
            _mm_shuffle_epi8(loaded[2], swapped),
            _mm_shuffle_epi8(loaded[3], swapped),
        ]
    }
}
