//! The points of a scenario: what can happen, at which command or write. Each has a name to repeat it by.

use fossilsafe::vtl::Device;

use crate::faults::{FaultKind, Harm};
use crate::wire::{Blow, Count, Cut, Strike};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Cut(Count, Cut),
    /// One of the table.
    Fault(usize),
}

/// What happens, and at which command or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    what: What,
    at: u64,
}

const AT_COMMANDS: [(Cut, &str); 3] = [
    (Cut::PowerBefore, "power-before"),
    (Cut::PowerDuring, "power-during"),
    (Cut::HostGone, "host-gone"),
];
const AT_WRITES: [(Cut, &str); 2] =
    [(Cut::PowerBefore, "write-before"), (Cut::PowerDuring, "write-torn")];

/// Every point of a task with these commands and so many writes.
pub(crate) fn of(commands: &[(Device, u8)], writes: u64, table: &[FaultKind]) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, (device, opcode)) in (1..).zip(commands) {
        for (cut, _) in AT_COMMANDS {
            places.push(Place { what: What::Cut(Count::Commands, cut), at });
        }
        let kinds = table.iter().enumerate();
        let possible = kinds.filter(|(_, kind)| (kind.happens_to)(*device, *opcode));
        places.extend(possible.map(|(number, _)| Place { what: What::Fault(number), at }));
    }
    for at in 1..=writes {
        for (cut, _) in AT_WRITES {
            places.push(Place { what: What::Cut(Count::Writes, cut), at });
        }
    }
    places
}

impl Place {
    /// What to put on the wire, and what may be wrong afterwards.
    pub(crate) fn strike(&self, table: &[FaultKind]) -> (Strike, Harm) {
        let at = self.at;
        match self.what {
            What::Cut(count, cut) => (Strike { count, at, blow: Blow::Cut(cut) }, Harm::None),
            What::Fault(number) => {
                let kind = &table[number];
                let blow = Blow::Fault(kind.effect.clone());
                (Strike { count: Count::Commands, at, blow }, kind.harm)
            }
        }
    }

    pub(crate) fn name(&self, table: &[FaultKind]) -> String {
        format!("{}@{}", self.kind(table), self.at)
    }

    pub(crate) fn kind(&self, table: &[FaultKind]) -> &'static str {
        let names: &[(Cut, &str)] = match self.what {
            What::Cut(Count::Writes, _) => &AT_WRITES,
            _ => &AT_COMMANDS,
        };
        match self.what {
            What::Cut(_, cut) => names.iter().find(|known| known.0 == cut).map_or("", |k| k.1),
            What::Fault(number) => table[number].name,
        }
    }
}
