//! Settings as a document: written from what there is, and merged into what there is.
//!
//! An import adds and changes, and takes nothing away: what the document does not name stays. It goes thing by
//! thing, each as if a person had set it, so what one refuses does not hold up the others; the answer has a
//! line for each. What needs a secret says so.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind as Kind, Upkeep as _};
use crate::api::types::{
    ChangeKind, ChannelRequest, ChannelSetting, CreatePoolRequest, HostNameSetting, NamedPort,
    PageRequest, PoolSetting, SETTINGS_FORMAT, SETTINGS_VERSION, ScheduleSetting, SettingChange,
    SettingsDocument, SettingsImport, SourceRequest, SourceSetting, TimeSetting, WindowSetting,
};
use crate::app::error::AppError;
use crate::app::settings::{Settings, SettingsError};
use crate::jobs::pool;
use crate::system::network::{NetworkOrder, TimeOrder};

const AT_NEXT_START: &str = "It counts from the next start of the engine.";
const AT_NEXT_JOB: &str = "It counts from the next job.";
/// The key of what is taken into service at once.
const STREAM: &str = "stream";

/// Whether an import is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Import {
    /// Only what it would do.
    Look,
    Apply,
}

impl Service {
    pub(super) fn settings_document(&self) -> Result<SettingsDocument, EngineError> {
        let settings = Settings::load(&self.data).map_err(|error| unusable(&error))?;
        let channels = self.health.channels().map_err(answers::health)?;
        let channel = |channel: crate::health::Channel| ChannelSetting {
            name: channel.name,
            spec: channel.spec,
            is_enabled: channel.is_enabled,
            has_secret: channel.has_secret,
        };
        let windows = self.windows_kept()?.into_iter();
        let MachineSettings { host_name, time, ports } = self.machine_settings();
        Ok(SettingsDocument {
            format: SETTINGS_FORMAT.to_owned(),
            version: SETTINGS_VERSION,
            exported: self.present(),
            host: self.parts.host.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            settings: known_settings(&settings).into_iter().collect(),
            pools: self.pool_settings()?,
            sources: self.source_settings()?,
            channels: channels.into_iter().map(channel).collect(),
            maintenance_windows: windows
                .map(|(name, window)| WindowSetting { name, window })
                .collect(),
            schedules: self.schedule_settings()?,
            host_name,
            time,
            ports,
        })
    }

    /// None of them where the machine's own tools set them, or while nobody can be asked.
    fn machine_settings(&self) -> MachineSettings {
        let (network, time) = (self.network(&NetworkOrder::State), self.time(&TimeOrder::State));
        let network = network.ok().filter(|state| state.is_managed_here);
        let time = time.ok().filter(|state| state.is_managed_here);
        let host_name = network.as_ref().map(|state| state.host_name.clone());
        let ports = network.into_iter().flat_map(|state| state.ports);
        MachineSettings {
            host_name: host_name.map(|host_name| HostNameSetting { host_name }),
            time: time.map(|state| state.setting),
            ports: ports.map(|it| NamedPort { name: it.name, setting: it.setting }).collect(),
        }
    }

    fn pool_settings(&self) -> Result<Vec<PoolSetting>, EngineError> {
        let pools = pool::pools(&self.parts.catalog).map_err(answers::catalog)?;
        let setting = |pool: crate::pools::Pool<_>| PoolSetting {
            name: pool.name,
            encryption: pool.encryption,
            key_place: pool.key_place,
            retention: pool.retention,
        };
        Ok(pools.into_iter().map(setting).collect())
    }

