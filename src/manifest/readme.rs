//! The text of `/.fossilsafe/README.txt`: how to read the tape without us.
//!
//! It is written for somebody who finds the cartridge in thirty years and has LTFS software, common
//! tools, and nothing of ours. Its commands are run by a test.

use super::volume::VolumeRecord;

const TEXT: &str = r#"THIS TAPE
=========

Written by @TOOL@ on the machine "@HOST@".
Set "@SET@", copy @COPY@, volume @SEQUENCE@ of that copy, barcode @BARCODE@,
volume UUID @VOLUME@. This text: @WRITTEN@.

It is a standard LTFS volume (format 2.4). Any LTFS software reads it: the reference implementation
(github.com/LinearTapeFileSystem/ltfs), or those of the makers of tape drives. Mount it READ-ONLY and
copy the files. You do not need the program that wrote it. If the set has more copies than this one, each
of them is complete: volumes of another copy are never needed to read this one.

    /@SET@/<run>/...                      your files; a run is one backup, named by its time
    /.fossilsafe/README.txt               this text
    /.fossilsafe/volume.json              what this volume is
    /.fossilsafe/runs/<run>.manifest      the list of the run's files, one line of JSON each
    /.fossilsafe/runs/<run>.sig           the signature of that list
    /.fossilsafe/keys/<id>.json           only on encrypted tapes: data keys, for the recovery kit
    /.fossilsafe/unseal.py                only on encrypted tapes: a program that decrypts

Below, RUN stands for the name of a run, and the commands are given in the folder /@SET@/RUN of the
mounted tape. They use a shell, jq, sha256sum, openssl (3 or newer) and zstd.


WHAT YOU WILL SEE
-----------------

* Most files are stored as they were, under their own names and paths. Small ones share tape blocks;
  that is part of the format and you will not notice it.

* A name ending in ".zst" that the manifest lists with a "codec" is compressed. To get the file:

      zstd --decompress NAME.zst

* A name with ".sealed" at its end, or before ".part-00001", is encrypted with AES-256-GCM. To get the
  file you need the recovery kit, which is on paper. Type its 14 groups into a file kit.txt, then,
  with TAPE for the folder where the tape is mounted, and Python 3 with its package "cryptography":

      python3 TAPE/.fossilsafe/unseal.py kit.txt TAPE @SET@/RUN/NAME.sealed > NAME

  The program is short and says how the format works; if it is lost, its format is public under the
  name "FSSEALED".

* If this tape has a folder /.fossilsafe/keys and no name ends in ".sealed", the drive has encrypted the
  files and the lists of them (AES-256-GCM), and refuses to read them without the key. Put it into a drive
  that encrypts (LTO-4 or newer, if the library does not forbid it), type the kit as above, and print the key:

      python3 TAPE/.fossilsafe/unseal.py kit.txt TAPE .fossilsafe/keys/ID.json

  ID stands in the name "fossilsafe ID" that the drive reports for such a block. Give the drive the 64
  digits as key for decryption, in mixed mode, with a program that speaks SECURITY PROTOCOL (stenc, for
  example); then copy the files.

* A name ending in ".part-00001", ".part-00002" ... is a piece of a file that did not fit on one tape.
  Gather the pieces from all volumes of this copy in one folder (decrypted, if they are sealed), then:

      cat NAME.part-* > NAME

  If NAME then ends in ".zst", decompress it as above.

* A file that the list gives a "stored_path" stands under that name, because tape software does not
  accept its own. Owner, permissions, symbolic and hard links, extended attributes and holes of sparse
  files are in the manifest too.

* A line with "state" "on_volume" is on another volume of this copy, "unchanged" in an earlier run,
  "to_follow" was to be written to a later volume. "changed_while_read", "vanished" and "unreadable" could
  not be stored as they should be. "not_storable" is no file on the tape (a device, a pipe ...).


ARE THE FILES AS THEY WERE?
---------------------------

    jq -r 'select(.state == "stored" and (.extents or .size == 0) and (.sha256 or .part or .codec))
           | select((.stored_path // .path) | test("[\n\\\\]") | not)
           | (.codec.stored_sha256 // .part.sha256 // .sha256) + "  " + (.stored_path // .path)' \
        ../../.fossilsafe/runs/RUN.manifest | sha256sum --check --quiet

No output means that all are. This reads the whole run, so it takes as long as the tape takes.
(Names with a line break or backslash are left out by this command; look at them one by one.)


IS THE LIST ITSELF GENUINE?
---------------------------

The list is signed with Ed25519, key id @KEY_ID@.
The public key is in the .sig file, but whoever changes a list can put another key there. Compare the
key id with the one in the recovery kit, which is on paper.

    cd ../../.fossilsafe/runs
    jq -r .public_key_pem RUN.sig > /tmp/key.pem
    openssl pkey -pubin -in /tmp/key.pem -outform DER | tail -c 32 | sha256sum | cut -c 1-16
    printf 'fossilsafe manifest v1 sha256 %s\n' "$(sha256sum < RUN.manifest | cut -c 1-64)" > /tmp/message
    jq -r .ed25519 RUN.sig | base64 -d > /tmp/signature
    openssl pkeyutl -verify -pubin -inkey /tmp/key.pem -rawin -in /tmp/message -sigfile /tmp/signature

The second command must print the key id of the kit, the last one "Signature Verified Successfully".
volume.json is checked in the same way, with volume.sig and the word "volume" in place of "manifest".


IF THE TAPE'S INDEX IS LOST
---------------------------

The manifest says for each file where its bytes are: "extents" lists [partition, block, offset in the
block, count of bytes, offset in the file]; blocks have @BLOCK_SIZE@ bytes. Text "fossilsafe-manifest"
at the beginning of a block marks a manifest.
"#;

/// The text for this volume.
#[must_use]
pub fn readme_text(volume: &VolumeRecord) -> String {
    let barcode = volume.barcode.as_ref().map_or("(none)", |barcode| barcode.as_str());
    TEXT.replace("@TOOL@", &volume.tool)
        .replace("@HOST@", &volume.host)
        .replace("@SET@", volume.set.as_str())
        .replace("@COPY@", &volume.copy.to_string())
        .replace("@SEQUENCE@", &volume.sequence.to_string())
        .replace("@BARCODE@", barcode)
        .replace("@VOLUME@", &volume.volume.to_string())
        .replace("@WRITTEN@", &volume.written.to_string())
        .replace("@KEY_ID@", &volume.key_id.to_string())
        .replace("@BLOCK_SIZE@", &volume.block_size_bytes.to_string())
}
