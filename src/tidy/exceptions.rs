//! Where a rule may be broken, and why. This list may only become shorter.

use super::Finding;

/// One rule that one file need not keep.
#[derive(Debug)]
pub(super) struct Exception {
    /// Path below `src/`.
    pub(super) path: &'static str,
    /// The rule's short name.
    pub(super) rule: &'static str,
    /// Words that the finding's message has, to except one function and not the whole file.
    pub(super) about: &'static str,
    /// Why it is right here.
    #[expect(dead_code, reason = "read by people")]
    pub(super) reason: &'static str,
}

impl Exception {
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        finding.path == self.path
            && finding.rule == self.rule
            && finding.message.contains(self.about)
    }
}

pub(super) const EXCEPTIONS: &[Exception] = &[];
