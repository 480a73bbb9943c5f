//! What servers of sources say: packets of SFTP, each without the length that stands before it.

use super::Seeds;

pub(crate) mod sftp_answer {
    use super::*;
    use fossilsafe::system::sources::is_sftp_answer;

    /// A kind, and an id or a version.
    const SHORTEST: usize = 5;

    pub(crate) fn run(bytes: &[u8]) {
        assert!(bytes.len() >= SHORTEST || !is_sftp_answer(bytes));
    }

    fn text(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap_or(0).to_be_bytes(), text].concat()
    }

    /// Size, owner, permissions, times, and one attribute of the server's own.
    fn attributes() -> Vec<u8> {
        let numbers =
            [0x8000_000F_u32, 0, 5, 1000, 100, 0o100_644, 1_700_000_000, 1_700_000_001, 1];
        let numbers: Vec<u8> = numbers.into_iter().flat_map(u32::to_be_bytes).collect();
        [numbers, text(b"acl@example"), text(b"none")].concat()
    }

    pub(crate) fn seeds() -> Seeds {
        let packet = |kind: u8, rest: &[&[u8]]| [&[kind, 0, 0, 0, 7], &rest.concat()[..]].concat();
        let (words, names) =
            (text(b"No such file"), [text(b"caf\xe9"), text(b"-rw-r--r-- caf\xe9")]);
        let greeting = [&[2, 0, 0, 0, 3], &text(b"fsync@openssh.com")[..], &text(b"1")].concat();
        let room: Vec<u8> = [4096_u64, 4096, 100, 50, 40, 9, 8, 7, 6, 0, 255]
            .into_iter()
            .flat_map(u64::to_be_bytes)
            .collect();
        Ok(vec![
            greeting,
            packet(101, &[&2_u32.to_be_bytes(), &words, &text(b"en")]),
            packet(102, &[&text(b"handle")]),
            packet(103, &[&text(b"what stands in the file")]),
            packet(104, &[&1_u32.to_be_bytes(), &names.concat(), &attributes()]),
            packet(105, &[&attributes()]),
            packet(201, &[&room]),
        ])
    }

    /// A seed that is refused would teach a fuzzer nothing.
    #[test]
    fn every_seed_is_taken() {
        for seed in seeds().unwrap_or_default() {
            assert!(is_sftp_answer(&seed), "{seed:02x?}");
        }
    }
}
