//! The first page's answer: made from what the watch has summed up and what is held in memory.

use super::jobs::ACTIVE;
use super::standing::Standing;
use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    AlertsSummary, JobBrief, JobsSummary, NextScheduled, Safety, Severity, StatusView, VersionView,
};
use crate::catalog::JobState;

/// Alerts and jobs that are shown; the lists have all.
const SHOWN: usize = 20;
/// Open alerts that are counted: more than a person can act on.
const ALERTS_READ: usize = 1000;

impl Service {
    /// Everything at once. Cheap: nothing is summed up here, unless nothing ever was.
    pub(super) fn status_view(&self) -> Result<StatusView, EngineError> {
        // Asked before the watch has come to its first look, it says so rather than wait.
        let standing = self.watch.standing.lock().clone();
        let alerts = self.alerts_summary()?;
        let (safety, sentence) = judge(standing.as_deref(), &alerts);
        let cartridges = standing.as_ref().map(|it| it.cartridges.as_slice()).unwrap_or_default();
        Ok(StatusView {
            version: VersionView::current().version,
            host: self.parts.host.clone(),
            safety,
            sentence,
            looked: standing.as_ref().map(|it| it.at),
            sets: standing.as_ref().map(|it| it.sets_summary()).unwrap_or_default(),
            alerts,
            jobs: self.jobs_summary()?,
            library: self.library_summary(cartridges),
            next_scheduled: self.next_scheduled()?,
            self_test: self.watch.self_test.lock().clone(),
        })
    }

    pub(super) fn alerts_summary(&self) -> Result<AlertsSummary, EngineError> {
        let open = self.health.alerts(true, None, ALERTS_READ).map_err(answers::health)?;
        let mut views: Vec<_> = open.into_iter().map(super::alerts::alert_view).collect();
        let count = |severity| views.iter().filter(|it| it.severity == severity).count() as u64;
        let (critical, warning) = (count(Severity::Critical), count(Severity::Warning));
        let info = count(Severity::Info);
        views.retain(|view| view.acknowledged.is_none());
        views.sort_by_key(|view| (std::cmp::Reverse(view.severity), view.id));
        views.truncate(SHOWN);
        Ok(AlertsSummary { critical, warning, info, items: views })
    }

    fn jobs_summary(&self) -> Result<JobsSummary, EngineError> {
        let mut records = Vec::new();
        for state in ACTIVE {
            records.extend(self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)?);
        }
        let waiting = records.iter().filter(|it| it.state == JobState::Waiting).count() as u64;
        let active = records.len() as u64;
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        let brief = |record: crate::catalog::JobRecord| {
            let id = record.id;
            let view = self.view_of(record);
            // One job of another release must not hide all others.
            let view = view.inspect_err(|error| tracing::warn!(job = id.0, %error, "left out"));
            view.ok().map(|view| JobBrief {
                id: view.id,
                kind: view.kind,
                title: view.title,
                state: view.state,
                stage: view.progress.stage,
                bytes_done: view.progress.bytes_done,
                bytes_total: view.progress.bytes_total,
            })
        };
        let items = records.into_iter().take(SHOWN).filter_map(brief).collect();
        Ok(JobsSummary { active, waiting, items })
    }

    fn next_scheduled(&self) -> Result<Option<NextScheduled>, EngineError> {
        let now = self.present();
        let mut next: Option<NextScheduled> = None;
        for record in self.parts.catalog.schedules().map_err(answers::catalog)? {
            if !record.is_enabled {
                continue;
            }
            let plan = super::schedules::plan_of(&record)?;
            let moment = plan.rule.when.next_after(now.max(record.handled));
            if let Some(at) = moment.filter(|at| next.as_ref().is_none_or(|next| *at < next.at)) {
                next = Some(NextScheduled { schedule: record.name, at });
            }
        }
        Ok(next)
    }
}

/// Is my data safe.
fn judge(standing: Option<&Standing>, alerts: &AlertsSummary) -> (Safety, String) {
    let Some(standing) = standing else {
        let sentence = "What is proven is still being summed up.".to_owned();
        return (Safety::Unknown, sentence);
    };
    let mut unsafe_sets = standing.sets.iter().filter(|set| !set.is_complete);
    if let Some(set) = unsafe_sets.next() {
        let more = unsafe_sets.count();
        let others = if more == 0 { String::new() } else { format!(" {more} other sets too.") };
        return (Safety::AtRisk, format!("Set {}: {}{others}", set.name, set.sentence));
    }
    if alerts.critical > 0 {
        let first = alerts.items.first().filter(|it| it.severity == Severity::Critical);
        let known = || "Something critical is known and not over.".to_owned();
        return (Safety::AtRisk, first.map_or_else(known, |it| it.sentence.clone()));
    }
    if standing.sets.is_empty() {
        return (Safety::Empty, "Nothing is protected yet: there is no set.".to_owned());
    }
    let all = match standing.sets.len() {
        1 => "Every file of the set is on tape and indexed".to_owned(),
        many => format!("Every file of {many} sets is on tape and indexed"),
    };
    match alerts.warning {
        0 => (Safety::Safe, format!("{all}.")),
        1 => (Safety::Attention, format!("{all}; one thing needs attention.")),
        many => (Safety::Attention, format!("{all}; {many} things need attention.")),
    }
}
