//! The data path's settings as the next stream finds them: an engine that runs is given others at any moment.
//!
//! A stream takes them when it begins and keeps them to its end, so a change counts from the next job on,
//! or from the next cartridge of one that is at work.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use crate::domain::LtoGeneration;
use crate::stream::{MediumRates, RateLimits, StreamConfig};

/// See the module.
#[derive(Debug)]
pub struct Streaming(RwLock<Present>);

#[derive(Clone, Debug)]
struct Present {
    config: StreamConfig,
    limits: BTreeMap<LtoGeneration, RateLimits>,
}

impl Streaming {
    /// What streams begin with.
    #[must_use]
    pub fn new(config: StreamConfig, limits: BTreeMap<LtoGeneration, RateLimits>) -> Self {
        Self(RwLock::new(Present { config, limits }))
    }

    /// What the next stream is to have.
    pub fn set(&self, config: StreamConfig, limits: BTreeMap<LtoGeneration, RateLimits>) {
        *self.0.write() = Present { config, limits };
    }

    /// Buffers, engine and staging of a stream that begins now.
    #[must_use]
    pub fn config(&self) -> StreamConfig {
        self.0.read().config.clone()
    }

    /// The rates of a medium of that generation, as a person has limited them.
    #[must_use]
    pub fn limited(&self, generation: Option<LtoGeneration>, rates: MediumRates) -> MediumRates {
        let limits = generation.and_then(|known| self.0.read().limits.get(&known).copied());
        limits.map_or(rates, |limits| rates.limited(limits))
    }
}
