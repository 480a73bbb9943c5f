//! Schemas of the nouns that all layers share; the layers themselves know nothing of schemas.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::catalog::ScheduleEventKind;
use crate::domain::{
    Barcode, ByteCount, CopyLetter, DriveSerial, JobId, LibrarySerial, LtoGeneration, PoolName,
    RunId, Secret, SetName, Sha256Digest, SourceName, Timestamp, VolumeUuid,
};
use crate::jobs::JobState;
use crate::jobs::spec::Priority;
use crate::keys::KeyId;
use crate::people::{ApprovalState, Role, Scope};
use crate::schedules::Recurrence;

macro_rules! schemas {
    ($($noun:ident: $schema:tt;)*) => {
        $(impl JsonSchema for $noun {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($noun))
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

schemas! {
    Barcode: {
        "type": "string", "pattern": "^[A-Za-z0-9]{1,14}$",
        "description": "The label of a cartridge, as FSP001L9."
    };
    ByteCount: { "type": "integer", "minimum": 0, "description": "Bytes." };
    CopyLetter: {
        "type": "string", "pattern": "^[A-Z]$",
        "description": "One of the copies of a set, each on cartridges of its own."
    };
    DriveSerial: { "type": "string", "description": "The serial number of a drive." };
    JobId: { "type": "integer", "format": "int64", "description": "The number of a job." };
    LibrarySerial: { "type": "string", "description": "The serial number of a library." };
    Recurrence: {
        "type": "object", "required": ["cron"],
        "properties": {
            "cron": {
                "type": "string",
                "description": "Five fields, or six with seconds first, as 30 2 * * MON-FRI."
            },
            "time_zone": {
                "type": "string",
                "description": "A name of the IANA list, as Europe/Berlin. Without it, the machine's as it is then."
            }
        },
        "description": "When something comes again and again."
    };
    KeyId: {
        "type": "string", "pattern": "^[0-9a-f]{16}$",
        "description": "The name of a key or a recovery kit."
    };
    PoolName: {
        "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "description": "The name of a pool."
    };
    RunId: { "type": "string", "description": "The name of a run, also of its folder on tape." };
    Scope: {
        "type": "string", "pattern": "^[a-z-]{1,32}:(read|write)$",
        "description": "A part of the API, as jobs:read or library:write."
    };
    Secret: { "type": "string", "description": "Never kept or shown again." };
    SetName: {
        "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "description": "The name of a set."
    };
    Sha256Digest: {
        "type": "string", "pattern": "^[0-9a-f]{64}$",
        "description": "The SHA-256 of a content."
    };
    SourceName: {
        "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "description": "The name of a network source."
    };
    Timestamp: {
        "type": "string", "format": "date-time",
        "description": "A moment in UTC with nanoseconds, as 2026-11-23T04:54:18.505722554Z."
    };
    VolumeUuid: { "type": "string", "format": "uuid", "description": "The name of a volume." };
}

macro_rules! words {
    ($($noun:ident: $text:literal;)*) => {
        $(impl JsonSchema for $noun {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($noun))
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = Self::ALL.iter().map(|word| word.as_str()).collect();
                json_schema!({ "type": "string", "enum": words, "description": $text })
            }
        })*
    };
}

words! {
    ApprovalState: "Where an approval is.";
    JobState: "Where a job is.";
    Priority: "Whose turn it is among jobs that wait for a drive.";
    Role: "What somebody may do; each may do what those before it may.";
    ScheduleEventKind: "What became of a moment of a schedule.";
}

impl JsonSchema for LtoGeneration {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("LtoGeneration")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^LTO-[0-9]+$",
            "description": "A generation of drives and cartridges.",
        })
    }
}
