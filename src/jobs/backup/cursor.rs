//! A place in the plan: the next step, and the directories that are open there.
//!
//! A directory is put on the volume when something in it is, so that an incremental run of three files
//! does not write a million empty folders; a full run keeps the empty ones, because they were there.

use super::plan::{Action, PlanError, PlanReader, PlanStep, PlannedEntry};
use crate::domain::SourcePath;
use crate::jobs::stored_form::ContentForm;
use crate::jobs::stored_name::with_endings;

/// A directory of the plan that encloses the cursor.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    /// The directory.
    pub(crate) planned: PlannedEntry,
    /// True once it is on the volume.
    pub(crate) is_entered: bool,
}

/// What the cursor met.
#[derive(Debug)]
pub(crate) enum Met {
    /// A directory began; it is on the stack now.
    Entered,
    /// Something without content of its own to be stored.
    Described(PlannedEntry),
    /// A file whose content is to be stored.
    File(PlannedEntry),
    /// A directory ended; it is no longer on the stack.
    Left(OpenDirectory),
    /// Something of an earlier run that is not there any more.
    Gone(SourcePath),
    /// Could not be listed or known in full.
    Problem {
        /// Where.
        path: SourcePath,
        /// What the source said.
        reason: String,
        /// How many such there were before it in the plan.
        number: u64,
    },
    /// Left out.
    NotKnown,
    /// The plan has ended.
    End,
}

/// The cursor.
#[derive(Debug)]
pub(crate) struct PlanCursor {
    plan: PlanReader,
    stack: Vec<OpenDirectory>,
    problems: u64,
}

impl PlanCursor {
    /// At the beginning of a plan.
    pub(crate) fn new(plan: PlanReader) -> Self {
        Self { plan, stack: Vec::new(), problems: 0 }
    }

    /// The directories that are open here, outermost first.
    pub(crate) fn stack_mut(&mut self) -> &mut Vec<OpenDirectory> {
        &mut self.stack
    }

    /// The directories that are open here, outermost first.
    pub(crate) fn stack(&self) -> &[OpenDirectory] {
        &self.stack
    }

    /// Goes one step further.
    ///
    /// # Errors
    /// If the plan cannot be read.
    pub(crate) fn advance(&mut self) -> Result<Met, PlanError> {
        let Some(step) = self.plan.next()? else { return Ok(Met::End) };
        Ok(match step {
            PlanStep::Enter(planned) => {
                self.stack.push(OpenDirectory { planned, is_entered: false });
                Met::Entered
            }
            PlanStep::Entry(planned) if matches!(planned.action, Action::Store { .. }) => {
                Met::File(planned)
            }
            PlanStep::Entry(planned) => Met::Described(planned),
            PlanStep::Leave => self.stack.pop().map_or(Met::NotKnown, Met::Left),
            PlanStep::Gone { path } => Met::Gone(path),
            PlanStep::Problem { path, reason } => {
                self.problems += 1;
                Met::Problem { path, reason, number: self.problems - 1 }
            }
            PlanStep::Skipped { .. } => Met::NotKnown,
        })
    }

    /// The path on the volume of an entry here with that content, where a part of it differs from the source's.
    pub(crate) fn stored_path(&self, planned: &PlannedEntry, form: ContentForm) -> Option<String> {
        let is_replaced = planned.stored_name.is_some()
            || !form.is_plain()
            || self.stack.iter().any(|directory| directory.planned.stored_name.is_some());
        if !is_replaced {
            return None;
        }
        let mut path = String::new();
        for directory in &self.stack {
            path.push_str(&name_on_volume(&directory.planned));
            path.push('/');
        }
        path.push_str(&name_on_volume(planned));
        Some(with_endings(path, form))
    }
}

/// The name of an entry on the volume, but for what the form of its content appends.
pub(crate) fn name_on_volume(planned: &PlannedEntry) -> std::borrow::Cow<'_, str> {
    match &planned.stored_name {
        Some(name) => name.as_str().into(),
        None => String::from_utf8_lossy(planned.entry.path.name()),
    }
}
