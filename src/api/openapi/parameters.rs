//! Names in paths and queries: a name means the same in every route.

use serde_json::{Value, json};

use crate::api::types::{LIMIT_DEFAULT, LIMIT_MAX};

/// The schema and the text of a part of a path or a query name. A name means the same in every route.
pub(super) fn parameter(name: &str) -> (Value, &'static str) {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let moment = json!({ "type": "string", "format": "date-time" });
    match name {
        "action" => (text, "Only entries of this action, as POST /api/users."),
        "actor" => (text, "Only entries of this user or key."),
        "outcome" => (text, "Only entries with this outcome: ok, or the code of a refusal."),
        "since" => (moment, "Only entries of this moment or later."),
        "until" => (moment, "Only entries before this moment."),
        "active" => (json!({ "type": "boolean" }), "True: only jobs that have not ended."),
        "after" => (text, "Where to go on: the `next` of the page before, or the last event seen."),
        "barcode" | "cartridge" => (text, "The barcode of a cartridge."),
        "channel" => (text, "The name of a channel."),
        "count" => (number, "How many moments are wanted."),
        "cron" => (text, "Five fields, or six with seconds first, as 30 2 * * MON-FRI."),
        "extension" => (text, "Only names with this extension, with or without its dot."),
        "disk" => (text, "The name of a disk of the appliance, as sdb."),
        "dry_run" => (json!({ "type": "boolean" }), "True: only says what would change."),
        "folder" => (text, "A folder of the appliance, from the top."),
        "from" => (moment, "Only moments after this one; now, if not given."),
        "id" => (
            json!({ "type": "integer", "format": "int64" }),
            "The number of a job, key, session, approval or alert.",
        ),
        "job" => (json!({ "type": "integer", "format": "int64" }), "Only lines about this job."),
        "level" => (
            json!({ "type": "string", "enum": ["error", "warning", "info", "debug", "trace"] }),
            "Only lines at least as grave.",
        ),
        "kit" => (text, "The name of a recovery kit."),
        "kind" => (text, "Only jobs of this kind, as backup or restore."),
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT }),
            "Most items of the page.",
        ),
        "modified_after" => (moment, "Only files modified at this moment or later."),
        "modified_before" => (moment, "Only files modified before this moment."),
        "name" => (text, "The name of the schedule, window, user or channel."),
        "open" => (json!({ "type": "boolean" }), "True: only alerts that last."),
        "path" => (text, "The exact path at the source; bytes that are no UTF-8 percent-encoded."),
        "pool" => (text, "The name of a pool."),
        "port" => (text, "The name of a network port, as enp1s0."),
        "q" => (text, "Words or parts of the path, case ignored."),
        "run" => (text, "The name of a run."),
        "serial" => (text, "The serial number of a drive."),
        "set" => (text, "The name of a set."),
        "size_bytes_max" => (number, "Only files of at most this many bytes."),
        "size_bytes_min" => (number, "Only files of at least this many bytes."),
        "state" => (text, "Only what is in this state."),
        "time_zone" => {
            (text, "A name of the IANA list, as Europe/Berlin; the machine's, if not given.")
        }
        "under" => (text, "Only paths below this folder."),
        // A test refuses it.
        _ => (text, ""),
    }
}
