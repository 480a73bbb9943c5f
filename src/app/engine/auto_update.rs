//! Updates that nobody waits for: where an admin has asked for it, what the channel has published is installed
//! in a maintenance window, in which no scheduled job begins, and only while no job is at work.
//!
//! A version that the machine has gone back from is never tried again by itself.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::api::engine::Engine as _;
use crate::api::types::{
    InstallUpdateRequest, InstallationStep, RestartRequest, UpdateOutcome, UpdatesState,
};
use crate::domain::Timestamp;
use crate::system::updates::UpdateOrder;

/// How often is looked whether something is to be done.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The channel is asked again after this long, in a window or not: what is published is shown.
const ASK_AGAIN_SECONDS: i64 = 6 * 3600;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Ask,
    Install,
    Restart,
}

/// Begins to look.
pub(super) fn start(service: &Arc<Service>) -> std::io::Result<()> {
    let looking = Arc::clone(service);
    service.auto_update.start("updates", LOOK_AGAIN, move || {
        looking.update_by_itself();
        LOOK_AGAIN
    })
}

impl Service {
    fn update_by_itself(&self) {
        let Ok(state) = self.updates_state() else { return };
        if let Err(error) = self.tell_of_update(&state) {
            tracing::error!(%error, "what became of an update could not be told");
        }
        let now = self.present();
        let windows = self.window_views().map(|page| page.items).unwrap_or_default();
        let is_open = windows.iter().any(|window| window.open_until.is_some());
        let done = match next(&state, is_open, now) {
            None => return,
            Some(Next::Ask) => self.order_update(&UpdateOrder::Check),
            Some(Next::Install) => self.install_update(&InstallUpdateRequest::default()),
            Some(Next::Restart) => self.restart_machine(&RestartRequest::default()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "an update by itself did not go on");
        }
    }
}

fn next(state: &UpdatesState, is_open: bool, now: Timestamp) -> Option<Next> {
    let channel = state.channel.as_ref().filter(|channel| channel.is_automatic)?;
    let step = state.installation.as_ref().map(|installation| installation.step);
    if matches!(step, Some(InstallationStep::Fetching | InstallationStep::Writing)) {
        return None;
    }
    let is_quiet = is_open && state.jobs_active == 0;
    if state.is_restart_needed {
        // What a person has chosen to start next is the person's to start.
        return (is_quiet && step == Some(InstallationStep::Done)).then_some(Next::Restart);
    }
    let asked = channel.checked_at.map_or(i64::MIN, |at| at.seconds);
    if now.seconds.saturating_sub(asked) >= ASK_AGAIN_SECONDS {
        return Some(Next::Ask);
    }
    let offered = channel.published.as_ref().filter(|published| published.is_newer)?;
    let has_failed = state
        .history
        .iter()
        .any(|past| past.version == offered.version && past.outcome == UpdateOutcome::WentBack);
    let cannot = step == Some(InstallationStep::Failed);
    (is_quiet && !has_failed && !cannot).then_some(Next::Install)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::{ChannelState, Installation, PastUpdate, Published};

    const NOW: Timestamp = Timestamp { seconds: 100_000, nanoseconds: 0 };

    /// A machine that runs 1.0.0 and has just been told of 1.1.0.
    fn offered() -> UpdatesState {
        let version = "1.0.0".parse().unwrap();
        let mut state = UpdatesState::without_slots(version, String::new());
        state.channel = Some(ChannelState {
            address: "http://x/c".to_owned(),
            name: "stable".to_owned(),
            is_automatic: true,
            checked_at: Some(NOW),
            published: Some(Published {
                version: "1.1.0".parse().unwrap(),
                is_newer: true,
                issued_at: NOW,
                expires_at: NOW,
            }),
            problem: None,
        });
        state
    }

    fn ended(step: InstallationStep) -> Option<Installation> {
        Some(Installation { version: None, step, percent: 0, began_at: NOW, problem: None })
    }

    #[test]
    fn an_update_by_itself_waits_for_a_window_and_for_jobs() {
        assert_eq!(next(&offered(), true, NOW), Some(Next::Install));
        assert_eq!(next(&offered(), false, NOW), None);
        let busy = UpdatesState { jobs_active: 1, ..offered() };
        assert_eq!(next(&busy, true, NOW), None);
        let installed = UpdatesState {
            installation: ended(InstallationStep::Done),
            is_restart_needed: true,
            ..offered()
        };
        assert_eq!(next(&installed, true, NOW), Some(Next::Restart));
        assert_eq!(next(&installed, false, NOW), None);
        let chosen = UpdatesState { is_restart_needed: true, ..offered() };
        assert_eq!(next(&chosen, true, NOW), None, "a person's choice is the person's to start");
    }

    #[test]
    fn a_version_that_was_gone_back_from_or_that_was_refused_is_not_tried_again() {
        let left = PastUpdate {
            at: NOW,
            version: "1.1.0".parse().unwrap(),
            before: "1.0.0".parse().unwrap(),
            outcome: UpdateOutcome::WentBack,
            reason: None,
        };
        assert_eq!(next(&UpdatesState { history: vec![left], ..offered() }, true, NOW), None);
        let refused = UpdatesState { installation: ended(InstallationStep::Failed), ..offered() };
        assert_eq!(next(&refused, true, NOW), None);
    }

    #[test]
    fn nothing_is_asked_where_nobody_wants_it_and_else_every_six_hours() {
        let later = Timestamp { seconds: NOW.seconds + ASK_AGAIN_SECONDS, nanoseconds: 0 };
        assert_eq!(next(&offered(), false, later), Some(Next::Ask));
        let mut by_hand = offered();
        by_hand.channel.as_mut().unwrap().is_automatic = false;
        assert_eq!(next(&by_hand, true, later), None);
        assert_eq!(next(&UpdatesState { channel: None, ..offered() }, true, later), None);
    }
}
