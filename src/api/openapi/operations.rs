//! What goes in and out of each route, and what it is for.

use std::collections::BTreeMap;

use hyper::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::api::routes::Route;
use crate::api::types::{
    CartridgeView, CatalogCheck, ConfirmKitRequest, CreatePoolRequest, EvidenceTable, FileHit,
    FileVersion, FormatRequest, HealthView, JobEvent, JobView, KitRequest, KitsView, LIMIT_DEFAULT,
    LIMIT_MAX, LibraryView, OpenedKeys, Page, PoolView, PrintedKit, ReservationView, RestorePlan,
    RunView, ScheduleEventView, SchedulePlan, SchedulePreview, ScheduleRequest, ScheduleView,
    SetView, TakeDriveRequest, VersionView, WindowView,
};
use crate::jobs::spec::{BackupSpec, MoveSpec, RebuildSpec, RestoreSpec, VerifySpec};
use crate::schedules::MaintenanceWindow;

/// Makes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a route is for.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// A few words.
    pub(super) summary: &'static str,
    /// Sentences.
    pub(super) text: &'static str,
    pub(super) asked: Asked,
    /// What is answered, by status.
    pub(super) answered: &'static [(u16, Answered)],
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Nothing,
    Json(SchemaOf),
    OptionalJson(SchemaOf),
}

