//! Addresses of the API, put together part by part so that no name is ever pasted unencoded.

use crate::api::encode;

/// A path and a query.
#[derive(Clone, Debug)]
pub(super) struct Address(String);

impl Address {
    /// Begins with a literal path.
    pub(super) fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Appends one part of the path.
    pub(super) fn part(mut self, part: &str) -> Self {
        self.0.push('/');
        self.0.push_str(&encode(part.as_bytes()));
        self
    }

    /// Appends a query value.
    pub(super) fn query(mut self, name: &str, value: &[u8]) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encode(value));
        self
    }

    /// Appends a query value, if there is one.
    pub(super) fn query_if<T: ToString>(self, name: &str, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string().as_bytes()),
            None => self,
        }
    }

    /// As it goes into a request.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_values_cannot_break_out() {
        let address = Address::new("/api/runs")
            .part("a/b?c")
            .query("q", b"x&y=\xFF")
            .query_if("set", None::<&String>)
            .query_if("limit", Some(&5));
        assert_eq!(address.as_str(), "/api/runs/a%2Fb%3Fc?q=x%26y%3D%FF&limit=5");
    }
}
