//! The cookie of a session.
//!
//! HttpOnly keeps scripts from reading it, SameSite=Strict keeps other pages from sending it, and Secure,
//! where the page came over TLS, keeps it off plain HTTP. It has no date: it goes with the browser's
//! session, and the server's limits hold whatever a browser keeps.

use crate::domain::peer::Scheme;

const NAME: &str = "fossilsafe_session";

/// The token in the cookies of a request. If a page could plant a second one, neither counts.
pub(super) fn token_in<'h>(headers: impl Iterator<Item = &'h str>) -> Option<String> {
    let mut tokens = Vec::new();
    for header in headers {
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        tokens.extend(pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned()));
    }
    match tokens.as_slice() {
        [token] => Some(token.clone()),
        _ => None,
    }
}

/// What sets the cookie; without a token, what takes it away.
pub(super) fn set_cookie(token: Option<&str>, scheme: Scheme) -> String {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    let value = token.unwrap_or_default();
    let age = if token.is_none() { "; Max-Age=0" } else { "" };
    format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies_and_two_of_them_count_for_nothing() {
        let of = |headers: &[&'static str]| token_in(headers.iter().copied());
        assert_eq!(of(&["a=b; fossilsafe_session=tok; c=d"]).as_deref(), Some("tok"));
        assert_eq!(of(&["x=1", "fossilsafe_session=tok"]).as_deref(), Some("tok"));
        assert_eq!(of(&["fossilsafe_session=a; fossilsafe_session=b"]), None);
        assert_eq!(of(&["fossilsafe_session=a", "fossilsafe_session=b"]), None);
        assert_eq!(of(&["fossilsafe_session", ""]), None);
    }

    #[test]
    fn the_flags_are_those_that_keep_it_from_scripts_pages_and_the_wire() {
        let plain = set_cookie(Some("tok"), Scheme::Http);
        assert_eq!(plain, "fossilsafe_session=tok; Path=/; HttpOnly; SameSite=Strict");
        assert!(set_cookie(Some("tok"), Scheme::Https).contains("; Secure"));
        assert!(set_cookie(None, Scheme::Http).contains("fossilsafe_session=;"));
    }
}
