//! The newest lines of the log, kept in memory for the diagnostics bundle.
//!
//! The journal has all of them; a bundle must not need the right to read it. What is logged once for the owner
//! of the machine only, the code that makes the first admin, is not kept here.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that are kept: an hour of a busy appliance, half a megabyte.
const LINES_MAX: usize = 2000;
/// Longest line that is kept whole.
const LINE_BYTES_MAX: usize = 2000;
/// Events with this target are not kept.
pub(super) const OWNER_ONLY: &str = "fossilsafe::owner_only";

/// The lines.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentLog(Arc<Mutex<VecDeque<String>>>);

/// The one of this process.
pub(super) fn recent_log() -> &'static RecentLog {
    static LOG: OnceLock<RecentLog> = OnceLock::new();
    LOG.get_or_init(RecentLog::default)
}

impl RecentLog {
    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }

    fn push(&self, text: &str) {
        let mut lines = self.0.lock();
        for line in text.lines() {
            let fits = (0..=LINE_BYTES_MAX.min(line.len())).rev();
            let end = fits.into_iter().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            lines.push_back(line[..end].to_owned());
            if lines.len() > LINES_MAX {
                lines.pop_front();
            }
        }
    }
}

impl<'a> MakeWriter<'a> for RecentLog {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter { log: self.clone(), bytes: Vec::new() }
    }
}

/// Collects one event and keeps it when it is dropped.
#[derive(Debug)]
pub(super) struct LineWriter {
    log: RecentLog,
    bytes: Vec<u8>,
}

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.log.push(&String::from_utf8_lossy(&self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_long_ones_are_cut_between_letters() {
        let log = RecentLog::default();
        for number in 0..LINES_MAX + 5 {
            writeln!(log.make_writer(), "line {number}").unwrap();
        }
        writeln!(log.make_writer(), "{}", "ä".repeat(LINE_BYTES_MAX)).unwrap();
        let lines = log.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (LINES_MAX, "line 6"));
        assert_eq!(lines[LINES_MAX - 1].len(), LINE_BYTES_MAX);
    }
}
