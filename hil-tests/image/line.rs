//! A serial port of the guest: what it says is kept from the first byte, and can be waited for.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// One end of a serial port.
pub(crate) struct Line {
    stream: UnixStream,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    text: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Line {
    /// Listens on QEMU's socket of the port until the machine is gone.
    pub(crate) fn of(stream: UnixStream) -> std::io::Result<Self> {
        let heard = Arc::<Heard>::default();
        let (mut from, kept) = (stream.try_clone()?, Arc::clone(&heard));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = from.read(&mut buffer).unwrap_or(0);
                let mut text = kept.text.lock();
                text.bytes.extend(buffer[..count].iter().filter(|&&byte| byte != b'\r'));
                text.is_over = count == 0;
                kept.more.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Ok(Self { stream, heard })
    }

    /// Types something.
    pub(crate) fn send(&self, text: &str) -> Result<(), String> {
        let sent = (&self.stream).write_all(text.as_bytes());
        sent.map_err(|error| format!("nothing can be typed: {error}"))
    }

    /// How much has been said so far; what comes after is looked at with `wait`.
    pub(crate) fn mark(&self) -> usize {
        self.heard.text.lock().bytes.len()
    }

    /// All that was said after a mark.
    pub(crate) fn since(&self, mark: usize) -> String {
        String::from_utf8_lossy(&self.heard.text.lock().bytes[mark..]).into_owned()
    }

    /// Waits until `find` finds something in what was said after `mark`.
    pub(crate) fn wait<T>(
        &self,
        mark: usize,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, String> {
        let end = Instant::now() + limit;
        let mut text = self.heard.text.lock();
        loop {
            let said = String::from_utf8_lossy(&text.bytes[mark..]);
            if let Some(found) = find(&said) {
                return Ok(found);
            }
            let said = said.into_owned();
            if text.is_over {
                return Err(format!("the machine is off; it had said:\n{}", last_of(&said)));
            }
            if self.heard.more.wait_until(&mut text, end).timed_out() {
                return Err(format!("nothing in {limit:?}; it had said:\n{}", last_of(&said)));
            }
        }
    }

    /// Waits until nobody is at its other end any more.
    pub(crate) fn wait_for_end(&self, limit: Duration) -> Result<(), String> {
        let end = Instant::now() + limit;
        let mut text = self.heard.text.lock();
        while !text.is_over {
            if self.heard.more.wait_until(&mut text, end).timed_out() {
                let said = String::from_utf8_lossy(&text.bytes).into_owned();
                return Err(format!("it is still on in {limit:?}; it said:\n{}", last_of(&said)));
            }
        }
        Ok(())
    }
}

/// The end of what was said, as much as helps.
fn last_of(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
