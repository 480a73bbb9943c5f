//! How far each copy is, for those who watch: two drives report at once, and people want one figure.

use std::sync::Arc;

use parking_lot::Mutex;

/// Files and their bytes.
pub(super) type Done = (u64, u64);

/// What all copies have.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    copies: Arc<Mutex<Vec<Done>>>,
}

/// The place of one copy there.
#[derive(Clone, Debug)]
pub(super) struct ShownCopy {
    shown: Shown,
    at: usize,
}

impl Shown {
    /// Of so many copies, which have nothing yet.
    pub(super) fn of(copies: usize) -> Self {
        Self { copies: Arc::new(Mutex::new(vec![(0, 0); copies])) }
    }

    /// For the copy at that place.
    pub(super) fn copy(&self, at: usize) -> ShownCopy {
        ShownCopy { shown: self.clone(), at }
    }
}

impl ShownCopy {
    /// Notes what the copy has; returns what is to be shown. A file counts in full once every copy has it.
    pub(super) fn note(&self, done: Done) -> Done {
        let mut copies = self.shown.copies.lock();
        if let Some(own) = copies.get_mut(self.at) {
            *own = done;
        }
        let sum = copies.iter().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        let count = (copies.len() as u64).max(1);
        (sum.0 / count, sum.1 / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_in_full_once_every_copy_has_it() {
        let shown = Shown::of(2);
        assert_eq!(shown.copy(0).note((10, 100)), (5, 50));
        assert_eq!(shown.copy(1).note((4, 40)), (7, 70));
        assert_eq!(Shown::of(1).copy(0).note((3, 30)), (3, 30));
    }
}
