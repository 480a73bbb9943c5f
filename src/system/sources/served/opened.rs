//! A file that the kernel has open, and the process that opened it.
//!
//! The kernel tells of each descriptor that is closed, also of the copy that a new process had before it became
//! another program. An object of a store cannot be written on once it is finished, so it is finished where the
//! process that opened it closes it, and not where another does. What was not finished so is finished when nobody
//! has the file any more; nobody is there then who could be told of an error, so that is logged.

use rustix::io::Errno;

use super::RemoteFile;

/// An open file of a remote tree.
#[derive(Debug)]
pub(super) struct Opened {
    file: Box<dyn RemoteFile>,
    /// Who writes it; of what is only read nobody asks.
    process: Option<u32>,
}

impl Opened {
    /// Opened, to be written if there is a `writer`: a thread as the kernel numbers it.
    pub(super) fn new(file: Box<dyn RemoteFile>, writer: Option<u32>) -> Self {
        Self { file, process: writer.and_then(process_of) }
    }

    pub(super) fn file(&self) -> &dyn RemoteFile {
        &*self.file
    }

    /// `task` has closed a descriptor of it; what could not be written is told to it.
    pub(super) fn closed_by(&self, task: u32) -> Result<(), Errno> {
        let is_another = |opened| process_of(task).is_some_and(|closing: u32| closing != opened);
        if self.process.is_some_and(is_another) { Ok(()) } else { self.file.close() }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Err(error) = self.file.sync() {
            tracing::warn!(%error, "a file that was written to a source is not whole there");
        }
    }
}

/// The process that a thread belongs to, if that can be seen from here.
fn process_of(task: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{task}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_belongs_to_its_process_and_none_to_nobody() {
        let own = std::process::id();
        let thread = std::thread::spawn(|| {
            let task = rustix::thread::gettid().as_raw_nonzero().get();
            process_of(u32::try_from(task).unwrap())
        });
        assert_eq!(thread.join().unwrap(), Some(own));
        assert_eq!(process_of(0), None);
    }
}
