//! Big-endian fields: read from command blocks and parameter lists, appended to answers.
//!
//! Reading past the end gives zeros, as a device sees a short parameter list. Numbers that do not
//! fit a field are clamped to its largest value, which is what the standards ask of counters.

/// Two bytes at `at`.
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(field(bytes, at))
}

/// Three bytes at `at`.
pub(super) fn be24(bytes: &[u8], at: usize) -> u32 {
    let [a, b, c] = field(bytes, at);
    u32::from_be_bytes([0, a, b, c])
}

/// Four bytes at `at`.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(field(bytes, at))
}

/// Eight bytes at `at`.
pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(field(bytes, at))
}

/// One byte at `at`.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    let present = bytes.get(at..).unwrap_or_default();
    let count = present.len().min(N);
    field[..count].copy_from_slice(&present[..count]);
    field
}

/// A length or count as a `usize`; saturates where the machine is smaller.
pub(super) fn size(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// A length or count as a `u64`.
pub(super) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// An answer under construction.
#[derive(Debug, Default)]
pub(super) struct Page(Vec<u8>);

impl Page {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: impl TryInto<u16>) -> &mut Self {
        self.bytes(&value.try_into().unwrap_or(u16::MAX).to_be_bytes())
    }

    pub(super) fn u24(&mut self, value: impl TryInto<u32>) -> &mut Self {
        let [_, rest @ ..] = value.try_into().unwrap_or(u32::MAX).min(0xFF_FFFF).to_be_bytes();
        self.bytes(&rest)
    }

    pub(super) fn u32(&mut self, value: impl TryInto<u32>) -> &mut Self {
        self.bytes(&value.try_into().unwrap_or(u32::MAX).to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// ASCII, left aligned, cut or padded with spaces to `width`.
    pub(super) fn text(&mut self, text: &str, width: usize) -> &mut Self {
        let end = self.0.len() + width;
        self.0.extend(text.bytes().take(width));
        self.0.resize(end, b' ');
        self
    }

    /// Sets the 8-bit length at `at` to the bytes that follow it.
    pub(super) fn close_u8(&mut self, at: usize) -> &mut Self {
        self.0[at] = u8::try_from(self.0.len() - at - 1).unwrap_or(u8::MAX);
        self
    }

    /// Sets the 16-bit length at `at` to the bytes that follow it.
    pub(super) fn close_u16(&mut self, at: usize) -> &mut Self {
        let following = u16::try_from(self.0.len() - at - 2).unwrap_or(u16::MAX);
        self.0[at..at + 2].copy_from_slice(&following.to_be_bytes());
        self
    }

    /// Sets the 24-bit length at `at` to the bytes that follow it.
    pub(super) fn close_u24(&mut self, at: usize) -> &mut Self {
        let following = u32::try_from(self.0.len() - at - 3).unwrap_or(u32::MAX);
        self.0[at..at + 3].copy_from_slice(&following.to_be_bytes()[1..]);
        self
    }

    /// Sets the 32-bit length at `at` to the bytes that follow it.
    pub(super) fn close_u32(&mut self, at: usize) -> &mut Self {
        let following = u32::try_from(self.0.len() - at - 4).unwrap_or(u32::MAX);
        self.0[at..at + 4].copy_from_slice(&following.to_be_bytes());
        self
    }

    /// Ors bits into the byte at `at`.
    pub(super) fn set(&mut self, at: usize, bits: u8) -> &mut Self {
        self.0[at] |= bits;
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_past_the_end_are_zero_and_lengths_count_what_follows() {
        assert_eq!(be16(&[1], 0), 0x0100);
        assert_eq!(be64(&[], 5), 0);
        assert_eq!(be24(&[9, 1, 2, 3], 1), 0x01_0203);
        let mut page = Page::new();
        page.u8(7).u16(0_u16).text("AB", 3).close_u16(1);
        assert_eq!(page.as_bytes(), [7, 0, 3, b'A', b'B', b' ']);
    }
}
