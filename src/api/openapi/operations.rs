//! What goes in and out of each route, and what it is for.

use std::collections::BTreeMap;

use hyper::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::api::routes::Route;
use crate::api::types::{
    AcknowledgeRequest, AlertView, ApiKeyView, ApprovalView, CartridgeView, CatalogCheck,
    ChannelRequest, ChannelTest, ChannelView, ConfirmKitRequest, ConfirmTotpRequest,
    CreatePoolRequest, DeliveryView, DiagnosticsBundle, DriveHealthView, EvidenceTable,
    ExpiredView, FileHit, FileVersion, FolderEntry, FormatRequest, HealthView, JobEvent, JobView,
    KitRequest, KitsView, LibraryView, MadeApiKey, NewApiKeyRequest, NewUserRequest,
    OpenSessionView, OpenedKeys, Page, PasswordOnly, PasswordRequest, PoolView, PrintedKit,
    RecoveryCodes, ReservationView, ResetPasswordRequest, RestorePlan, RetentionRequest, RunView,
    ScheduleEventView, SchedulePlan, SchedulePreview, ScheduleRequest, ScheduleView,
    SecondFactorPolicy, SessionView, SetView, SetupRequest, SetupView, SignInRequest, SignInResult,
    SourceRequest, SourceState, StatusView, TakeDriveRequest, TwoPersonRule, UserChange, UserView,
    UserWithPassword, VersionView, WindowView,
};
use crate::audit::{Entry, Report};
use crate::jobs::backup::BackupEstimate;
use crate::jobs::spec::{BackupSpec, MoveSpec, RebuildSpec, RestoreSpec, VerifySpec};
use crate::people::TotpProposal;
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
    /// Bytes, as long as they are.
    Binary,
}

