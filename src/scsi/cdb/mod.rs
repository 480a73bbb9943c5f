//! Command blocks: one function a command, typed arguments in, a fixed-size array out.
//!
//! Grouped by standard: [`primary`] (SPC, every device), [`stream`] (SSC, drives), [`changer`] (SMC).
//! A function knows the layout and nothing else: whether a command may be sent, and what its answer
//! means, is decided above. Reserved bits are zero; two choices are an enum, never a bool.

pub mod changer;
pub mod primary;
pub mod stream;

/// The low three bytes of a length, big-endian.
///
/// # Panics
/// If the length needs more than 24 bits: every caller bounds it by a constant far below.
fn be24(length: u32) -> [u8; 3] {
    let [high, a, b, c] = length.to_be_bytes();
    assert!(high == 0, "length {length} does not fit the 24 bits of the field");
    [a, b, c]
}
