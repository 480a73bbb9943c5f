//! Alerts, channels and deliveries as the API shows them.

use std::collections::BTreeMap;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    AlertFilter, AlertView, ChannelRequest, ChannelTest, ChannelView, DeliveryView, Page,
    PageRequest, Severity,
};
use crate::catalog::alerts::{AlertRecord, AlertSeverity, DeliveryRecord, DeliveryState};
use crate::health::{Channel, HealthError};

impl Service {
    pub(super) fn alert_views(
        &self,
        filter: AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<AlertView>, EngineError> {
        let records = self.health.alerts(filter.is_open, before(page)?, page.limit + 1);
        let views = records.map_err(answers::health)?.into_iter().map(alert_view).collect();
        Ok(cut(views, page.limit, |view| view.id))
    }

    /// Open alerts by severity, also those of which there are none.
    pub(super) fn open_alerts(&self) -> Result<BTreeMap<String, u64>, EngineError> {
        let summary = self.alerts_summary()?;
        let counts = [summary.info, summary.warning, summary.critical];
        let names = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::name);
        Ok(names.into_iter().map(str::to_owned).zip(counts).collect())
    }

    pub(super) fn noted(
        &self,
        id: i64,
        by: &str,
        note: Option<&str>,
    ) -> Result<AlertView, EngineError> {
        self.health.acknowledge(id, by, note).map(alert_view).map_err(answers::health)
    }

    pub(super) fn channel_views(&self) -> Result<Vec<ChannelView>, EngineError> {
        let channels = self.health.channels().map_err(answers::health)?;
        Ok(channels.into_iter().map(channel_view).collect())
    }

    pub(super) fn set_channel(
        &self,
        name: &str,
        request: &ChannelRequest,
    ) -> Result<ChannelView, EngineError> {
        let ChannelRequest { spec, secret, is_enabled } = request;
        let channel = self.health.put_channel(name, spec, secret.as_ref(), *is_enabled);
        channel.map(channel_view).map_err(answers::health)
    }

    pub(super) fn tried_channel(&self, name: &str) -> Result<ChannelTest, EngineError> {
        match self.health.test_channel(name) {
            Ok(()) => Ok(ChannelTest {
                is_taken: true,
                sentence: "The receiver has taken the test.".to_owned(),
            }),
            // What the receiver says is the answer to a test, not a failure of ours.
            Err(HealthError::NotTaken(why)) => {
                Ok(ChannelTest { is_taken: false, sentence: format!("It was not taken: {why}.") })
            }
            Err(error) => Err(answers::health(error)),
        }
    }

    pub(super) fn delivery_views(
        &self,
        channel: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<DeliveryView>, EngineError> {
        let records = self.health.deliveries(channel, before(page)?, page.limit + 1);
        let records = records.map_err(answers::health)?;
        let views = records.into_iter().map(delivery_view).collect::<Result<Vec<_>, _>>()?;
        Ok(cut(views, page.limit, |view| view.id))
    }
}

/// The number that a cursor of these lists holds.
fn before(page: &PageRequest) -> Result<Option<i64>, EngineError> {
    match page.after {
        Some(_) => answers::offset(page).map(Some),
        None => Ok(None),
    }
}

/// A page of a list that was read one item further.
fn cut<T>(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Page<T> {
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more).map(|last| id(last).to_string());
    Page { items, next }
}

pub(super) fn alert_view(record: AlertRecord) -> AlertView {
    AlertView {
        id: record.id,
        kind: record.kind,
        severity: match record.severity {
            AlertSeverity::Info => Severity::Info,
            AlertSeverity::Warning => Severity::Warning,
            AlertSeverity::Critical => Severity::Critical,
        },
        subject: record.subject,
        sentence: record.sentence,
        next_step: record.next_step,
        raised: record.raised,
        times: record.times,
        ended: record.ended,
        acknowledged: record.acknowledged,
        acknowledged_by: record.acknowledged_by,
        note: record.note,
    }
}

fn channel_view(channel: Channel) -> ChannelView {
    ChannelView {
        name: channel.name,
        spec: channel.spec,
        has_secret: channel.has_secret,
        is_enabled: channel.is_enabled,
        changed: channel.changed,
    }
}

fn delivery_view(record: DeliveryRecord) -> Result<DeliveryView, EngineError> {
    let notice = serde_json::from_str(&record.notice).map_err(|error| {
        answers::health(HealthError::Spec {
            name: record.channel.clone(),
            detail: error.to_string(),
        })
    })?;
    Ok(DeliveryView {
        id: record.id,
        channel: record.channel,
        notice,
        state: record.state.as_str().to_owned(),
        attempts: record.attempts,
        created: record.created,
        due: (record.state == DeliveryState::Waiting).then_some(record.due),
        ended: record.ended,
        error: record.error,
    })
}
