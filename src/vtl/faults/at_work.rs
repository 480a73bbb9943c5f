//! A fault plan at work: counts commands, and says what happens to which.
//!
//! While there is no plan, a command costs one look at a flag.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{BlockAccess, ByteMatch, Effect, Fault, FaultPlan, Times, Trigger};
use crate::scsi::Cdb;
use crate::vtl::bytes::{size, wide};
use crate::vtl::log::{Device, LoadedCartridge};

/// A plan at work.
#[derive(Debug, Default)]
pub(in crate::vtl) struct Faults {
    is_active: AtomicBool,
    has_block_faults: AtomicBool,
    active: Mutex<Active>,
}

#[derive(Debug)]
struct Active {
    plan: FaultPlan,
    /// Beside each fault: how often its trigger matched, and how often it happened.
    counts: Vec<Counts>,
    random: StdRng,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    matched: u64,
    happened: u64,
}

impl Default for Active {
    fn default() -> Self {
        Self::new(FaultPlan::default())
    }
}

impl Active {
    fn new(plan: FaultPlan) -> Self {
        let counts = vec![Counts::default(); plan.faults.len()];
        Self { counts, random: StdRng::seed_from_u64(plan.seed), plan }
    }
}

impl Times {
    fn allow(self, happened: u64) -> bool {
        match self {
            Self::Once => happened == 0,
            Self::Count(count) => happened < count,
            Self::Always => true,
        }
    }
}

impl Faults {
    /// Replaces the plan; counting begins anew.
    pub(in crate::vtl) fn set(&self, plan: FaultPlan) {
        let is_block = |fault: &Fault| matches!(fault.trigger, Trigger::Block { .. });
        let mut active = self.active.lock();
        self.is_active.store(!plan.faults.is_empty(), Ordering::SeqCst);
        self.has_block_faults.store(plan.faults.iter().any(is_block), Ordering::SeqCst);
        *active = Active::new(plan);
    }

    pub(in crate::vtl) fn is_power_on_silent(&self) -> bool {
        self.active.lock().plan.silent_power_on
    }

    /// Counts a command; the effect that it meets, if any.
    pub(in crate::vtl) fn at_command(&self, device: Device, cdb: &Cdb) -> Option<Effect> {
        if !self.is_active.load(Ordering::Relaxed) {
            return None;
        }
        let mut active = self.active.lock();
        let Active { plan, counts, random } = &mut *active;
        let mut effect = None;
        for (fault, counts) in plan.faults.iter().zip(counts) {
            if fault.device.is_some_and(|only| only != device) {
                continue;
            }
            let is_due = match &fault.trigger {
                Trigger::Command { nth } => {
                    counts.matched += 1;
                    counts.matched >= *nth
                }
                Trigger::Opcode { opcode, nth, bytes } => {
                    let matches = cdb.opcode() == *opcode
                        && bytes.iter().all(|byte| byte.matches(cdb.as_bytes()));
                    counts.matched += u64::from(matches);
                    matches && counts.matched >= *nth
                }
                Trigger::Random { opcode, one_in } => {
                    opcode.is_none_or(|only| only == cdb.opcode())
                        && random.gen_ratio(1, (*one_in).max(1))
                }
                Trigger::Block { .. } => false,
            };
            if is_due && effect.is_none() && fault.times.allow(counts.happened) {
                counts.happened += 1;
                effect = Some(fault.effect.clone());
            }
        }
        effect
    }

    /// True if the plan has block triggers at all.
    pub(in crate::vtl) fn has_block_faults(&self) -> bool {
        self.has_block_faults.load(Ordering::Relaxed)
    }

    /// The effect that a block meets at the head, if any.
    pub(in crate::vtl) fn at_block(
        &self,
        device: Device,
        way: BlockAccess,
        cartridge: &LoadedCartridge,
        position: (u8, u64),
    ) -> Option<Effect> {
        if !self.has_block_faults() {
            return None;
        }
        let mut active = self.active.lock();
        let Active { plan, counts, .. } = &mut *active;
        let matches = |fault: &Fault| match &fault.trigger {
            Trigger::Block { access, barcode, partition, block } => {
                *access == way
                    && (*partition, *block) == position
                    && barcode.as_ref().is_none_or(|only| *only == cartridge.barcode)
                    && fault.device.is_none_or(|only| only == device)
            }
            _ => false,
        };
        plan.faults.iter().zip(counts).find_map(|(fault, counts)| {
            let happens = matches(fault) && fault.times.allow(counts.happened);
            counts.happened += u64::from(happens);
            happens.then(|| fault.effect.clone())
        })
    }

    /// Flips the bit that a plan names, or one at random.
    pub(in crate::vtl) fn flip(&self, bit: Option<u64>, bytes: &mut [u8]) {
        let bits = wide(bytes.len()) * 8;
        if bits == 0 {
            return;
        }
        let bit = bit.unwrap_or_else(|| self.active.lock().random.gen_range(0..bits)) % bits;
        bytes[size(bit / 8)] ^= 1 << (bit % 8);
    }
}

impl ByteMatch {
    fn matches(self, cdb: &[u8]) -> bool {
        cdb.get(self.at).is_some_and(|byte| byte & self.mask == self.value)
    }
}
