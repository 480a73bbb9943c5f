//! Reading what stands around the tree: location, policy, generation, lock.

use std::io::Read;

use crate::domain::{BlockNumber, Timestamp, VolumeUuid};
use crate::ltfs::elements::{Element, Elements, Problem, Seen, Start};
use crate::ltfs::extent::PartitionId;
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::version::FormatVersion;

use super::{IndexHeader, IndexLocation, LockState, PlacementPolicy};

/// Longest comment in bytes. A rule of the format.
const COMMENT_BYTES_MAX: usize = 65_536;
/// Most names in a placement policy; the reference's command line allows far fewer.
const POLICY_NAMES_MAX: usize = 4096;

pub(in crate::ltfs) fn empty_header() -> IndexHeader {
    IndexHeader {
        version: FormatVersion::WRITTEN,
        creator: String::new(),
        comment: None,
        volume_uuid: VolumeUuid(uuid::Uuid::nil()),
        generation: 0,
        update_time: Timestamp::default(),
        location: IndexLocation::default(),
        previous: None,
        allow_policy_update: false,
        placement: None,
        highest_uid: 0,
        lock: None,
        unknown: Vec::new(),
    }
}

/// Reads one child of `ltfsindex` other than the tree.
pub(super) fn header_child<R: Read>(
    elements: &mut Elements<R>,
    start: &Start,
    header: &mut IndexHeader,
    seen: &mut Seen,
) -> Result<(), Problem> {
    if start.element != Element::Unknown {
        seen.add(start.element)?;
    }
    match start.element {
        Element::Creator => {
            header.creator = elements.text(start)?.into_owned();
            if header.creator.is_empty() {
                return Err(Problem::Missing(Element::Creator.name()));
            }
        }
        Element::Comment => {
            let comment = elements.text(start)?.into_owned();
            if comment.len() > COMMENT_BYTES_MAX {
                return Err(Problem::TooLarge(COMMENT_BYTES_MAX));
            }
            header.comment = Some(comment);
        }
        Element::VolumeUuid => header.volume_uuid = volume_uuid(elements, start)?,
        // The reference keeps 32 bits of it.
        Element::GenerationNumber => header.generation = elements.number32(start)?.into(),
        Element::UpdateTime => header.update_time = elements.time(start)?,
        Element::Location => header.location = location(elements, start)?,
        Element::PreviousGenerationLocation => {
            header.previous = Some(location(elements, start)?);
        }
        Element::AllowPolicyUpdate => header.allow_policy_update = elements.boolean(start)?,
        Element::DataPlacementPolicy => header.placement = Some(placement(elements, start)?),
        Element::HighestFileUid => {
            header.highest_uid = header.highest_uid.max(elements.number(start)?);
        }
        Element::VolumeLockState => {
            header.lock = Some(match elements.text(start)?.as_ref() {
                "unlocked" => LockState::Unlocked,
                "locked" => LockState::Locked,
                "permlocked" => LockState::PermanentlyLocked,
                other => return Err(Problem::Value(other.chars().take(80).collect())),
            });
        }
        _ => elements.pass_over(start, Some(&mut header.unknown))?,
    }
    Ok(())
}

/// What an index must say besides its tree.
pub(super) fn require_header(seen: Seen, version: FormatVersion) -> Result<(), Problem> {
    seen.require(&[
        Element::Creator,
        Element::VolumeUuid,
        Element::GenerationNumber,
        Element::UpdateTime,
        Element::Location,
        Element::AllowPolicyUpdate,
        Element::Directory,
    ])?;
    if version >= FormatVersion::WITH_UIDS {
        seen.require(&[Element::HighestFileUid])?;
    }
    Ok(())
}

pub(in crate::ltfs) fn volume_uuid<R: Read>(
    elements: &mut Elements<R>,
    start: &Start,
) -> Result<VolumeUuid, Problem> {
    const HYPHENATED_CHARS: usize = 36;
    let text = elements.text(start)?;
    let is_hyphenated = text.len() == HYPHENATED_CHARS;
    let uuid = uuid::Uuid::try_parse(&text).ok().filter(|_| is_hyphenated);
    uuid.map(VolumeUuid).ok_or_else(|| Problem::Value(text.chars().take(80).collect()))
}

fn location<R: Read>(elements: &mut Elements<R>, parent: &Start) -> Result<IndexLocation, Problem> {
    let mut seen = Seen::default();
    let mut partition = PartitionId::default();
    let mut block = BlockNumber(0);
    while let Some(start) = elements.child_in(parent)? {
        match start.element {
            Element::Partition => {
                seen.add(Element::Partition)?;
                partition = elements.partition(&start)?;
            }
            Element::StartBlock => {
                seen.add(Element::StartBlock)?;
                block = BlockNumber(elements.number(&start)?);
            }
            _ => elements.pass_over(&start, None)?,
        }
    }
    seen.require(&[Element::Partition, Element::StartBlock])?;
    Ok(IndexLocation { partition, block })
}

fn placement<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
) -> Result<PlacementPolicy, Problem> {
    let mut policy = None;
    while let Some(start) = elements.child_in(parent)? {
        if start.element != Element::IndexPartitionCriteria {
            elements.pass_over(&start, None)?;
        } else if policy.is_some() {
            return Err(Problem::Duplicate(start.element.name()));
        } else {
            policy = Some(criteria(elements, &start)?);
        }
    }
    policy.ok_or(Problem::Missing(Element::IndexPartitionCriteria.name()))
}

fn criteria<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
) -> Result<PlacementPolicy, Problem> {
    let mut policy = PlacementPolicy::default();
    let mut seen = Seen::default();
    while let Some(start) = elements.child_in(parent)? {
        match start.element {
            Element::Size => {
                seen.add(Element::Size)?;
                policy.size = elements.number(&start)?;
            }
            Element::Name if policy.names.len() < POLICY_NAMES_MAX => {
                let mut name = Name::default();
                elements.name_into(&start, NameUse::Entry, &mut name)?;
                policy.names.push(name);
            }
            Element::Name => return Err(Problem::TooLarge(POLICY_NAMES_MAX)),
            _ => elements.pass_over(&start, None)?,
        }
    }
    seen.require(&[Element::Size])?;
    Ok(policy)
}
