//! A file that is written while what comes next in it is still made.

use std::io::{self, Write};
use std::mem;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

/// What goes to the other thread at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces that may wait for the disk.
const PIECES_BEHIND: usize = 2;

/// Writes to `W` on a thread of its own. What was written has arrived, and did not fail, once
/// [`finish`](Self::finish) has said so; a failure before that is an error of the next write.
#[derive(Debug)]
pub struct WriteBehind<W> {
    piece: Vec<u8>,
    output: Output<W>,
}

#[derive(Debug)]
enum Output<W> {
    /// Not enough was written yet for a thread.
    Here(W),
    Behind(Behind<W>),
    /// It has failed, and that was said.
    Gone,
}

#[derive(Debug)]
struct Behind<W> {
    full: Sender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<W>>,
}

impl<W: Write + Send + 'static> WriteBehind<W> {
    /// Nothing is written to `output` yet.
    pub fn new(output: W) -> Self {
        Self { piece: Vec::new(), output: Output::Here(output) }
    }

    /// Waits until everything is written, and gives the output back.
    ///
    /// # Errors
    /// If any of it could not be written, and no write has said so.
    pub fn finish(mut self) -> io::Result<W> {
        let piece = mem::take(&mut self.piece);
        match mem::replace(&mut self.output, Output::Gone) {
            Output::Here(mut output) => output.write_all(&piece).map(|()| output),
            Output::Behind(behind) => {
                // Refused if it has failed, which the end says.
                let _ = behind.full.send(piece);
                behind.end()
            }
            Output::Gone => Err(gone()),
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let behind = match mem::replace(&mut self.output, Output::Gone) {
            Output::Here(output) => Behind::begin(output)?,
            Output::Behind(behind) => behind,
            Output::Gone => return Err(gone()),
        };
        let piece = behind.empty.recv().unwrap_or_default();
        let piece = mem::replace(&mut self.piece, piece);
        if behind.full.send(piece).is_err() {
            return behind.end().and(Err(gone()));
        }
        self.output = Output::Behind(behind);
        Ok(())
    }
}

impl<W: Write + Send + 'static> Write for WriteBehind<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing: see [`WriteBehind::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W> Drop for WriteBehind<W> {
    fn drop(&mut self) {
        if let Output::Behind(behind) = mem::replace(&mut self.output, Output::Gone) {
            // Whoever makes the file anew must not meet the thread in it.
            let _ = behind.end();
        }
    }
}

impl<W> Behind<W> {
    /// Waits for the thread.
    fn end(self) -> io::Result<W> {
        drop((self.full, self.empty));
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("writing it has panicked")))
    }
}

impl<W: Write + Send + 'static> Behind<W> {
    fn begin(mut output: W) -> io::Result<Self> {
        let (full, pieces) = bounded::<Vec<u8>>(PIECES_BEHIND);
        let (spare, empty) = bounded(PIECES_BEHIND);
        for _ in 0..PIECES_BEHIND {
            // There is room for all.
            let _ = spare.send(Vec::with_capacity(PIECE_BYTES));
        }
        let builder = std::thread::Builder::new().name("write-behind".to_owned());
        let thread = builder.spawn(move || {
            for mut piece in pieces {
                output.write_all(&piece)?;
                piece.clear();
                // Refused once everything was given.
                let _ = spare.send(piece);
            }
            Ok(output)
        })?;
        Ok(Self { full, empty, thread })
    }
}

fn gone() -> io::Error {
    io::Error::other("writing it has failed before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_whatever_the_size() {
        let sizes = [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 5 * PIECE_BYTES + 3];
        for (size, step) in sizes.into_iter().flat_map(|size| [(size, 4099), (size, 2_500_000)]) {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            let mut writer = WriteBehind::new(Vec::new());
            for piece in bytes.chunks(step) {
                writer.write_all(piece).unwrap();
            }
            assert_eq!(writer.finish().unwrap(), bytes, "{size} bytes");
        }
    }

    /// Takes some bytes and then no more.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.0 -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_said_by_a_write_or_at_the_end() {
        const PIECES: usize = 8;
        for room in [0, 10, 3 * PIECE_BYTES, (PIECES - 1) * PIECE_BYTES] {
            let mut writer = WriteBehind::new(Full(room));
            let piece = vec![1; PIECE_BYTES];
            let failure = (0..PIECES).find_map(|_| writer.write_all(&piece).err());
            let kind = match failure {
                Some(failure) => {
                    assert!(writer.write_all(&piece).is_err(), "it has failed");
                    failure.kind()
                }
                None => writer.finish().err().unwrap().kind(),
            };
            assert_eq!(kind, io::ErrorKind::StorageFull, "{room} bytes of room");
        }
    }

    #[test]
    fn what_is_dropped_unfinished_writes_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = WriteBehind::new(file.reopen().unwrap());
        writer.write_all(&vec![1; 3 * PIECE_BYTES]).unwrap();
        drop(writer);
        file.as_file().set_len(0).unwrap();
        assert_eq!(file.as_file().metadata().unwrap().len(), 0);
    }
}
