//! Names of owners as they are read back: few, and said of every file.
//!
//! The plan of a backup is read several times, and each of its entries names a user and a group. A name
//! that is one of the last ones is shared and not made anew.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, de};

/// User and group of a file, and of the one before it.
const KEPT_MAX: usize = 4;

thread_local! {
    static LAST: RefCell<VecDeque<Arc<str>>> = const { RefCell::new(VecDeque::new()) };
}

/// Reads a name, or that there is none.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<str>>, D::Error> {
    let name = Option::<OwnerName>::deserialize(deserializer)?;
    Ok(name.map(|name| name.0))
}

struct OwnerName(Arc<str>);

impl<'de> Deserialize<'de> for OwnerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl de::Visitor<'_> for NameVisitor {
    type Value = OwnerName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a user or group")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<OwnerName, E> {
        Ok(OwnerName(shared(name)))
    }
}

fn shared(name: &str) -> Arc<str> {
    LAST.with_borrow_mut(|last| {
        if let Some(known) = last.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let made: Arc<str> = name.into();
        last.truncate(KEPT_MAX - 1);
        last.push_front(Arc::clone(&made));
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Owner {
        #[serde(default, deserialize_with = "deserialize")]
        user: Option<Arc<str>>,
    }

    #[test]
    fn a_name_that_was_just_read_is_shared_and_others_are_themselves() {
        let read = |text: &str| serde_json::from_str::<Owner>(text).unwrap().user;
        let ann = read(r#"{"user":"ann"}"#).unwrap();
        for (text, name) in [("bob", "bob"), (r"c\u0061rl", "carl"), ("", "")] {
            assert_eq!(read(&format!(r#"{{"user":"{text}"}}"#)).as_deref(), Some(name));
        }
        assert!(Arc::ptr_eq(&ann, &read(r#"{"user":"ann"}"#).unwrap()));
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"user":null}"#), None);
        let far: Vec<_> =
            (0..10).map(|n| read(&format!(r#"{{"user":"u{n}"}}"#)).unwrap()).collect();
        assert_eq!(&*far[9], "u9");
        LAST.with_borrow(|last| assert_eq!(last.len(), KEPT_MAX));
    }
}
