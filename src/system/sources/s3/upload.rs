//! A new object on its way: what is written is sent in large parts, and is an object when all of it is there.
//!
//! An object cannot be written anywhere but at its end. Programs that write a file in several threads do so a little
//! out of order; such pieces wait here for those before them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::errno;
use super::store::Store;
use crate::system::sources::served::RemoteFile;

/// The size of a part. Stores take 10,000 parts, so the size doubles after each thousand.
const PART_BYTES: usize = 16 << 20;
const PARTS_OF_A_SIZE: usize = 1000;
/// Most that waits for what was to be written before it.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// An object that is written.
#[derive(Debug)]
pub(super) struct Upload {
    store: Arc<Store>,
    key: Vec<u8>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In their order and not sent yet.
    bytes: Vec<u8>,
    /// How much came before `bytes`.
    sent: u64,
    /// What came too early, by where it belongs.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// The store's name of the upload, and the names of its parts.
    begun: Option<(String, Vec<String>)>,
    /// An object without content stands in its place.
    is_there_empty: bool,
    is_done: bool,
}

impl Upload {
    pub(super) fn new(store: Arc<Store>, key: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { store, key, state: Mutex::default() })
    }

    /// How much was written so far.
    pub(super) fn size_bytes(&self) -> u64 {
        let state = self.state.lock();
        let last = state.waiting.last_key_value();
        let end = last.map_or(0, |(at, bytes)| at + bytes.len() as u64);
        end.max(state.end())
    }

    /// True once it is an object like any other.
    pub(super) fn is_done(&self) -> bool {
        self.state.lock().is_done
    }

    /// Makes it an object, if it is none yet. After that nothing more can be written.
    pub(super) fn finish(&self) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.is_done {
            return Ok(());
        }
        if !state.waiting.is_empty() {
            // A hole; an object has none.
            return Err(Errno::OPNOTSUPP);
        }
        if state.begun.is_some() && !state.bytes.is_empty() {
            self.send_part(&mut state)?;
        }
        let finished = match state.begun.as_ref() {
            None if state.is_there_empty && state.bytes.is_empty() => Ok(()),
            None => {
                let bytes = std::mem::take(&mut state.bytes);
                state.sent += bytes.len() as u64;
                self.store.put(&self.key, bytes)
            }
            Some((upload, parts)) => self.store.complete(&self.key, upload, parts),
        };
        finished.map_err(|error| errno(&error))?;
        state.begun = None;
        state.is_done = true;
        Ok(())
    }

    /// It was removed before it was an object, and becomes none.
    pub(super) fn give_up(&self) {
        let mut state = self.state.lock();
        let begun = state.begun.take();
        *state = State { is_done: true, ..State::default() };
        if let Some((upload, _)) = begun {
            // It stands there until the store tidies up; there is nobody who could do more about it.
            let _ = self.store.abandon(&self.key, &upload);
        }
    }

    fn send_part(&self, state: &mut State) -> Result<(), Errno> {
        let failed = |error| errno(&error);
        let (upload, mut parts) = match state.begun.take() {
            Some(begun) => begun,
            None => (self.store.begin(&self.key).map_err(failed)?, Vec::new()),
        };
        let bytes = std::mem::take(&mut state.bytes);
        state.sent += bytes.len() as u64;
        let sent = self.store.part(&self.key, &upload, parts.len() + 1, bytes);
        let sent = sent.map(|name| parts.push(name));
        state.begun = Some((upload, parts));
        sent.map_err(failed)
    }
}

impl State {
    fn end(&self) -> u64 {
        self.sent + self.bytes.len() as u64
    }

    fn part_bytes(&self) -> usize {
        let sent = self.begun.as_ref().map_or(0, |(_, parts)| parts.len());
        PART_BYTES << (sent / PARTS_OF_A_SIZE)
    }
}

impl RemoteFile for Arc<Upload> {
    fn read_at(&self, _: u64, _: usize) -> Result<Vec<u8>, Errno> {
        Err(Errno::OPNOTSUPP)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.is_done || offset < state.end() {
            return Err(Errno::OPNOTSUPP);
        }
        if offset > state.end() {
            let waiting: usize = state.waiting.values().map(Vec::len).sum();
            if waiting + bytes.len() > WAITING_BYTES_MAX {
                return Err(Errno::OPNOTSUPP);
            }
            state.waiting.insert(offset, bytes.to_vec());
            return Ok(());
        }
        state.bytes.extend_from_slice(bytes);
        loop {
            let end = state.end();
            let Some(next) = state.waiting.remove(&end) else { break };
            state.bytes.extend(next);
        }
        if state.bytes.len() >= state.part_bytes() { self.send_part(&mut state) } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), Errno> {
        self.finish()
    }

    /// A shell closes the descriptor of a file that it has just made for a program, which then writes it: what is
    /// empty is put into place, and can be written on.
    fn close(&self) -> Result<(), Errno> {
        if self.size_bytes() > 0 {
            return self.finish();
        }
        let mut state = self.state.lock();
        if !state.is_there_empty && !state.is_done {
            self.store.put(&self.key, Vec::new()).map_err(|error| errno(&error))?;
            state.is_there_empty = true;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // What was begun and never finished costs its owner money as long as it stands there.
        if let Some((upload, _)) = &self.state.lock().begun {
            let _ = self.store.abandon(&self.key, upload);
        }
    }
}