/// The body of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answered {
    Json(SchemaOf),
    /// Text of this media type.
    Text(&'static str),
    /// None: the connection speaks another protocol.
    Switched,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

macro_rules! operations {
    ($($method:ident $path:literal $summary:literal $text:literal
       $asked:expr => $($status:literal $answered:expr),+;)*) => {
        const OPERATIONS: &[Operation] = &[
            $(Operation {
                method: Method::$method,
                path: $path,
                summary: $summary,
                text: $text,
                asked: $asked,
                answered: &[$(($status, $answered)),+],
            }),*
        ];
    };
}

use Answered::{Json, Switched, Text};
use Asked::Nothing;

operations! {
    GET "/api/healthz" "Whether it works"
        "Answers at once, also when catalog or library do not; 503 when it cannot do its work."
        Nothing => 200 Json(of::<HealthView>), 503 Json(of::<HealthView>);
    GET "/api/version" "What answers" "Product, release, and the version of this API."
        Nothing => 200 Json(of::<VersionView>);
    GET "/api/openapi.json" "This document" "The description of the API, as this release has it."
        Nothing => 200 Text("application/json");
    GET "/api/system/metrics/prometheus" "Figures for monitoring"
        "Figures in Prometheus' text format: jobs, cartridges, drives, evidence, rates, requests."
        Nothing => 200 Text("text/plain");

    GET "/api/library" "The library as it was last seen"
        "Changer, elements and drives, without touching a device."
        Nothing => 200 Json(of::<LibraryView>);
    POST "/api/library/inventory" "Look at every element again"
        "Starts a job that has the library look at every slot and drive."
        Nothing => 202 Json(of::<JobView>);
    POST "/api/library/moves" "Move a cartridge"
        "Starts a job that moves one cartridge between two elements and looks afterwards."
        Asked::Json(of::<MoveSpec>) => 202 Json(of::<JobView>);
    GET "/api/library/drives/{serial}/reservation" "Who has reserved a drive"
        "Nobody, this appliance, or another host by its key. Asks the drive."
        Nothing => 200 Json(of::<ReservationView>);
    POST "/api/library/drives/{serial}/reservation" "Take a drive from another host"
        "Ends that host's reservation, whose key a person types; what it is doing with the drive fails."
        Asked::Json(of::<TakeDriveRequest>) => 200 Json(of::<ReservationView>);

    GET "/api/cartridges" "Cartridges"
        "Those in the library and those known from before, a page at a time."
        Nothing => 200 Json(of::<Page<CartridgeView>>);
    GET "/api/cartridges/{barcode}" "One cartridge" "Where it is, and what is known of its volume."
        Nothing => 200 Json(of::<CartridgeView>);
    POST "/api/cartridges/{barcode}/format" "Make an empty volume on a cartridge"
        "Starts a job. A cartridge that is not blank loses everything, and only if its barcode is typed."
        Asked::OptionalJson(of::<FormatRequest>) => 202 Json(of::<JobView>);

    GET "/api/sets" "Sets" "Everything that is protected under a name, a page at a time."
        Nothing => 200 Json(of::<Page<SetView>>);
    GET "/api/sets/{set}" "One set" "Its newest runs, its copies and its cartridges."
        Nothing => 200 Json(of::<SetView>);
    GET "/api/runs" "Runs" "Executions of backups, newest first, a page at a time."
        Nothing => 200 Json(of::<Page<RunView>>);
    GET "/api/runs/{run}" "One run" "How it stands, what it holds, which cartridges it needs."
        Nothing => 200 Json(of::<RunView>);
    GET "/api/evidence" "What is proven"
        "Of one set, run or cartridge, or of everything: files and bytes by the evidence of their copies."
        Nothing => 200 Json(of::<EvidenceTable>);

    POST "/api/backups" "Back up a set"
        "Starts a job that writes files and folders to tape, in as many copies as the set has."
        Asked::Json(of::<BackupSpec>) => 202 Json(of::<JobView>);
    POST "/api/verify" "Read copies again"
        "Starts a job that reads copies from the reloaded cartridge and compares their hashes."
        Asked::Json(of::<VerifySpec>) => 202 Json(of::<JobView>);
    POST "/api/restore/plan" "What a restore would do"
        "The cartridges in the order they would be read, and what could not be brought back. Changes nothing."
        Asked::Json(of::<RestoreSpec>) => 200 Json(of::<RestorePlan>);
    POST "/api/restore" "Bring files back"
        "Starts a job that restores a run or some paths of it into a folder, verified by hash."
        Asked::Json(of::<RestoreSpec>) => 202 Json(of::<JobView>);

    GET "/api/files/search" "Find files"
        "Files whose path has these words and that meet every other condition, a page at a time."
        Nothing => 200 Json(of::<Page<FileHit>>);
    GET "/api/files/versions" "The versions of one file"
        "Newest first, each with its copies and what is proven of them."
        Nothing => 200 Json(of::<Page<FileVersion>>);

    GET "/api/jobs" "Jobs" "Newest first, a page at a time."
        Nothing => 200 Json(of::<Page<JobView>>);
    GET "/api/jobs/events" "Events of all jobs as they happen"
        "Server-sent: `message` is a kept event with its id, `job` a view of a job that has moved. \
         Last-Event-ID goes before `after`."
        Nothing => 200 Text("text/event-stream");
    GET "/ws" "Events of all jobs over a WebSocket"
        "The events of /api/jobs/events, each as `{\"event\", \"id\", \"data\"}`; 426 without an upgrade."
        Nothing => 101 Switched;
    GET "/api/jobs/{id}" "One job" "Where it is, how far, what it needs, what came of it."
        Nothing => 200 Json(of::<JobView>);
    GET "/api/jobs/{id}/events" "Events of one job as they happen"
        "Server-sent, as those of all jobs; ends with the event `end` when the job has ended."
        Nothing => 200 Text("text/event-stream");
    GET "/api/jobs/{id}/history" "What happened in a job" "Its kept events in order, a page at a time."
        Nothing => 200 Json(of::<Page<JobEvent>>);
    POST "/api/jobs/{id}/pause" "Pause a job" "It stops at its next safe point and keeps its place."
        Nothing => 200 Json(of::<JobView>);
    POST "/api/jobs/{id}/resume" "Let a job go on"
        "After a pause, or when what it needed has been done."
        Nothing => 200 Json(of::<JobView>);
    POST "/api/jobs/{id}/cancel" "End a job" "It stops at its next safe point for good."
        Nothing => 200 Json(of::<JobView>);

    GET "/api/schedules" "Schedules" "What starts jobs by itself, by name, a page at a time."
        Nothing => 200 Json(of::<Page<ScheduleView>>);
    POST "/api/schedules" "Make a schedule"
        "When, in a time zone, and the task: a backup, a verification or an inventory."
        Asked::Json(of::<ScheduleRequest>) => 201 Json(of::<ScheduleView>);
    GET "/api/schedules/{name}" "One schedule" "Its plan, its next moments, what became of the last one."
        Nothing => 200 Json(of::<ScheduleView>);
    PUT "/api/schedules/{name}" "Give a schedule another plan" "Moments that are past stay as they are."
        Asked::Json(of::<SchedulePlan>) => 200 Json(of::<ScheduleView>);
    DELETE "/api/schedules/{name}" "Remove a schedule" "The jobs that it started stay."
        Nothing => 200 Json(of::<BTreeMap<String, String>>);
    POST "/api/schedules/{name}/enable" "Switch a schedule on"
        "Moments while it was off are not made up for."
        Nothing => 200 Json(of::<ScheduleView>);
    POST "/api/schedules/{name}/disable" "Switch a schedule off" "A job that is at work goes on."
        Nothing => 200 Json(of::<ScheduleView>);
    POST "/api/schedules/{name}/run" "Start a schedule's task now" "Its moments stay as they are."
        Nothing => 202 Json(of::<JobView>);
    GET "/api/schedules/{name}/events" "What became of a schedule's moments"
        "Newest first, a page at a time."
        Nothing => 200 Json(of::<Page<ScheduleEventView>>);
    GET "/api/schedule-preview" "The moments of a pattern"
        "The next moments of a pattern in a time zone, before it is a schedule."
        Nothing => 200 Json(of::<SchedulePreview>);
    GET "/api/maintenance-windows" "Maintenance windows" "Times at which no scheduled job begins."
        Nothing => 200 Json(of::<Page<WindowView>>);
    PUT "/api/maintenance-windows/{name}" "Set a maintenance window"
        "Makes or changes one; the answer is those that there are then."
        Asked::Json(of::<MaintenanceWindow>) => 200 Json(of::<Page<WindowView>>);
    DELETE "/api/maintenance-windows/{name}" "Remove a maintenance window"
        "The answer is those that there are then."
        Nothing => 200 Json(of::<Page<WindowView>>);

    GET "/api/pools" "Pools" "Sets of one policy, and why a pool cannot be used."
        Nothing => 200 Json(of::<Vec<PoolView>>);
    POST "/api/pools" "Make a pool" "Its encryption cannot be changed later."
        Asked::Json(of::<CreatePoolRequest>) => 200 Json(of::<PoolView>);
    POST "/api/pools/{pool}/rotate" "Give a pool a new data key"
        "For the runs that begin from now on; older keys stay for what they sealed."
        Nothing => 200 Json(of::<PoolView>);
    GET "/api/kits" "Recovery kits" "Which there are and which data keys they are for; no secret."
        Nothing => 200 Json(of::<KitsView>);
    POST "/api/kits/print" "Make a recovery kit to be printed"
        "The one answer that holds a kit's secret: a page for a printer, and text."
        Nothing => 200 Json(of::<PrintedKit>);
    POST "/api/kits/confirm" "Confirm a recovery kit"
        "Groups typed back from the paper. Until then no encrypted pool can be used."
        Asked::Json(of::<ConfirmKitRequest>) => 200 Json(of::<KitsView>);
    POST "/api/kits/drill" "Prove a recovery kit"
        "A whole kit, typed from the paper, must open every data key; that it did is noted."
        Asked::Json(of::<KitRequest>) => 200 Json(of::<OpenedKeys>);
    POST "/api/kits/open" "Open data keys with a recovery kit"
        "Those that were found on tapes and are not here. Run a rebuild of the catalog before."
        Asked::Json(of::<KitRequest>) => 200 Json(of::<OpenedKeys>);
    POST "/api/kits/{kit}/retire" "Retire a recovery kit"
        "Nothing is wrapped for it any more; tapes that it opens stay open to it."
        Nothing => 200 Json(of::<KitsView>);

    POST "/api/catalog/rebuild" "Read cartridges into the catalog"
        "Starts a job that reads what the named cartridges, or all, say about themselves."
        Asked::OptionalJson(of::<RebuildSpec>) => 202 Json(of::<JobView>);
    GET "/api/catalog/check" "Check the catalog"
        "Checks the catalog's file and its sums; takes as long as reading it."
        Nothing => 200 Json(of::<CatalogCheck>);
}

/// What stands for a route that nobody has described; a test makes sure that none is.
const UNDESCRIBED: Operation = Operation {
    method: Method::GET,
    path: "",
    summary: "",
    text: "",
    asked: Nothing,
    answered: &[],
};

/// The description of a route.
pub(super) fn find(route: &Route) -> &'static Operation {
    let found = OPERATIONS.iter().find(|it| it.method == route.method && it.path == route.path);
    found.unwrap_or(const { &UNDESCRIBED })
}

