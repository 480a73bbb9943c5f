//! The diagnostics bundle: put together from views that have no secrets, settings and the newest log.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Service, answers};
use crate::api::engine::{Engine as _, EngineError};
use crate::api::types::{
    AlertFilter, ChannelBrief, DiagnosticsBundle, EventsRequest, JobFilter, MachineView,
    PageRequest, VersionView,
};
use crate::app::settings::Settings;
use crate::health::channel::Target;

/// Events of jobs that are taken along.
const EVENTS: usize = 1000;
/// Lines of the log that are taken along: an hour of a busy appliance, half a megabyte.
const LINES: usize = 2000;
/// What stands for the value of a setting that this release does not know.
const NOT_SHOWN: &str = "(not shown)";

impl Service {
    pub(super) fn bundle(&self) -> Result<DiagnosticsBundle, EngineError> {
        let page = PageRequest::default();
        let newest = self.parts.catalog.newest_event().map_err(answers::catalog)?;
        let shown = i64::try_from(EVENTS).unwrap_or(0);
        let events = EventsRequest { job: None, after: newest - shown, limit: EVENTS };
        Ok(DiagnosticsBundle {
            made: self.present(),
            version: VersionView::current(),
            machine: self.machine(),
            settings: shown_settings(&self.present_settings()),
            health: self.health_view(),
            status: self.status_view()?,
            catalog: self.checked_catalog(),
            library: self.library_view()?,
            cartridges: self.all_cartridges()?,
            pools: self.pool_views()?,
            sets: self.set_views(&page)?.items,
            schedules: self.schedule_views(&page)?.items,
            jobs: self.job_views(&JobFilter::default(), &page)?.items,
            events: self.events(&events)?,
            alerts: self.alert_views(AlertFilter::default(), &page)?.items,
            channels: self.channel_briefs()?,
            log: self.newest_lines(LINES)?,
        })
    }

    /// As the engine was started, with what was changed since.
    fn present_settings(&self) -> Settings {
        let stream = self.streaming.settings();
        Settings { stream, ..self.settings.clone() }
    }

    fn channel_briefs(&self) -> Result<Vec<ChannelBrief>, EngineError> {
        let channels = self.health.channels().map_err(answers::health)?;
        let brief = |channel: crate::health::Channel| ChannelBrief {
            name: channel.name,
            kind: match channel.spec.target {
                Target::Webhook { .. } => "webhook",
                Target::Mail { .. } => "mail",
                Target::Snmp { .. } => "snmp",
            }
            .to_owned(),
            is_enabled: channel.is_enabled,
            has_secret: channel.has_secret,
        };
        Ok(channels.into_iter().map(brief).collect())
    }

    pub(super) fn machine(&self) -> MachineView {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let memory = text("/proc/meminfo");
        let kibibytes = |name: &str| -> u64 {
            let line = memory.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        MachineView {
            host: self.parts.host.clone(),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, |cores| cores.get() as u64),
            memory_bytes: kibibytes("MemTotal:") * 1024,
            memory_available_bytes: kibibytes("MemAvailable:") * 1024,
            running_seconds: self.parts.clock.elapsed().as_secs(),
        }
    }
}

/// What this release knows of, and the names of the rest: nobody can say what those values are.
fn shown_settings(settings: &Settings) -> BTreeMap<String, Value> {
    let mut shown = settings.clone();
    let hidden = [&mut shown.unknown, &mut shown.practice.unknown, &mut shown.stream.unknown];
    for values in hidden {
        values.values_mut().for_each(|value| *value = Value::from(NOT_SHOWN));
    }
    let map = serde_json::to_value(shown).ok();
    let map = map.and_then(|value| serde_json::from_value(value).ok());
    map.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_settings_that_are_not_known_only_the_names_are_shown() {
        let mut settings = Settings::default();
        settings.unknown.insert("smtp_password".to_owned(), Value::from("hunter2"));
        settings.stream.unknown.insert("token".to_owned(), Value::from("hunter2"));
        let shown = serde_json::to_string(&shown_settings(&settings)).unwrap();
        assert!(shown.contains("smtp_password") && shown.contains("token"), "{shown}");
        assert!(!shown.contains("hunter2") && shown.contains("127.0.0.1:8080"), "{shown}");
    }
}
