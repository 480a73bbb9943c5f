//! What a request leaves in the audit log.
//!
//! Every call that changes something, whoever made it and whatever came of it; every refusal of somebody who is
//! known; and of who is not known, what they tried to change. Reading leaves nothing.

use std::sync::{Arc, OnceLock};

use hyper::Method;

use super::super::routes::Route;
use super::Asker;
use crate::audit::{AuditError, AuditLog, Event};

/// Who is written down when nobody was recognised.
const NOBODY: &str = "nobody";

/// What is known of a request while it is answered.
#[derive(Clone, Debug)]
pub(in crate::api) struct Trace {
    is_change: bool,
    action: String,
    object: String,
    request_id: String,
    address: String,
    actor: Option<String>,
    /// Whom a handler recognised: who signs in is not known before.
    named: Arc<OnceLock<String>>,
}

impl Trace {
    /// Of a request to that route.
    pub(in crate::api) fn of(route: &Route, path: &str, request_id: &str) -> Self {
        Self {
            // A plan is a question that is too long for an address.
            is_change: route.method != Method::GET && !route.path.ends_with("/plan"),
            action: format!("{} {}", route.method, route.path),
            object: path.to_owned(),
            request_id: request_id.to_owned(),
            address: String::new(),
            actor: None,
            named: Arc::default(),
        }
    }

    /// Notes who asks.
    pub(in crate::api) fn asked_by(&mut self, asker: &Asker) {
        self.address = asker.origin.shown();
        self.actor = asker.principal.as_ref().map(|principal| principal.name.clone());
    }

    /// Where a handler says whom it recognised.
    pub(in crate::api) fn named(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.named)
    }

    /// True if what comes of it must be written down.
    pub(in crate::api) fn is_change(&self) -> bool {
        self.is_change
    }

    /// Writes down what came of it.
    pub(in crate::api) fn leave(
        self,
        log: &AuditLog,
        status: u16,
        refusal: Option<&str>,
    ) -> Result<(), AuditError> {
        let actor = self.named.get().cloned().or(self.actor);
        let is_denied = matches!(status, 401 | 403 | 429);
        if !self.is_change && (!is_denied || actor.is_none()) {
            return Ok(());
        }
        let event = Event {
            actor: actor.clone().unwrap_or_else(|| NOBODY.to_owned()),
            address: self.address,
            request_id: self.request_id,
            action: self.action,
            object: self.object,
            outcome: refusal.unwrap_or("ok").to_owned(),
            status,
        };
        if is_denied { log.add_refusal(&event) } else { log.add(&event).map(|_| ()) }
    }
}
