//! A file cut into blocks, the next of which are read while somebody takes one.

use std::io::{self, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Blocks that are read ahead: two for the drive, two for the disk.
const BLOCKS_AHEAD: usize = 4;

/// Hands each block of `input` to `take`, in order. All but the last have `block_bytes`, and none is empty.
///
/// # Errors
/// The first that `take` gives, or what `read_failed` makes of an error of `input`.
pub fn each_block<E>(
    input: &mut (dyn Read + Send),
    block_bytes: usize,
    read_failed: impl Fn(io::Error) -> E,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let first = read_block(input, vec![0; block_bytes]).map_err(&read_failed)?;
    if !first.is_empty() {
        take(&first)?;
    }
    if first.len() < block_bytes {
        return Ok(());
    }
    let (filled, blocks) = bounded(BLOCKS_AHEAD);
    let (spare, empty) = bounded(BLOCKS_AHEAD);
    for _ in 0..BLOCKS_AHEAD {
        // There is room for all.
        let _ = spare.send(vec![0; block_bytes]);
    }
    thread::scope(|scope| {
        // Both ends are dropped when this ends, also early, and with that the other thread ends.
        let (blocks, spare): (Receiver<io::Result<Vec<u8>>>, _) = (blocks, spare);
        scope.spawn(move || read_on(input, block_bytes, &empty, &filled));
        for block in &blocks {
            let block = block.map_err(&read_failed)?;
            if !block.is_empty() {
                take(&block)?;
            }
            // Refused once all is read.
            let _ = spare.send(block);
        }
        Ok(())
    })
}

/// Reads until the end, an error, or nobody wants more.
fn read_on(
    input: &mut (dyn Read + Send),
    block_bytes: usize,
    empty: &Receiver<Vec<u8>>,
    filled: &Sender<io::Result<Vec<u8>>>,
) {
    for block in empty {
        let read = read_block(input, block);
        let is_last = !read.as_ref().is_ok_and(|block| block.len() == block_bytes);
        if filled.send(read).is_err() || is_last {
            return;
        }
    }
}

/// Fills `block`, which is shorter afterwards if the input ends.
fn read_block(input: &mut (dyn Read + Send), mut block: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut filled = 0;
    while filled < block.len() {
        match input.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    block.truncate(filled);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK_BYTES: usize = 16;

    fn blocks_of(input: &mut (dyn Read + Send)) -> Result<Vec<Vec<u8>>, String> {
        let mut blocks = Vec::new();
        let read_failed = |error: io::Error| error.to_string();
        each_block(input, BLOCK_BYTES, read_failed, |block| {
            blocks.push(block.to_owned());
            Ok(())
        })?;
        Ok(blocks)
    }

    #[test]
    fn every_length_comes_in_full_blocks_but_for_the_last() {
        for length in 0..(2 * BLOCKS_AHEAD + 2) * BLOCK_BYTES {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let expected: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
            assert_eq!(blocks_of(&mut bytes.as_slice()).unwrap(), expected, "{length} bytes");
        }
    }

    /// Fails after some bytes, and gives few at a time.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.min(buffer.len()).min(5);
            if count == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            buffer[..count].fill(7);
            self.0 -= count;
            Ok(count)
        }
    }

    #[test]
    fn what_fails_is_said_once_all_before_it_is_taken() {
        for bytes in [0, 3, BLOCK_BYTES, 3 * BLOCK_BYTES + 1] {
            let mut taken = 0;
            let ended = each_block(
                &mut Failing(bytes),
                BLOCK_BYTES,
                |error| error,
                |block| {
                    taken += block.len();
                    Ok(())
                },
            );
            assert_eq!(ended.unwrap_err().to_string(), "the disk is gone");
            assert_eq!(taken, bytes - bytes % BLOCK_BYTES);
        }
    }

    #[test]
    fn who_takes_no_more_ends_it() {
        for taken_max in 0..BLOCKS_AHEAD + 3 {
            let mut taken = 0;
            let ended = each_block(
                &mut io::repeat(1),
                BLOCK_BYTES,
                |error| error,
                |_| {
                    taken += 1;
                    if taken > taken_max { Err(io::Error::other("it is full")) } else { Ok(()) }
                },
            );
            assert_eq!(ended.unwrap_err().to_string(), "it is full");
        }
    }
}
