//! The room on all volumes that one read goes to: the least of them, so that they end at the same file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::volume_room::VolumeRoom;
use crate::stream::{Placement, Room, RoomRequest};

/// The volumes of one read.
#[derive(Debug)]
pub(super) struct SharedRoom {
    rooms: Vec<(Arc<VolumeRoom>, AtomicBool)>,
}

impl SharedRoom {
    /// Of these volumes, in the order of the stream's sinks.
    pub(super) fn of(rooms: impl IntoIterator<Item = Arc<VolumeRoom>>) -> Self {
        let rooms = rooms.into_iter().map(|room| (room, AtomicBool::new(false)));
        Self { rooms: rooms.collect() }
    }

    /// True if the stream ended because nothing more fits on this volume. One with more room than the
    /// least takes more, in another read.
    pub(super) fn is_full(&self, at: usize) -> bool {
        self.rooms.get(at).is_some_and(|(_, is_full)| is_full.load(Ordering::Relaxed))
    }

    fn note_full(&self, bytes: u64, request: &RoomRequest) {
        for (room, is_full) in &self.rooms {
            is_full.store(room.is_used_up_by(bytes, request), Ordering::Relaxed);
        }
    }
}

impl Room for SharedRoom {
    fn place(&self, request: &RoomRequest) -> Placement {
        let least = self.rooms.iter().min_by_key(|(room, _)| room.left_for(request));
        let Some((least, _)) = least else { return Placement::Whole };
        let placement = least.place(request);
        match placement {
            Placement::Whole => {
                for (room, _) in &self.rooms {
                    if !Arc::ptr_eq(room, least) {
                        room.admit();
                    }
                }
            }
            Placement::Split { bytes } => self.note_full(bytes, request),
            Placement::NextVolume => self.note_full(0, request),
        }
        placement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MIB;

    fn shared(first: u64, second: u64) -> SharedRoom {
        let room = |bytes| Arc::new(VolumeRoom::new(bytes * MIB, 1000 * MIB, 0));
        SharedRoom::of([room(first), room(second)])
    }

    fn request(stored: u64) -> RoomRequest {
        RoomRequest { ordinal: 0, stored_bytes_max: stored * MIB, stream_bytes: MIB }
    }

    #[test]
    fn a_file_fits_if_it_fits_on_every_volume() {
        let room = shared(1000, 100);
        assert_eq!(room.place(&request(50)), Placement::Whole);
        assert!(matches!(room.place(&request(500)), Placement::Split { .. }));
        assert_eq!([0, 1].map(|at| room.is_full(at)), [false, true]);
    }

    #[test]
    fn volumes_with_the_same_room_are_full_at_the_same_file() {
        let room = shared(100, 100);
        assert!(matches!(room.place(&request(500)), Placement::Split { .. }));
        assert_eq!([0, 1].map(|at| room.is_full(at)), [true, true]);
        let small = shared(10, 10);
        assert_eq!(small.place(&request(500)), Placement::NextVolume);
        assert_eq!([0, 1].map(|at| small.is_full(at)), [true, true]);
    }
}
