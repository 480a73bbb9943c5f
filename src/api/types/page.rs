//! Lists in pages: a cursor says where the next page begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items of a page when the caller does not say: fills a terminal twice.
pub const LIMIT_DEFAULT: usize = 100;
/// Most items of a page: about a megabyte of JSON.
pub const LIMIT_MAX: usize = 1000;

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The `next` of the page before; `None` for the first page.
    pub after: Option<String>,
    /// Most items, 1 to [`LIMIT_MAX`].
    pub limit: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { after: None, limit: LIMIT_DEFAULT }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Pass this as `after` for the next page; absent on the last. Opaque, good for this list only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that fits one page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
