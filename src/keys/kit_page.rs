//! The recovery kit as a page to be printed: groups to be typed, the same as a QR code, what to do.
//!
//! One HTML file with everything in it: no script, nothing loaded, black on white. It goes from the engine
//! to the printer of whoever is allowed to; nothing keeps it.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::kit::{GROUPS, Kit};
use super::{KeyId, asked_groups};
use crate::domain::Timestamp;

/// Groups in a line: four lines are read aloud without losing the place.
const GROUPS_PER_LINE: usize = 4;
/// Side of the QR code in pixels of the page, about 4 cm.
const QR_PIXELS: u32 = 160;

/// What stands on the paper beside the secret.
#[derive(Clone, Debug)]
pub struct KitPaper<'a> {
    /// The machine.
    pub host: &'a str,
    /// The key that signs its tapes: what a README on a tape says to compare with the kit.
    pub signing_key: KeyId,
    /// When it is printed.
    pub printed: Timestamp,
}

/// The kit as text, for terminals and typewriters.
#[must_use]
pub fn kit_text(kit: &Kit, paper: &KitPaper<'_>) -> Zeroizing<String> {
    let id = kit.public().id();
    let mut text = Zeroizing::new(format!(
        "FOSSILSAFE RECOVERY KIT {id}\n\nOpens every encrypted tape of \"{}\". Keep it on paper, away from the \
         tapes, in two places.\nWithout it and without the machine nobody can read them.\n\n",
        paper.host
    ));
    for line in lines(kit) {
        text.push_str("    ");
        text.push_str(&line.join("  "));
        text.push('\n');
    }
    let key = paper.signing_key;
    let date = &paper.printed.to_string()[..10];
    text.push_str(&format!(
        "\nTo decrypt without FossilSafe: type the groups into a file kit.txt, mount the tape read-only, and\n\
         read /.fossilsafe/README.txt on it. Tapes of this machine are signed by key {key}.\n\
         Printed {date}.\n"
    ));
    text
}

/// The kit as one HTML file.
#[must_use]
pub fn kit_html(kit: &Kit, paper: &KitPaper<'_>) -> Zeroizing<String> {
    let text = kit.text();
    // 69 characters fit into every size of code.
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M);
    let image = code.map(|code| {
        let mut drawn = code.render::<svg::Color<'_>>();
        drawn.min_dimensions(QR_PIXELS, QR_PIXELS).build()
    });
    let image = Zeroizing::new(image.unwrap_or_default());
    let image = image.split_once("?>").map_or(image.as_str(), |(_, svg)| svg);
    let mut rows = Zeroizing::new(String::new());
    for (at, line) in lines(kit).iter().enumerate() {
        let first = at * GROUPS_PER_LINE + 1;
        rows.push_str(&format!("<tr><th>{first}</th>"));
        line.iter().for_each(|group| rows.push_str(&format!("<td>{group}</td>")));
        rows.push_str("</tr>");
    }
    let rows = rows.as_str();
    let (host, id) = (escaped(paper.host), kit.public().id());
    let asked = asked_groups(id).map(|number| number.to_string()).join(", ");
    let (key, date) = (paper.signing_key, &paper.printed.to_string()[..10]);
    Zeroizing::new(format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recovery kit {id}</title><style>
body{{font:12pt/1.5 serif;margin:2cm;color:#000;background:#fff}}h1{{font-size:18pt}}
td,th{{font:16pt monospace;padding:2mm 5mm}}th{{font-size:9pt;color:#555;text-align:right}}
svg{{width:4cm;height:4cm;float:right}}
</style></head><body>{image}
<h1>FossilSafe recovery kit {id}</h1>
<p>Opens every encrypted tape of <b>{host}</b>. Keep it on paper, away from the tapes, in two places.
Without it and without the machine nobody can read them.</p>
<table><caption>The kit: {GROUPS} groups, counted by line</caption>{rows}</table>
<p>Type groups {asked} back with <code>fossilsafe kit confirm</code>: only then the kit counts.
Once a year type all of it into <code>fossilsafe kit drill</code>.</p>
<p>To decrypt without FossilSafe: type the groups into a file <code>kit.txt</code>, mount the tape
read-only, and read <code>/.fossilsafe/README.txt</code> on it. Tapes of this machine are signed by key
<code>{key}</code>. Printed {date}.</p></body></html>
"#
    ))
}

fn lines(kit: &Kit) -> Vec<Vec<String>> {
    let text = kit.text();
    let groups: Vec<String> = text.split('-').map(str::to_owned).collect();
    groups.chunks(GROUPS_PER_LINE).map(<[String]>::to_vec).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_whole_kit_and_load_nothing() {
        let kit = Kit::generate();
        let host = "a<b>";
        let signing_key: KeyId = "1f0a33c95d0e7b12".parse().unwrap();
        let printed = Timestamp { seconds: 1_795_409_658, nanoseconds: 0 };
        let paper = KitPaper { host, signing_key, printed };
        let (text, html) = (kit_text(&kit, &paper), kit_html(&kit, &paper));
        for group in kit.text().split('-') {
            assert!(text.contains(group) && html.contains(group), "{group}");
        }
        assert!(html.contains("<svg") && html.contains("a&lt;b&gt;"));
        for loads in ["src=", "href=", "<script", "url("] {
            assert!(!html.contains(loads), "{loads}");
        }
        let groups = text.lines().filter(|line| line.starts_with("    "));
        let typed: String = groups.collect::<Vec<_>>().join(" ");
        assert_eq!(typed.parse::<Kit>().unwrap().public(), kit.public());
    }
}
