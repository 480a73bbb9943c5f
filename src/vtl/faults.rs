//! The fault plan: which command goes wrong, and how.
//!
//! A plan is data (JSON), its randomness seeded, so a failing run is repeated exactly. A fault has
//! a device, a trigger and an effect. Command and opcode triggers count the commands of that device
//! since the plan was set, from 1; block triggers fire when that block passes the head.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::log::{Device, LoadedCartridge};
use crate::domain::Barcode;
use crate::scsi::{Cdb, Sense, SenseKey};

/// Everything that will go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides what is random in it.
    pub seed: u64,
    /// Power comes back without a unit attention.
    pub silent_power_on: bool,
    /// The faults. The first that matches a command is the one that happens.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The device; any if there is none.
    #[serde(default)]
    pub device: Option<Device>,
    /// When.
    pub trigger: Trigger,
    /// What happens.
    pub effect: Effect,
    /// How often.
    #[serde(default)]
    pub times: Times,
}

/// When a fault happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// At the `nth` command of the device and, if `times` says so, at those after it.
    Command {
        /// From 1.
        nth: u64,
    },
    /// At the `nth` command of that opcode and, if `times` says so, at those after it.
    Opcode {
        /// Byte 0 of the command block.
        opcode: u8,
        /// From 1.
        nth: u64,
        /// Further bytes that the block must have; only such commands count.
        #[serde(default)]
        bytes: Vec<ByteMatch>,
    },
    /// When a block is read from or written to the medium.
    Block {
        /// Which way.
        access: BlockAccess,
        /// The cartridge; any if there is none.
        #[serde(default)]
        barcode: Option<Barcode>,
        /// The partition.
        partition: u8,
        /// The number of the block.
        block: u64,
    },
    /// At random, on average at one of `one_in` commands.
    Random {
        /// Only commands of that opcode.
        #[serde(default)]
        opcode: Option<u8>,
        /// At least 1.
        one_in: u32,
    },
}

/// A byte that a command block must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteMatch {
    /// Where, from 0.
    pub at: usize,
    /// Which bits count.
    pub mask: u8,
    /// Their value.
    pub value: u8,
}

/// Which way a block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockAccess {
    /// From the medium to the host.
    Read,
    /// From the drive's buffer to the medium.
    Write,
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Once.
    #[default]
    Once,
    /// So often.
    Count(u64),
    /// Every time.
    Always,
}

/// Whether a command was executed before its answer went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// It was not.
    #[default]
    Skipped,
    /// It was.
    Done,
}

/// When, around a command, the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerMoment {
    /// The command is not executed.
    Before,
    /// It is executed, its answer is lost.
    During,
    /// It is executed and answered; the next one finds nobody.
    After,
}

/// Where the cartridge of a failed move ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveEnd {
    /// It did not leave its place.
    Source,
    /// The robot holds it.
    Robot,
    /// It was put into another element, if that is free; otherwise the robot holds it.
    Element(u16),
    /// It arrived.
    Destination,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// CHECK CONDITION with this sense.
    Sense {
        /// The sense.
        sense: SensePlan,
        /// Whether the command was executed.
        #[serde(default)]
        execution: Execution,
    },
    /// Of the drive's buffer so many objects reach the medium, the rest is lost, and this command,
    /// which is not executed, is told so by a deferred error.
    DeferredError {
        /// The sense; deferred by itself.
        sense: SensePlan,
        /// Objects that were saved.
        #[serde(default)]
        objects_kept: u64,
    },
    /// An unrecovered medium error at the block: a read passes it without data; a write loses it
    /// and what was buffered behind it.
    MediumError,
    /// One bit of the data is wrong and nobody notices. Without a number: at random.
    FlippedBit {
        /// Bit of the block, from 0.
        #[serde(default)]
        bit: Option<u64>,
    },
    /// So many bytes fewer are said to have moved than did (more, if negative).
    LyingResidual {
        /// Bytes.
        missing: i64,
    },
    /// Before the command the tape is at the beginning of partition 0, and nobody is told.
    SilentRewind,
    /// Before the command the device is reset: the buffer is lost, settings and position too.
    Reset {
        /// Whether initiators are told.
        unit_attention: bool,
    },
    /// BUSY.
    Busy,
    /// RESERVATION CONFLICT.
    ReservationConflict,
    /// It is answered GOOD and not executed.
    Ignored,
    /// The transport gets no answer in time.
    TransportTimeout {
        /// Whether the command was executed.
        #[serde(default)]
        execution: Execution,
    },
    /// The transport finds the device gone, for this command.
    TransportGone {
        /// Whether the command was executed.
        #[serde(default)]
        execution: Execution,
    },
    /// The power of the whole library fails.
    PowerFailure {
        /// Around this command.
        moment: PowerMoment,
    },
    /// A move of the changer ends elsewhere. Without sense it is answered GOOD all the same.
    Move {
        /// Where the cartridge is in the end.
        ends: MoveEnd,
        /// What the changer says.
        #[serde(default)]
        sense: Option<SensePlan>,
    },
}