    /// None if nobody mounts sources here: then there are none.
    fn source_settings(&self) -> Result<Vec<SourceSetting>, EngineError> {
        match self.sources.states() {
            Ok(states) => Ok(states
                .into_iter()
                .map(|state| SourceSetting { name: state.name, spec: state.spec })
                .collect()),
            Err(error) if error.kind == Kind::Unavailable => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn schedule_settings(&self) -> Result<Vec<ScheduleSetting>, EngineError> {
        let every = PageRequest { after: None, limit: usize::MAX - 1 };
        let views = self.schedule_views(&every)?.items.into_iter();
        let setting = |view: crate::api::types::ScheduleView| ScheduleSetting {
            name: view.name,
            plan: view.plan,
            is_enabled: view.is_enabled,
        };
        Ok(views.map(setting).collect())
    }

    /// Merges a document, or says what that would do.
    pub(super) fn merge_settings(
        &self,
        document: &SettingsDocument,
        import: Import,
    ) -> Result<SettingsImport, EngineError> {
        let SettingsDocument { format, version, .. } = document;
        if format != SETTINGS_FORMAT || *version != SETTINGS_VERSION {
            let message = format!("\"{format}\" version {version} is not known to this release.");
            let next_step =
                "Take what `fossilsafe settings export` of this or an older release wrote.";
            return Err(EngineError::new(Kind::Invalid, "settings_document", message, next_step));
        }
        let present = self.settings_document()?;
        let mut changes = self.merge_file(document, import)?;
        let merging = Merging { import, changes: &mut changes };
        self.merge_things(document, &present, merging);
        let merging = Merging { import, changes: &mut changes };
        self.merge_machine(document, &present, merging);
        Ok(SettingsImport { is_applied: import == Import::Apply, changes })
    }

    fn merge_things(
        &self,
        wanted: &SettingsDocument,
        present: &SettingsDocument,
        mut merging: Merging<'_>,
    ) {
        merging.all(
            "pool",
            &present.pools,
            &wanted.pools,
            |it| it.name.to_string(),
            &|old, new| {
                let PoolSetting { name, encryption, key_place, retention } = new.clone();
                if old.is_some_and(|old| (old.encryption, old.key_place) != (encryption, key_place))
                {
                    return Err("Encryption and key place of a pool never change.".to_owned());
                }
                let is_new = old.is_none();
                Ok(Step::new(move || {
                    if is_new {
                        let name = name.clone();
                        self.make_pool(&CreatePoolRequest { name, encryption, key_place })?;
                    }
                    self.kept_for(&name, retention).map(drop)
                }))
            },
        );
        let sources = (&present.sources, &wanted.sources);
        merging.all("source", sources.0, sources.1, |it| it.name.to_string(), &|old, new| {
            let step = Step::new(|| {
                let spec = new.spec.clone();
                let (place, is_writable) = (spec.place, spec.is_writable);
                let request = SourceRequest { place, is_writable, password: None };
                self.sources.put(&new.name, request).map(drop)
            });
            Ok(match old {
                Some(_) => step,
                None => step.noted("If it has a user, give its password."),
            })
        });
        let channels = (&present.channels, &wanted.channels);
        merging.all("channel", channels.0, channels.1, |it| it.name.clone(), &|old, new| {
            if new.has_secret && !old.is_some_and(|old| old.has_secret) {
                return Err("Its secret is in no document: set the channel with it.".to_owned());
            }
            Ok(Step::new(|| {
                let (spec, is_enabled) = (new.spec.clone(), new.is_enabled);
                let request = ChannelRequest { spec, secret: None, is_enabled };
                self.set_channel(&new.name, &request).map(drop)
            }))
        });
        let windows = (&present.maintenance_windows, &wanted.maintenance_windows);
        merging.all("maintenance window", windows.0, windows.1, |it| it.name.clone(), &|_, new| {
            new.window.ensure_sensible().map_err(|error| error.to_string())?;
            Ok(Step::new(|| self.set_window(&new.name, Some(&new.window)).map(drop)))
        });
        let schedules = (&present.schedules, &wanted.schedules);
        merging.all("schedule", schedules.0, schedules.1, |it| it.name.clone(), &|old, new| {
            new.plan.rule.ensure_sensible().map_err(|error| error.to_string())?;
            let is_new = old.is_none();
            Ok(Step::new(move || {
                match is_new {
                    true => self.made_schedule(&new.name, &new.plan)?,
                    false => self.changed_schedule(&new.name, &new.plan)?,
                };
                self.switched_schedule(&new.name, new.is_enabled).map(drop)
            }))
        });
    }

    /// Last: a port that gets another address may end the connection over which the answer goes.
    fn merge_machine(
        &self,
        wanted: &SettingsDocument,
        present: &SettingsDocument,
        mut merging: Merging<'_>,
    ) {
        let names = (present.host_name.as_slice(), wanted.host_name.as_slice());
        merging.all("name", names.0, names.1, |_| "of the machine".to_owned(), &|_, new| {
            Ok(Step::new(|| self.network(&NetworkOrder::Name(new.clone())).map(drop)))
        });
        let times = (present.time.as_slice(), wanted.time.as_slice());
        merging.all("time zone", times.0, times.1, |_| "and servers".to_owned(), &|_, new| {
            Ok(Step::new(|| self.time(&TimeOrder::Set(new.clone())).map(drop)))
        });
        let ports = (&present.ports, &wanted.ports);
        merging.all("port", ports.0, ports.1, |it| it.name.clone(), &|_, new| {
            let NamedPort { name: port, setting } = new.clone();
            let step =
                Step::new(move || self.network(&NetworkOrder::TryOut { port, setting }).map(drop));
            Ok(step.noted("On trial for two minutes: keep it at its new address."))
        });
    }

    /// The file, key by key: keys of the document replace those of the file, all others stay.
    fn merge_file(
        &self,
        document: &SettingsDocument,
        import: Import,
    ) -> Result<Vec<SettingChange>, EngineError> {
        let present = Settings::load(&self.data).map_err(|error| unusable(&error))?;
        let before = serde_json::to_value(&present).map_err(|error| unreadable(&error))?;
        let mut merged = before.clone();
        let wanted: Map<String, Value> = document.settings.clone().into_iter().collect();
        merge(&mut merged, Value::Object(wanted));
        let settings: Settings =
            serde_json::from_value(merged.clone()).map_err(|error| unreadable(&error))?;
        settings.ensure_usable().map_err(|error| unusable(&error))?;
        let change = |key: &String| {
            let (from, to) = (before.get(key).cloned(), merged.get(key).cloned());
            let change = kind(from.as_ref(), to.as_ref());
            let when = if key == STREAM { AT_NEXT_JOB } else { AT_NEXT_START };
            let note = (change != ChangeKind::Same).then(|| when.to_owned());
            SettingChange { subject: format!("setting {key}"), change, from, to, note }
        };
        let changes: Vec<SettingChange> = document.settings.keys().map(change).collect();
        if import == Import::Apply && merged != before {
            settings.save(&self.data).map_err(|error| unusable(&error))?;
            if merged.get(STREAM) != before.get(STREAM) {
                self.take_streaming(&settings.stream);
            }
        }
        Ok(changes)
    }
}

/// What belongs to the machine.
struct MachineSettings {
    host_name: Option<HostNameSetting>,
    time: Option<TimeSetting>,
    ports: Vec<NamedPort>,
}

/// How one thing is set.
struct Step<'a> {
    apply: Box<dyn FnOnce() -> Result<(), EngineError> + 'a>,
    note: Option<String>,
}

impl<'a> Step<'a> {
    fn new(apply: impl FnOnce() -> Result<(), EngineError> + 'a) -> Self {
        Self { apply: Box::new(apply), note: None }
    }

