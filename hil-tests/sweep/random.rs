//! Several faults at once, over several lives of the host, chosen by a seed, for as long as asked.

use std::path::Path;
use std::time::Instant;

use fossilsafe::vtl::faults::Effect;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::faults::{FaultKind, Harm, table};
use crate::options::{Extent, Options};
use crate::point::Stage;
use crate::rig::Keeping;
use crate::scenarios::SCENARIOS;
use crate::tape::TapeReader;
use crate::wire::{Blow, Count, Cut, Strike};

/// Most lives of a host in one case.
const LIVES_MAX: usize = 3;
/// Most strikes in one life.
const STRIKES_MAX: usize = 4;

/// A scenario with the size of its task.
struct Ready {
    name: &'static str,
    stage: Stage,
    commands: u64,
    writes: u64,
}

/// True if nothing was found.
pub(crate) fn sweep(options: &Options, keeping: Keeping, work: &Path) -> bool {
    let Extent::Random { lasts } = options.extent else { return false };
    let begun = Instant::now();
    let mut reader = TapeReader::default();
    let mut ready = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        let name = scenario.name;
        let stage = crate::prepare(scenario, &work.join(name), keeping, &mut reader);
        let counted = stage.and_then(|stage| {
            let counted = stage.count(&mut reader)?;
            let (commands, writes) = (counted.commands.len() as u64, counted.writes);
            Ok(Ready { name, stage, commands, writes })
        });
        match counted {
            Ok(counted) => ready.push(counted),
            Err(error) => {
                println!("not ok - random sweep: {name} cannot be prepared: {error}");
                return false;
            }
        }
    }
    let table = table();
    let (mut cases, mut bad) = (0_u64, 0_u64);
    while begun.elapsed() < lasts {
        // Each case has its own seed, so that one is repeated without those before it.
        let seed = options.seed.wrapping_add(cases);
        let mut random = StdRng::seed_from_u64(seed);
        let Some(case) = ready.choose(&mut random) else { break };
        let (lives, harm) = lives(&mut random, case, &table);
        let told = format!("{} seed {seed} {lives:?}", case.name);
        let report = case.stage.disturb(lives, harm, &mut reader);
        cases += 1;
        if !report.findings.is_empty() {
            bad += 1;
            crate::show(&told, &report);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "random sweep: seed {}, {cases} cases, {bad} with findings, {seconds:.0} s",
        options.seed
    );
    println!("{} - random sweep", if bad == 0 { "ok" } else { "not ok" });
    bad == 0
}

fn lives(random: &mut StdRng, case: &Ready, table: &[FaultKind]) -> (Vec<Vec<Strike>>, Harm) {
    // What leaves harm that nobody can see is swept alone. A flipped bit is harmless to a read only, and after
    // the first strike nobody knows which command will be a read.
    let is_harmless = |kind: &&FaultKind| {
        kind.harm == Harm::None && !matches!(kind.effect, Effect::FlippedBit { .. })
    };
    let harmless: Vec<_> = table.iter().filter(is_harmless).collect();
    let count = random.gen_range(1..=LIVES_MAX);
    let lives = (0..count).map(|_| {
        let strikes = random.gen_range(1..=STRIKES_MAX);
        let mut life: Vec<_> =
            (1..strikes).filter_map(|_| fault(random, case, &harmless)).collect();
        life.push(cut(random, case));
        life
    });
    (lives.collect(), Harm::None)
}

fn fault(random: &mut StdRng, case: &Ready, kinds: &[&FaultKind]) -> Option<Strike> {
    let kind = kinds.choose(random)?;
    let at = random.gen_range(1..=case.commands);
    Some(Strike { count: Count::Commands, at, blow: Blow::Fault(kind.effect.clone()) })
}

fn cut(random: &mut StdRng, case: &Ready) -> Strike {
    let cut = *[Cut::PowerBefore, Cut::PowerDuring, Cut::HostGone]
        .choose(random)
        .unwrap_or(&Cut::HostGone);
    let (count, most) = match random.gen_bool(0.5) {
        true => (Count::Writes, case.writes.max(1)),
        false => (Count::Commands, case.commands.max(1)),
    };
    Strike { count, at: random.gen_range(1..=most), blow: Blow::Cut(cut) }
}
