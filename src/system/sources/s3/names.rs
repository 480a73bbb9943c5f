//! Names of a key as a file system can have them, and back.

/// Before the name of an object beside a folder of the same name.
pub(super) const BESIDE: &[u8] = b"%=";

/// A name between two `/` of a key, as it is shown.
pub(super) fn shown(name: &[u8]) -> Vec<u8> {
    match name {
        b"" | b"." | b".." => [b"%", name].concat(),
        [b'%', ..] => [b"%", name].concat(),
        plain => plain.to_vec(),
    }
}

/// The key of a path whose names are shown ones.
pub(super) fn key_of(path: &[u8]) -> Vec<u8> {
    let names = path.split(|&byte| byte == b'/').map(|name| match name {
        [b'%', b'=', rest @ ..] | [b'%', rest @ ..] => rest,
        plain => plain,
    });
    names.collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_no_path_can_have_is_shown_with_a_percent_sign() {
        for (name, as_shown) in
            [("", "%"), (".", "%."), ("..", "%.."), ("%", "%%"), ("%=x", "%%=x"), ("50%", "50%")]
        {
            assert_eq!(shown(name.as_bytes()), as_shown.as_bytes());
        }
        assert_eq!(key_of(b"a/%=b"), b"a/b");
    }

    proptest! {
        #[test]
        fn every_key_has_a_path_and_comes_back(key in "[a%=./]{0,12}") {
            let names = key.split('/').map(|name| shown(name.as_bytes()));
            let path = names.collect::<Vec<_>>().join(&b'/');
            prop_assert_eq!(key_of(&path), key.into_bytes());
        }
    }
}