/// Every description.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter()
}

/// The schema and the text of a part of a path or a query name. A name means the same in every route.
pub(super) fn parameter(name: &str) -> (Value, &'static str) {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let moment = json!({ "type": "string", "format": "date-time" });
    match name {
        "active" => (json!({ "type": "boolean" }), "True: only jobs that have not ended."),
        "after" => (text, "Where to go on: the `next` of the page before, or the last event seen."),
        "barcode" | "cartridge" => (text, "The barcode of a cartridge."),
        "count" => (number, "How many moments are wanted."),
        "cron" => (text, "Five fields, or six with seconds first, as 30 2 * * MON-FRI."),
        "extension" => (text, "Only names with this extension, with or without its dot."),
        "from" => (moment, "Only moments after this one; now, if not given."),
        "id" => (json!({ "type": "integer", "format": "int64" }), "The number of a job."),
        "kit" => (text, "The name of a recovery kit."),
        "kind" => (text, "Only jobs of this kind, as backup or restore."),
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT }),
            "Most items of the page.",
        ),
        "modified_after" => (moment, "Only files modified at this moment or later."),
        "modified_before" => (moment, "Only files modified before this moment."),
        "name" => (text, "The name of the schedule or window."),
        "path" => (text, "The exact path at the source; bytes that are no UTF-8 percent-encoded."),
        "pool" => (text, "The name of a pool."),
        "q" => (text, "Words or parts of the path, case ignored."),
        "run" => (text, "The name of a run."),
        "serial" => (text, "The serial number of a drive."),
        "set" => (text, "The name of a set."),
        "size_bytes_max" => (number, "Only files of at most this many bytes."),
        "size_bytes_min" => (number, "Only files of at least this many bytes."),
        "state" => (text, "Only what is in this state."),
        "time_zone" => (text, "A name of the IANA list, as Europe/Berlin; UTC, if not given."),
        "under" => (text, "Only paths below this folder."),
        // A test refuses it.
        _ => (text, ""),
    }
}