/// The body of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answered {
    Json(SchemaOf),
    /// Text of this media type.
    Text(&'static str),
    /// None: the connection speaks another protocol.
    Switched,
    /// None: it is done.
    Done,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

macro_rules! operations {
    ($($method:ident $path:literal $summary:literal $text:literal
       $asked:expr => $($status:literal $answered:expr),+;)*) => {
        pub(super) const OPERATIONS: &[Operation] = &[
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

mod appliance;
mod single;

use Answered::{Done, Json, Switched, Text};
use Asked::Nothing;

operations! {
    GET "/api/healthz" "Whether it works"
        "Answers at once, also when catalog or library do not; 503 when it cannot do its work."
        Nothing => 200 Json(of::<HealthView>), 503 Json(of::<HealthView>);
    GET "/api/status" "Everything at once"
        "Is my data safe, what needs me, what is the machine doing: for the first page. Cheap, and conditional."
        Nothing => 200 Json(of::<StatusView>);
    POST "/api/status/look" "Look again"
        "Sums up what is proven and raises alerts now, which happens by itself within a minute."
        Nothing => 200 Json(of::<StatusView>);
    GET "/api/diagnostics/bundle" "What somebody who helps has to know"
        "Versions, settings, equipment, jobs, alerts, the newest log; no secret. Checks the catalog on the way."
        Nothing => 200 Json(of::<DiagnosticsBundle>);
    GET "/api/alerts" "Alerts" "What needs or needed a person, newest first, a page at a time."
        Nothing => 200 Json(of::<Page<AlertView>>);
    POST "/api/alerts/{id}/acknowledge" "Take note of an alert"
        "What happened once is then over; what stands goes on, and is told again only if it becomes worse."
        Asked::OptionalJson(of::<AcknowledgeRequest>) => 200 Json(of::<AlertView>);
    GET "/api/notifications/channels" "Where notices go"
        "Webhooks, mail and SNMP traps, by name; no secret."
        Nothing => 200 Json(of::<Page<ChannelView>>);
    PUT "/api/notifications/channels/{name}" "Set a channel"
        "Makes or changes one. Its secret is never shown again."
        Asked::Json(of::<ChannelRequest>) => 200 Json(of::<ChannelView>);
    DELETE "/api/notifications/channels/{name}" "Remove a channel"
        "What was to be sent there is not sent."
        Nothing => 204 Done;
    POST "/api/notifications/channels/{name}/test" "Try a channel"
        "Sends a test and waits for what the receiver says, at most a quarter of a minute."
        Nothing => 200 Json(of::<ChannelTest>);
    GET "/api/notifications/deliveries" "Deliveries"
        "What was sent to whom and what came of it, newest first, a page at a time; the newest thousand."
        Nothing => 200 Json(of::<Page<DeliveryView>>);

    GET "/api/version" "What answers" "Product, release, and the version of this API."
        Nothing => 200 Json(of::<VersionView>);
    GET "/api/openapi.json" "This document" "The description of the API, as this release has it."
        Nothing => 200 Json(of::<BTreeMap<String, Value>>);
    GET "/api/setup" "Whether there is no admin yet" "True until somebody has made the first admin."
        Nothing => 200 Json(of::<SetupView>);
    POST "/api/setup" "Make the first admin"
        "With the one-time code from the engine's log or serial console; signs in and sets the cookie."
        Asked::Json(of::<SetupRequest>) => 200 Json(of::<SessionView>);
    POST "/api/auth/session" "Sign in"
        "Sets the session's cookie. With a second factor and no code the answer is \
         `{\"second_factor_needed\": true}`, without a cookie: the same again with `totp` signs in."
        Asked::Json(of::<SignInRequest>) => 200 Json(of::<SignInResult>);
    GET "/api/auth/session" "Who is signed in"
        "Name and role; with a cookie also the word that every change carries in X-CSRF-Token."
        Nothing => 200 Json(of::<SessionView>);
    DELETE "/api/auth/session" "Sign out" "Ends the session and takes the cookie away."
        Nothing => 204 Done;
    PUT "/api/auth/password" "Change one's own password"
        "All sessions of the user end; this browser gets a new one."
        Asked::Json(of::<PasswordRequest>) => 200 Json(of::<SessionView>);
    POST "/api/auth/totp" "Begin a second factor"
        "Makes a secret for an authenticator; it counts once a code of it was typed back."
        Asked::Json(of::<PasswordOnly>) => 200 Json(of::<TotpProposal>);
    POST "/api/auth/totp/confirm" "Confirm a second factor"
        "Takes the first code. Answers recovery codes, shown this once, and renews the session."
        Asked::Json(of::<ConfirmTotpRequest>) => 200 Json(of::<RecoveryCodes>);
    POST "/api/auth/totp/remove" "Take one's second factor away"
        "The password shows that it is not just anybody at an open screen."
        Asked::Json(of::<PasswordOnly>) => 204 Done;
    POST "/api/auth/recovery-codes" "Make one's recovery codes anew"
        "Each stands in once for an authenticator or a passkey. Shown this once; those before are worth nothing."
        Asked::Json(of::<PasswordOnly>) => 200 Json(of::<RecoveryCodes>);
    GET "/api/second-factor/rule" "Who needs a second factor" "Nobody, admins, or everybody."
        Nothing => 200 Json(of::<SecondFactorPolicy>);
    PUT "/api/second-factor/rule" "Say who needs a second factor"
        "Who has none is led to set one up at the next request, and may do nothing else. Whom the rule would hold \
         themselves must have signed in with one. Keys of programs and the machine's owner are not held by it."
        Asked::Json(of::<SecondFactorPolicy>) => 200 Json(of::<SecondFactorPolicy>);

    GET "/api/users" "Users" "Everybody who may sign in, and who may not at present."
        Nothing => 200 Json(of::<Page<UserView>>);
    POST "/api/users" "Make a user"
        "Without a password one is made up and answered: it is good for choosing another."
        Asked::Json(of::<NewUserRequest>) => 201 Json(of::<UserWithPassword>);
    GET "/api/users/{name}" "One user" "Role, state, and when they last signed in."
        Nothing => 200 Json(of::<UserView>);
    PATCH "/api/users/{name}" "Change a user" "The role, or whether the user may sign in at all."
        Asked::Json(of::<UserChange>) => 200 Json(of::<UserView>);
    DELETE "/api/users/{name}" "Remove a user"
        "Sessions and keys end; what the user did stays in the audit log. The last admin stays."
        Nothing => 204 Done;
    POST "/api/users/{name}/password" "Set a user's password"
        "For one who has forgotten it; the second factor can be taken away too. Ends all sessions."
        Asked::OptionalJson(of::<ResetPasswordRequest>) => 200 Json(of::<UserWithPassword>);
    GET "/api/preferences" "What the console keeps for a user" "An object that only the console reads."
        Nothing => 200 Json(of::<BTreeMap<String, Value>>);
    PUT "/api/preferences" "Keep something for a user" "Replaces the whole object, at most 64 KiB."
        Asked::Json(of::<BTreeMap<String, Value>>) => 200 Json(of::<BTreeMap<String, Value>>);
    GET "/api/keys" "API keys" "One's own, or for admins all; never what they open with."
        Nothing => 200 Json(of::<Page<ApiKeyView>>);
    POST "/api/keys" "Make an API key" "For who asks, with no more than their role; shown this once."
        Asked::Json(of::<NewApiKeyRequest>) => 201 Json(of::<MadeApiKey>);
    DELETE "/api/keys/{id}" "Take an API key away" "It opens nothing from now on."
        Nothing => 204 Done;
    GET "/api/sessions" "Open sessions" "One's own, or for admins all: from where and since when."
        Nothing => 200 Json(of::<Page<OpenSessionView>>);
    DELETE "/api/sessions/{id}" "End a session" "Its cookie is worth nothing from now on."
        Nothing => 204 Done;
    GET "/api/approvals" "Requests that need a second admin" "Newest first, a page at a time."
        Nothing => 200 Json(of::<Page<ApprovalView>>);
    POST "/api/approvals/{id}/approve" "Agree to a request"
        "Not to one's own. The one who asked then makes the same request again, once."
        Nothing => 200 Json(of::<ApprovalView>);
    POST "/api/approvals/{id}/refuse" "Refuse a request" "It can be asked again."
        Nothing => 200 Json(of::<ApprovalView>);
    GET "/api/approvals/rule" "The two-person rule" "Whether what destroys needs a second admin."
        Nothing => 200 Json(of::<TwoPersonRule>);
    PUT "/api/approvals/rule" "Turn the two-person rule on or off"
        "On needs two admins to be there; off needs a second admin to agree."
        Asked::Json(of::<TwoPersonRule>) => 200 Json(of::<TwoPersonRule>);
    GET "/api/audit" "The audit log"
        "Changes, sign-ins and refusals, newest first, a page at a time."
        Nothing => 200 Json(of::<Page<Entry>>);
    GET "/api/audit/verify" "Check the audit log"
        "Goes through all of it: the chain, the order, the seals, the end."
        Nothing => 200 Json(of::<Report>);
    GET "/api/audit/export" "Take the audit log away"
        "Every entry a line, between a head and a signature; checked with nothing but the public key."
        Nothing => 200 Text("application/x-ndjson");

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
    GET "/api/library/drives/{serial}/health" "How a drive is"
        "What it has raised in plain words, its error counters, whether it asks to be cleaned. Asks the drive, \
         unless a job has it: then as it last said."
        Nothing => 200 Json(of::<DriveHealthView>);
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
    POST "/api/backups/estimate" "What a backup would do"
        "Walks the sources and changes nothing: what would be written, what is skipped because it is safe already, \
         which cartridges would take it, what is lacking. Takes as long as the walk, five million entries at most."
        Asked::Json(of::<BackupSpec>) => 200 Json(of::<BackupEstimate>);
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
        "When, in a time zone, and the task: a backup, a verification, an inventory or a catalog backup."
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

    GET "/api/sources" "Network sources"
        "Shares of other machines, by name, with how they stand; never a password."
        Nothing => 200 Json(of::<Page<SourceState>>);
    PUT "/api/sources/{name}" "Make or change a network source"
        "Mounts it below /srv/sources. One whose server is away is kept, and its state says why."
        Asked::Json(of::<SourceRequest>) => 200 Json(of::<SourceState>);
    DELETE "/api/sources/{name}" "Remove a network source"
        "Unmounts it and forgets its password; not while a job reads it."
        Nothing => 204 Done;
    POST "/api/sources/{name}/mount" "Mount a network source now"
        "Also one that is mounted and whose server has been away since."
        Nothing => 200 Json(of::<SourceState>);
    GET "/api/folders" "What is in a folder of the appliance"
        "To choose what is backed up and where a restore goes; by name, a page at a time."
        Nothing => 200 Json(of::<Page<FolderEntry>>);


    GET "/api/pools" "Pools" "Sets of one policy, and why a pool cannot be used."
        Nothing => 200 Json(of::<Vec<PoolView>>);
    POST "/api/pools" "Make a pool" "Its encryption cannot be changed later."
        Asked::Json(of::<CreatePoolRequest>) => 200 Json(of::<PoolView>);
    POST "/api/pools/{pool}/rotate" "Give a pool a new data key"
        "For the runs that begin from now on; older keys stay for what they sealed."
        Nothing => 200 Json(of::<PoolView>);
    GET "/api/pools/{pool}/expired" "What is past the retention of a pool"
        "Runs that no kept run refers to, and the cartridges that hold nothing else: they can be formatted again."
        Nothing => 200 Json(of::<ExpiredView>);
    PUT "/api/pools/{pool}/retention" "Say how long runs are kept"
        "Runs past it are listed as expired. Nothing is ever erased by that."
        Asked::Json(of::<RetentionRequest>) => 200 Json(of::<PoolView>);
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
    let found = OPERATIONS
        .iter()
        .chain(single::OPERATIONS)
        .chain(appliance::OPERATIONS)
        .find(|it| it.method == route.method && it.path == route.path);
    found.unwrap_or(const { &UNDESCRIBED })
}

/// Every description.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().chain(single::OPERATIONS).chain(appliance::OPERATIONS)
}
