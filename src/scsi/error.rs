//! Why the bytes that a device sent are no answer to what it was asked.

/// An answer that cannot be understood. The device is at fault, or the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Fewer bytes than the fixed part of the answer has.
    #[error("{answer} has {got} bytes where {needed} are needed")]
    TooShort {
        /// The standard's name of the answer.
        answer: &'static str,
        /// Bytes received.
        got: usize,
        /// Bytes that its fixed part has.
        needed: usize,
    },
    /// The answer is about something else than was asked, or contradicts itself.
    #[error("{answer} is not one: {problem}")]
    Wrong {
        /// The standard's name of the answer.
        answer: &'static str,
        /// What does not fit.
        problem: &'static str,
    },
}

/// The first bytes of `bytes` as the raw structure `T`.
pub(in crate::scsi) fn prefix<'a, T>(
    bytes: &'a [u8],
    answer: &'static str,
) -> Result<(&'a T, &'a [u8]), AnswerError>
where
    T: zerocopy::FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
{
    T::ref_from_prefix(bytes).map_err(|_| AnswerError::TooShort {
        answer,
        got: bytes.len(),
        needed: size_of::<T>(),
    })
}

/// Runs `parse` on every truncation of `fixture` and with each byte set to FFh. It may refuse, it may
/// not panic.
#[cfg(test)]
pub(in crate::scsi) fn torture<T>(fixture: &[u8], parse: impl Fn(&[u8]) -> T) {
    for len in 0..fixture.len() {
        let _ = parse(&fixture[..len]);
    }
    for at in 0..fixture.len() {
        let mut damaged = fixture.to_vec();
        damaged[at] = 0xFF;
        let _ = parse(&damaged);
    }
}
