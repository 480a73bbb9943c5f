//! Names of owners and groups, looked up once each.
//!
//! A tree has millions of files and a handful of owners; each lookup reads `/etc/passwd` or asks a
//! directory service.

use std::collections::HashMap;
use std::sync::Arc;

use nix::unistd::{Gid, Group, Uid, User};

/// What has been looked up so far. A number without a name is remembered as such.
#[derive(Debug, Default)]
pub(super) struct NameCache {
    users: HashMap<u32, Option<Arc<str>>>,
    groups: HashMap<u32, Option<Arc<str>>>,
}

impl NameCache {
    /// The name of a user number on this machine.
    pub(super) fn user(&mut self, uid: u32) -> Option<Arc<str>> {
        let look_up = || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|u| u.name.into());
        self.users.entry(uid).or_insert_with(look_up).clone()
    }

    /// The name of a group number on this machine.
    pub(super) fn group(&mut self, gid: u32) -> Option<Arc<str>> {
        let look_up = || Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|g| g.name.into());
        self.groups.entry(gid).or_insert_with(look_up).clone()
    }
}