    fn noted(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }
}

/// Goes through the things of a document.
struct Merging<'a> {
    import: Import,
    changes: &'a mut Vec<SettingChange>,
}

/// How a thing becomes what is wanted of it, or why it cannot.
type Plan<'a, T> = dyn Fn(Option<&'a T>, &'a T) -> Result<Step<'a>, String> + 'a;

impl Merging<'_> {
    fn all<'a, T: Serialize + PartialEq>(
        &mut self,
        what: &str,
        present: &'a [T],
        wanted: &'a [T],
        name: impl Fn(&T) -> String,
        plan: &Plan<'a, T>,
    ) {
        let known: BTreeMap<String, &T> = present.iter().map(|it| (name(it), it)).collect();
        for new in wanted {
            let old = known.get(&name(new)).copied();
            let value = |it: &T| serde_json::to_value(it).ok();
            let mut change = SettingChange {
                subject: format!("{what} {}", name(new)),
                change: if old.is_some() { ChangeKind::Change } else { ChangeKind::Add },
                from: old.and_then(value),
                to: value(new),
                note: None,
            };
            if old == Some(new) {
                change.change = ChangeKind::Same;
            } else {
                let done = plan(old, new).and_then(|step| {
                    change.note = step.note;
                    match self.import {
                        Import::Look => Ok(()),
                        Import::Apply => (step.apply)().map_err(|error| sentence(&error)),
                    }
                });
                if let Err(why) = done {
                    (change.change, change.note) = (ChangeKind::Refused, Some(why));
                }
            }
            self.changes.push(change);
        }
        let is_named = |old: &&T| wanted.iter().any(|new| name(new) == name(old));
        for old in present.iter().filter(|old| !is_named(old)) {
            self.changes.push(SettingChange {
                subject: format!("{what} {}", name(old)),
                change: ChangeKind::Kept,
                from: serde_json::to_value(old).ok(),
                to: None,
                note: None,
            });
        }
    }
}

fn kind(from: Option<&Value>, to: Option<&Value>) -> ChangeKind {
    match from {
        None => ChangeKind::Add,
        _ if from == to => ChangeKind::Same,
        Some(_) => ChangeKind::Change,
    }
}

/// Objects are merged key by key, everything else is replaced.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// What this release knows. Nobody can say whether the values of other keys are secrets.
fn known_settings(settings: &Settings) -> Map<String, Value> {
    let mut known = settings.clone();
    for unknown in [&mut known.unknown, &mut known.practice.unknown, &mut known.stream.unknown] {
        unknown.clear();
    }
    match serde_json::to_value(known) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn sentence(error: &EngineError) -> String {
    format!("{}. {}", error.message.trim_end_matches('.'), error.next_step)
}

fn unusable(error: &SettingsError) -> EngineError {
    let message = format!("The settings cannot be used: {}.", AppError::chain_of(error));
    EngineError::new(Kind::Invalid, "settings_unusable", message, error.next_step())
}

fn unreadable(error: &serde_json::Error) -> EngineError {
    let message = format!("A setting has a value of the wrong kind: {error}.");
    EngineError::new(Kind::Invalid, "settings_unusable", message, "Correct it in the document.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_merged_and_nothing_that_is_not_named_is_lost() {
        let mut into = json!({ "log": "debug", "stream": { "engine": "plain", "colour": "red" } });
        merge(&mut into, json!({ "stream": { "engine": "auto" }, "new": [1] }));
        let wanted = json!({
            "log": "debug", "stream": { "engine": "auto", "colour": "red" }, "new": [1]
        });
        assert_eq!(into, wanted);
    }
}
