//! Those who ask: a few threads, each with its share of the moments at which a question is due.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::scale::search_text;
use crate::app::address::Address;
use crate::app::client::Client;
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::domain::{Clock as _, SystemClock};

/// So many can be waited for at the same time.
const ASKERS: u32 = 8;

/// Items on a page of a list, as the console asks for them.
const ON_PAGE: u32 = 50;

/// What is asked, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Status,
    Jobs,
    Search,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Status, Self::Jobs, Self::Search];

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Status => "`GET /api/status`",
            Self::Jobs => "`GET /api/jobs`",
            Self::Search => "`GET /api/files/search`",
        }
    }

    /// What 99 of 100 answers may take.
    pub(super) fn time_max(self) -> Duration {
        Duration::from_millis(match self {
            Self::Status => 10,
            Self::Jobs => 20,
            Self::Search => 50,
        })
    }

    fn address(self, number: u64) -> Address {
        match self {
            Self::Status => Address::new("/api/status"),
            Self::Jobs => Address::new("/api/jobs").query_if("limit", Some(&ON_PAGE)),
            Self::Search => Address::new("/api/files/search")
                .query("q", search_text(number).as_bytes())
                .query_if("limit", Some(&ON_PAGE)),
        }
    }
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    /// From the moment at which the question was due.
    pub(super) took: Duration,
}

/// A thread that asks.
pub(super) type Asking = JoinHandle<Result<Vec<Asked>, AppError>>;

/// Begins to ask `per_second` questions a second until `is_over`.
pub(super) fn start(
    socket: &Path,
    per_second: u32,
    is_over: &Arc<AtomicBool>,
) -> Result<Vec<Asking>, AppError> {
    let clock = Arc::new(SystemClock::new());
    (0..ASKERS)
        .map(|asker| {
            let client = Client::new(Door::Socket(socket.to_owned()))?;
            let is_over = Arc::clone(is_over);
            let clock = Arc::clone(&clock);
            let ask = move || ask(&client, &clock, asker, per_second, &is_over);
            let named = std::thread::Builder::new().name("asker".to_owned());
            let what = || "no thread to ask".to_owned();
            named.spawn(ask).map_err(|source| AppError::Io { what: what(), source })
        })
        .collect()
}

/// Waits for those who ask, and gives everything that was answered.
pub(super) fn join(asking: Vec<Asking>) -> Result<Vec<Asked>, AppError> {
    let mut all = Vec::new();
    for asker in asking {
        let asked = asker.join().map_err(|_| AppError::Usage("an asker panicked".to_owned()))?;
        all.extend(asked?);
    }
    Ok(all)
}

fn ask(
    client: &Client,
    clock: &SystemClock,
    asker: u32,
    per_second: u32,
    is_over: &AtomicBool,
) -> Result<Vec<Asked>, AppError> {
    let mut asked = Vec::new();
    for number in (u64::from(asker)..).step_by(ASKERS as usize) {
        let due = Duration::from_nanos(number * 1_000_000_000 / u64::from(per_second));
        clock.wait(due.saturating_sub(clock.elapsed()));
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        // Each asker asks all kinds: three is no divisor of their number.
        let kind = Kind::ALL[usize::try_from(number).unwrap_or(0) % Kind::ALL.len()];
        client.get::<serde_json::Value>(kind.address(number).as_str())?;
        asked.push(Asked { kind, took: clock.elapsed().saturating_sub(due) });
    }
    Ok(asked)
}
