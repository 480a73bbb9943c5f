//! Operation codes, service actions and their names: the only place where they are numbers.

/// Declares the opcodes and, from the same list, the name of each.
macro_rules! opcodes {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: u8 = $code;)*

        /// The standard's name of an opcode. Where SSC and SMC share a code, both names.
        #[must_use]
        pub fn name(opcode: u8) -> &'static str {
            match opcode {
                $($code => $text,)*
                _ => "unknown command",
            }
        }
    };
}

opcodes! {
    TEST_UNIT_READY = 0x00, "TEST UNIT READY";
    REWIND = 0x01, "REWIND";
    REQUEST_SENSE = 0x03, "REQUEST SENSE";
    FORMAT_MEDIUM = 0x04, "FORMAT MEDIUM";
    READ_BLOCK_LIMITS = 0x05, "READ BLOCK LIMITS";
    INITIALIZE_ELEMENT_STATUS = 0x07, "INITIALIZE ELEMENT STATUS";
    READ_6 = 0x08, "READ(6)";
    WRITE_6 = 0x0A, "WRITE(6)";
    SET_CAPACITY = 0x0B, "SET CAPACITY";
    WRITE_FILEMARKS_6 = 0x10, "WRITE FILEMARKS(6)";
    SPACE_6 = 0x11, "SPACE(6)";
    INQUIRY = 0x12, "INQUIRY";
    VERIFY_6 = 0x13, "VERIFY(6)";
    MODE_SELECT_6 = 0x15, "MODE SELECT(6)";
    RESERVE_6 = 0x16, "RESERVE(6)";
    RELEASE_6 = 0x17, "RELEASE(6)";
    ERASE_6 = 0x19, "ERASE(6)";
    MODE_SENSE_6 = 0x1A, "MODE SENSE(6)";
    LOAD_UNLOAD = 0x1B, "LOAD UNLOAD";
    RECEIVE_DIAGNOSTIC_RESULTS = 0x1C, "RECEIVE DIAGNOSTIC RESULTS";
    SEND_DIAGNOSTIC = 0x1D, "SEND DIAGNOSTIC";
    PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1E, "PREVENT ALLOW MEDIUM REMOVAL";
    LOCATE_10_OR_POSITION_TO_ELEMENT = 0x2B, "LOCATE(10) or POSITION TO ELEMENT";
    READ_POSITION = 0x34, "READ POSITION";
    INITIALIZE_ELEMENT_STATUS_WITH_RANGE = 0x37, "INITIALIZE ELEMENT STATUS WITH RANGE";
    WRITE_BUFFER = 0x3B, "WRITE BUFFER";
    READ_BUFFER = 0x3C, "READ BUFFER";
    REPORT_DENSITY_SUPPORT = 0x44, "REPORT DENSITY SUPPORT";
    LOG_SELECT = 0x4C, "LOG SELECT";
    LOG_SENSE = 0x4D, "LOG SENSE";
    MODE_SELECT_10 = 0x55, "MODE SELECT(10)";
    MODE_SENSE_10 = 0x5A, "MODE SENSE(10)";
    PERSISTENT_RESERVE_IN = 0x5E, "PERSISTENT RESERVE IN";
    PERSISTENT_RESERVE_OUT = 0x5F, "PERSISTENT RESERVE OUT";
    ALLOW_OVERWRITE = 0x82, "ALLOW OVERWRITE";
    READ_ATTRIBUTE = 0x8C, "READ ATTRIBUTE";
    WRITE_ATTRIBUTE = 0x8D, "WRITE ATTRIBUTE";
    SPACE_16 = 0x91, "SPACE(16)";
    LOCATE_16 = 0x92, "LOCATE(16)";
    REPORT_LUNS = 0xA0, "REPORT LUNS";
    SECURITY_PROTOCOL_IN = 0xA2, "SECURITY PROTOCOL IN";
    MAINTENANCE_IN = 0xA3, "MAINTENANCE IN";
    MAINTENANCE_OUT = 0xA4, "MAINTENANCE OUT";
    MOVE_MEDIUM = 0xA5, "MOVE MEDIUM";
    EXCHANGE_MEDIUM = 0xA6, "EXCHANGE MEDIUM";
    READ_MEDIA_SERIAL_NUMBER = 0xAB, "READ MEDIA SERIAL NUMBER";
    SECURITY_PROTOCOL_OUT = 0xB5, "SECURITY PROTOCOL OUT";
    READ_ELEMENT_STATUS = 0xB8, "READ ELEMENT STATUS";
}

/// MAINTENANCE IN service action: REPORT SUPPORTED OPERATION CODES.
pub const SA_REPORT_SUPPORTED_OPERATION_CODES: u8 = 0x0C;
/// MAINTENANCE IN service action: RECEIVE RECOMMENDED ACCESS ORDER.
pub const SA_RECEIVE_RECOMMENDED_ACCESS_ORDER: u8 = 0x1D;
/// MAINTENANCE IN service action of the vendors of LTO drives, with a qualifier in byte 2.
pub const SA_VENDOR_MAINTENANCE_IN: u8 = 0x1F;
/// Its qualifier: READ END OF WRAP POSITION.
pub const SAQ_READ_END_OF_WRAP_POSITION: u8 = 0x45;
/// MAINTENANCE OUT service action: GENERATE RECOMMENDED ACCESS ORDER.
pub const SA_GENERATE_RECOMMENDED_ACCESS_ORDER: u8 = 0x1D;

/// True for a command whose data phase goes to the device.
#[must_use]
pub fn sends_data(opcode: u8) -> bool {
    matches!(
        opcode,
        WRITE_6
            | MODE_SELECT_6
            | MODE_SELECT_10
            | LOG_SELECT
            | SEND_DIAGNOSTIC
            | WRITE_BUFFER
            | WRITE_ATTRIBUTE
            | PERSISTENT_RESERVE_OUT
            | SECURITY_PROTOCOL_OUT
            | MAINTENANCE_OUT
    )
}

/// True for a command that changes what is on the medium: its data, marks, layout or attributes.
///
/// The rule "no write-class command reaches a closed or foreign volume" is asserted with this list.
/// SET CAPACITY and FORMAT MEDIUM are in it; MODE SELECT and SECURITY PROTOCOL OUT change the
/// drive's settings only.
#[must_use]
pub fn is_write_class(opcode: u8) -> bool {
    matches!(
        opcode,
        WRITE_6 | WRITE_FILEMARKS_6 | ERASE_6 | FORMAT_MEDIUM | SET_CAPACITY | WRITE_ATTRIBUTE
    )
}
