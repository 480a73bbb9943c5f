//! Export and import: what goes out comes in again, and wrong dumps are refused by line.

use super::*;

const DUMP: &str = r#"{"type":"cartridge","barcode":"EXT001L8","capacity_mb":100,"generation":"LTO-8"}
{"part":0,"type":"mam","id":9,"format":0,"value":"0000002a"}
{"part":1,"type":"mam","id":2060,"format":0,"value":"08010203"}
{"part":0,"type":"data","len":3,"off":0}
{"part":0,"type":"filemark"}
{"part":1,"type":"data","len":2,"off":3}
{"part":1,"type":"filemark"}
{"part":1,"type":"data","len":1,"off":5}
"#;

fn folder_with(dump: &str, data: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.jsonl"), dump).unwrap();
    std::fs::write(folder.path().join("data.bin"), data).unwrap();
    folder
}

#[test]
fn a_dump_becomes_a_cartridge_and_a_cartridge_the_same_dump() {
    let mut rig = Rig::new();
    let dump = folder_with(DUMP, b"abcdef");
    let serial = rig.library.import_cartridge(dump.path()).unwrap();
    rig.library.insert(&serial, Entrance::Slot).unwrap();
    rig.changer.settle();
    rig.load(4);
    assert_eq!(rig.drive.change_reference(), 42);
    assert_eq!(rig.drive.attribute(1, 0x080C).unwrap(), [8, 1, 2, 3]);
    rig.drive.locate(1, 1).unwrap();
    assert!(rig.drive.read(9).unwrap_err().filemark);
    assert_eq!(rig.drive.read(9).unwrap(), b"f");
    let out = tempfile::tempdir().unwrap();
    rig.library.export_cartridge("EXT001L8", &out.path().join("x")).unwrap();
    let exported = std::fs::read_to_string(out.path().join("x/dump.jsonl")).unwrap();
    let sorted = |text: &str| {
        let values = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let mut lines: Vec<String> = values.map(|value| value.to_string()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&exported), sorted(DUMP));
    assert_eq!(std::fs::read(out.path().join("x/data.bin")).unwrap(), b"abcdef");
}

#[test]
fn a_wrong_dump_is_refused_by_line_and_leaves_no_cartridge() {
    let rig = Rig::new();
    let before = rig.library.cartridges().unwrap();
    let bad_lines = [
        r#"{"part":9,"type":"filemark"}"#,
        r#"{"part":0,"type":"data","len":4,"off":3}"#,
        r#"{"part":0,"type":"data","len":0,"off":0}"#,
        r#"{"part":0,"type":"mam","id":2060,"format":0,"value":"xyz"}"#,
        r#"{"part":0,"type":"gap"}"#,
        "no json",
    ];
    for bad in bad_lines {
        let dump = folder_with(&format!("{DUMP}{bad}\n"), b"abcdef");
        let error = rig.library.import_cartridge(dump.path()).unwrap_err();
        assert!(matches!(error, VtlError::Dump { line: 9, .. }), "{bad}: {error}");
    }
    let headless = folder_with(&DUMP[DUMP.find('\n').unwrap()..], b"abcdef");
    assert!(matches!(
        rig.library.import_cartridge(headless.path()),
        Err(VtlError::Dump { line: 0, .. })
    ));
    assert_eq!(rig.library.cartridges().unwrap(), before);
}
