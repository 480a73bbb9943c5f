//! SECURITY PROTOCOL IN: what the drive can encrypt, and how it is set.

use crate::vtl::bytes::Page;

/// Security protocol: tape data encryption.
pub(in crate::vtl) const TAPE_DATA_ENCRYPTION: u8 = 0x20;
const SECURITY_PROTOCOL_INFORMATION: u8 = 0x00;
/// Page of SECURITY PROTOCOL OUT.
pub(in crate::vtl) const SET_DATA_ENCRYPTION: u16 = 0x0010;
/// The one algorithm: AES-256-GCM.
pub(in crate::vtl) const ALGORITHM_INDEX: u8 = 1;
const AES_256_GCM: u32 = 0x0001_0014;

const IN_SUPPORT: u16 = 0x0000;
const OUT_SUPPORT: u16 = 0x0001;
const CAPABILITIES: u16 = 0x0010;
const KEY_FORMATS: u16 = 0x0011;
const STATUS: u16 = 0x0020;
const NEXT_BLOCK: u16 = 0x0021;

/// How encryption is set, for one initiator.
#[derive(Clone, Debug)]
pub(in crate::vtl) struct EncryptionView {
    /// Scope of the initiator's own parameters.
    pub(in crate::vtl) local_scope: u8,
    /// Scope of the parameters in force.
    pub(in crate::vtl) scope: u8,
    pub(in crate::vtl) encrypts: bool,
    pub(in crate::vtl) decrypts: bool,
    pub(in crate::vtl) decrypts_mixed: bool,
    pub(in crate::vtl) key_instance: u32,
    pub(in crate::vtl) ukad: Vec<u8>,
    pub(in crate::vtl) akad: Vec<u8>,
}

/// What stands at the position.
#[derive(Clone, Debug)]
pub(in crate::vtl) struct NextBlock {
    pub(in crate::vtl) number: u64,
    pub(in crate::vtl) content: NextContent,
}

/// What a block is, as far as encryption goes.
#[derive(Clone, Debug)]
pub(in crate::vtl) enum NextContent {
    NotABlock,
    Plain,
    /// With the key-associated data that it was written with.
    Encrypted {
        has_key: bool,
        ukad: Vec<u8>,
        akad: Vec<u8>,
    },
}

/// The answer; `None` if there is no such protocol or page.
pub(in crate::vtl) fn answer(
    protocol: u8,
    code: u16,
    view: &EncryptionView,
    next: &NextBlock,
) -> Option<Page> {
    let mut page = Page::new();
    if protocol == SECURITY_PROTOCOL_INFORMATION {
        if code != 0 {
            return None;
        }
        page.zeros(6).u16(2_u16).u8(SECURITY_PROTOCOL_INFORMATION).u8(TAPE_DATA_ENCRYPTION);
        return Some(page);
    }
    if protocol != TAPE_DATA_ENCRYPTION {
        return None;
    }
    page.u16(code).u16(0_u16);
    match code {
        IN_SUPPORT => {
            let codes = [IN_SUPPORT, OUT_SUPPORT, CAPABILITIES, KEY_FORMATS, STATUS, NEXT_BLOCK];
            codes.into_iter().for_each(|code| {
                page.u16(code);
            });
        }
        OUT_SUPPORT => {
            page.u16(SET_DATA_ENCRYPTION);
        }
        CAPABILITIES => capabilities(&mut page),
        // Plain keys only.
        KEY_FORMATS => {
            page.u8(0);
        }
        STATUS => status(&mut page, view),
        NEXT_BLOCK => next_block(&mut page, next),
        _ => return None,
    }
    page.close_u16(2);
    Some(page)
}

fn capabilities(page: &mut Page) {
    page.zeros(16);
    // Encryption algorithm descriptor, 24 bytes: index, length of what follows, abilities.
    // AVFMV, DED_C and EED_C 2 (by hardware), MAC_C; U-KAD 32 and A-KAD 60 at most; key 32 bytes.
    page.u8(ALGORITHM_INDEX).u8(0).u16(20_u16).u8(0xBA).u8(0x00).u16(32_u16).u16(60_u16);
    page.u16(32_u16).zeros(8).u32(AES_256_GCM);
}

fn status(page: &mut Page, view: &EncryptionView) {
    const ENCRYPT: u8 = 2;
    const DECRYPT: u8 = 2;
    const MIXED: u8 = 3;
    page.u8(view.local_scope << 5 | view.scope);
    page.u8(if view.encrypts { ENCRYPT } else { 0 });
    page.u8(match (view.decrypts, view.decrypts_mixed) {
        (false, _) => 0,
        (true, false) => DECRYPT,
        (true, true) => MIXED,
    });
    page.u8(if view.encrypts || view.decrypts { ALGORITHM_INDEX } else { 0 });
    page.u32(view.key_instance).zeros(12);
    key_associated_data(page, &view.ukad, &view.akad);
}

fn key_associated_data(page: &mut Page, ukad: &[u8], akad: &[u8]) {
    for (kind, value) in [(0, ukad), (1, akad)] {
        if !value.is_empty() {
            page.u8(kind).u8(0).u16(value.len()).bytes(value);
        }
    }
}

fn next_block(page: &mut Page, next: &NextBlock) {
    const NOT_A_BLOCK: u8 = 2;
    const PLAIN: u8 = 3;
    const ENCRYPTED_WITH_KEY: u8 = 5;
    const ENCRYPTED_WITHOUT_KEY: u8 = 6;
    page.u64(next.number);
    match &next.content {
        NextContent::NotABlock => {
            page.u8(NOT_A_BLOCK).zeros(3);
        }
        NextContent::Plain => {
            page.u8(PLAIN).zeros(3);
        }
        NextContent::Encrypted { has_key, ukad, akad } => {
            let status = if *has_key { ENCRYPTED_WITH_KEY } else { ENCRYPTED_WITHOUT_KEY };
            page.u8(status).u8(ALGORITHM_INDEX).zeros(2);
            key_associated_data(page, ukad, akad);
        }
    }
}
