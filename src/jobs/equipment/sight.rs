//! The library as it was last looked at, for those who only want to know.
//!
//! Every look and every move of a job leaves its inventory here, so that a question of a person never
//! waits for a robot and is never older than the last move.

use std::sync::Arc;

use super::{Equipment, EquipmentError};
use crate::changer::{Changer, ChangerError, ElementAddress, Found, Inventory};
use crate::domain::Timestamp;

/// How often a robot is told the same move. Chosen, no data yet.
const MOVES_MAX: usize = 2;

/// What the last look has shown.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The elements at the last look that succeeded.
    pub inventory: Option<Arc<Inventory>>,
    /// When that was.
    pub taken: Option<Timestamp>,
    /// Why a later look failed.
    pub error: Option<String>,
}

impl Equipment {
    /// The library as it was last looked at. Touches no device.
    #[must_use]
    pub fn sight(&self) -> Sight {
        self.sight.lock().clone()
    }

    /// Looks at every element.
    pub(super) fn look(&self, changer: &mut Changer) -> Result<Inventory, EquipmentError> {
        match changer.inventory() {
            Ok(inventory) => {
                self.saw(&inventory);
                Ok(inventory)
            }
            Err(error) => {
                self.sight.lock().error = Some(error.to_string());
                Err(error.into())
            }
        }
    }

    /// Has the robot move a cartridge, and keeps what the library looks like afterwards.
    ///
    /// Where the cartridge is seen afterwards decides, not the answer: what has arrived was moved, and
    /// from its old place or the robot's hand it is moved once more.
    pub(super) fn carry(
        &self,
        changer: &mut Changer,
        from: ElementAddress,
        to: ElementAddress,
    ) -> Result<(), ChangerError> {
        let mut from = from;
        for _ in 1..MOVES_MAX {
            let error = match self.carry_once(changer, from, to) {
                Err(error) => error,
                Ok(()) => return Ok(()),
            };
            match &error {
                ChangerError::MoveFailed { found: Found::AtSource, .. } => {}
                ChangerError::MoveFailed { found: Found::InRobot(robot), .. } => from = *robot,
                _ => return Err(error),
            }
            tracing::warn!(%error, "a move is tried once more");
        }
        self.carry_once(changer, from, to)
    }

    fn carry_once(
        &self,
        changer: &mut Changer,
        from: ElementAddress,
        to: ElementAddress,
    ) -> Result<(), ChangerError> {
        let error = match changer.move_cartridge(from, to) {
            Ok(moved) => {
                self.saw(&moved.inventory);
                return Ok(());
            }
            Err(error) => error,
        };
        // The move's own error says more than a look that fails too.
        let _ = self.look(changer);
        match error {
            ChangerError::MoveFailed { found: Found::AtDestination, .. } => {
                tracing::warn!(%error, "the cartridge has arrived all the same");
                Ok(())
            }
            error => Err(error),
        }
    }

    fn saw(&self, inventory: &Inventory) {
        let inventory = Some(Arc::new(inventory.clone()));
        let taken = Some(self.clock.now());
        *self.sight.lock() = Sight { inventory, taken, error: None };
    }
}
