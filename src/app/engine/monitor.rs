//! Health and figures: what a person or a monitor asks every few seconds.

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    CatalogCheck, EngineFigures, FindingView, HealthStatus, HealthView, ProgressView, SetFigures,
    Severity,
};
use crate::catalog::JobState;
use std::collections::BTreeMap;

impl Service {
    pub(super) fn health_view(&self) -> HealthView {
        let mut findings = Vec::new();
        let mut count = |state| match self.parts.catalog.jobs_in_state(state) {
            Ok(jobs) => jobs.len() as u64,
            Err(error) => {
                let next_step = "Run `fossilsafe catalog check`, and check the disk.";
                let sentence = format!("the catalog cannot be read: {error}");
                findings.push(finding(Severity::Critical, "catalog", sentence, next_step));
                0
            }
        };
        let waiting = count(JobState::Waiting);
        let jobs_active = count(JobState::Running) + count(JobState::Queued);
        findings.truncate(1);
        if let Some((sentence, next_step)) = self.disk_trouble() {
            findings.push(finding(Severity::Critical, "data", sentence, next_step));
        }
        if self.is_held {
            let sentence = "jobs and schedules wait: the engine was started so".to_owned();
            let next_step = "Start it as usual from the console's menu, or resume single jobs.";
            findings.push(finding(Severity::Warning, "jobs", sentence, next_step));
        }
        if let Some(error) = self.parts.equipment.sight().error {
            let next_step = if self.parts.equipment.is_there() {
                "Look at the library, then run `fossilsafe library inventory`."
            } else {
                "Switch the library on and check its cables; it is used as soon as it answers."
            };
            findings.push(finding(Severity::Critical, "library", error, next_step));
        }
        if waiting > 0 {
            let sentence = match waiting {
                1 => "a job waits for a person".to_owned(),
                many => format!("{many} jobs wait for a person"),
            };
            let next_step = "See `fossilsafe job list --state waiting`.";
            findings.push(finding(Severity::Warning, "jobs", sentence, next_step));
        }
        let status = match findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Critical) => HealthStatus::Failed,
            Some(Severity::Warning) => HealthStatus::Attention,
            Some(Severity::Info) | None => HealthStatus::Ok,
        };
        let sentence = match findings.first() {
            Some(finding) => finding.sentence.clone(),
            None => "everything works".to_owned(),
        };
        HealthView { status, sentence, jobs_active, jobs_waiting: waiting, findings }
    }

    pub(super) fn all_figures(&self) -> Result<EngineFigures, EngineError> {
        let moved = self.runner.moved_bytes();
        let mut figures = EngineFigures {
            written_bytes_total: moved.written,
            read_bytes_total: moved.read,
            ..EngineFigures::default()
        };
        for &state in JobState::ALL {
            let jobs = self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)?;
            figures.jobs.insert(state.as_str().to_owned(), jobs.len() as u64);
            for job in jobs.iter().filter(|_| state == JobState::Running) {
                let progress = self.runner.progress(job.id).map(ProgressView::from);
                figures.streams.extend(progress.and_then(|p| p.stream).map(|s| (job.id, s)));
            }
        }
        let standing = self.standing()?;
        count_names(&mut figures.cartridges, standing.cartridges.iter().map(|c| c.state.name()));
        count_names(
            &mut figures.drives,
            self.library_view()?.drives.iter().map(|d| d.state.name()),
        );
        for row in &standing.evidence {
            figures.evidence_files.insert(row.state.name().to_owned(), row.files);
            figures.evidence_bytes.insert(row.state.name().to_owned(), row.bytes);
        }
        figures.sets.extend(standing.sets.iter().map(|set| SetFigures {
            name: set.name.to_string(),
            is_complete: set.is_complete,
            last_proof: set.last_proof,
        }));
        figures.alerts = self.open_alerts()?;
        figures.versions = self.version_figures();
        figures.self_test = self.last_self_test()?;
        Ok(figures)
    }

    pub(super) fn checked_catalog(&self) -> CatalogCheck {
        match self.parts.catalog.check() {
            Ok(()) => CatalogCheck {
                is_sound: true,
                sentence: "The catalog is sound.".to_owned(),
                problems: Vec::new(),
            },
            Err(error) => CatalogCheck {
                is_sound: false,
                sentence:
                    "The catalog is damaged: stop the engine, put a copy back or start it with \
                    --set-aside-catalog, then run `fossilsafe catalog rebuild`."
                        .to_owned(),
                problems: vec![error.to_string()],
            },
        }
    }
}

fn finding(severity: Severity, subject: &str, sentence: String, next_step: &str) -> FindingView {
    let (subject, next_step) = (subject.to_owned(), next_step.to_owned());
    FindingView { severity, subject, sentence, next_step }
}

fn count_names<'a>(counts: &mut BTreeMap<String, u64>, names: impl Iterator<Item = &'a str>) {
    for name in names {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}