/// Sense in a fault plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensePlan {
    /// SENSE KEY.
    pub key: SenseKey,
    /// ADDITIONAL SENSE CODE.
    pub code: u8,
    /// ADDITIONAL SENSE CODE QUALIFIER.
    pub qualifier: u8,
    /// FILEMARK.
    #[serde(default)]
    pub filemark: bool,
    /// EOM.
    #[serde(default)]
    pub end_of_medium: bool,
    /// ILI.
    #[serde(default)]
    pub incorrect_length: bool,
    /// INFORMATION.
    #[serde(default)]
    pub information: Option<i64>,
}

impl SensePlan {
    /// Sense with those numbers and no bit.
    #[must_use]
    pub fn new(key: SenseKey, code: u8, qualifier: u8) -> Self {
        Self {
            key,
            code,
            qualifier,
            filemark: false,
            end_of_medium: false,
            incorrect_length: false,
            information: None,
        }
    }

    pub(super) fn sense(self) -> Sense {
        let mut sense = Sense::new(self.key, self.code, self.qualifier);
        sense.filemark = self.filemark;
        sense.end_of_medium = self.end_of_medium;
        sense.incorrect_length = self.incorrect_length;
        sense.information = self.information;
        sense
    }
}

impl Fault {
    /// `effect` at the `nth` command of any device.
    #[must_use]
    pub fn at_command(nth: u64, effect: Effect) -> Self {
        Self { device: None, trigger: Trigger::Command { nth }, effect, times: Times::Once }
    }

    /// `effect` at the `nth` command with `opcode`.
    #[must_use]
    pub fn at_opcode(opcode: u8, nth: u64, effect: Effect) -> Self {
        let trigger = Trigger::Opcode { opcode, nth, bytes: Vec::new() };
        Self { device: None, trigger, effect, times: Times::Once }
    }

    /// `effect` when that block of any cartridge is read or written.
    #[must_use]
    pub fn at_block(access: BlockAccess, partition: u8, block: u64, effect: Effect) -> Self {
        let trigger = Trigger::Block { access, barcode: None, partition, block };
        Self { device: None, trigger, effect, times: Times::Once }
    }

    /// The same fault, every time.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: Times::Always, ..self }
    }

    /// The same fault, at one device only.
    #[must_use]
    pub fn on(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }
}

impl FaultPlan {
    /// A plan of one fault.
    #[must_use]
    pub fn of(fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::default() }
    }
}

/// A plan at work.
#[derive(Debug, Default)]
pub(super) struct Faults {
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
    pub(super) fn set(&self, plan: FaultPlan) {
        let is_block = |fault: &Fault| matches!(fault.trigger, Trigger::Block { .. });
        let mut active = self.active.lock();
        self.is_active.store(!plan.faults.is_empty(), Ordering::SeqCst);
        self.has_block_faults.store(plan.faults.iter().any(is_block), Ordering::SeqCst);
        *active = Active::new(plan);
    }

    pub(super) fn is_power_on_silent(&self) -> bool {
        self.active.lock().plan.silent_power_on
    }

    /// Counts a command; the effect that it meets, if any.
    pub(super) fn at_command(&self, device: Device, cdb: &Cdb) -> Option<Effect> {
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
    pub(super) fn has_block_faults(&self) -> bool {
        self.has_block_faults.load(Ordering::Relaxed)
    }

    /// The effect that a block meets at the head, if any.
    pub(super) fn at_block(
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
    pub(super) fn flip(&self, bit: Option<u64>, bytes: &mut [u8]) {
        let bits = super::bytes::wide(bytes.len()) * 8;
        if bits == 0 {
            return;
        }
        let bit = bit.unwrap_or_else(|| self.active.lock().random.gen_range(0..bits)) % bits;
        bytes[super::bytes::size(bit / 8)] ^= 1 << (bit % 8);
    }
}

impl ByteMatch {
    fn matches(self, cdb: &[u8]) -> bool {
        cdb.get(self.at).is_some_and(|byte| byte & self.mask == self.value)
    }
}
