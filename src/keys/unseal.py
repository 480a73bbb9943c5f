#!/usr/bin/env python3
"""Decrypts a file of an encrypted FossilSafe tape with the printed recovery kit alone.

    unseal.py KIT TAPE PATH > FILE

KIT is a file with the 14 groups of the kit; TAPE is where the tape is mounted (or a folder made by
`fossilsafe vtl export`); PATH is the file on it, for example photos/RUN/a.jpg.sealed. Needs Python 3
and its "cryptography" package. If the name says .zst before .sealed, run `zstd -d` on the result.
With a key file as PATH (.fossilsafe/keys/ID.json), it prints the key for a drive that encrypts by itself.
"""
import base64, hashlib, io, json, os, re, sys, xml.etree.ElementTree as XML, zlib
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEALED = 65536 + 16
hkdf = lambda secret, salt, info, n=32: HKDF(hashes.SHA256(), n, salt, info).derive(secret)
raw = lambda public: public.public_bytes(Encoding.Raw, PublicFormat.Raw)

def read_kit(text):
    groups = re.search(r"(?:[A-Z2-7]{4}[\s-]+){13}[A-Z2-7]{4}", text.upper()) or sys.exit("no kit in this file")
    kit = base64.b32decode(re.sub(r"[\s-]", "", groups.group()))
    if hashlib.sha256(b"fossilsafe kit v1" + kit[:32]).digest()[:3] != kit[32:]:
        sys.exit("the kit is mistyped")
    return X25519PrivateKey.from_private_bytes(kit[:32])

def open_key(kit, key):
    mine = raw(kit.public_key())
    for to in key["recipients"]:
        if to["kit_id"] == hashlib.sha256(mine).hexdigest()[:16]:
            ephemeral = base64.b64decode(to["ephemeral"])
            agreed = kit.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            info = b"fossilsafe key wrap v1" + bytes.fromhex(key["key_id"])
            return AESGCM(hkdf(agreed, ephemeral + mine, info)).decrypt(bytes(12), base64.b64decode(to["wrapped"]), b"")
    sys.exit("wrong kit: this one does not open the keys of this tape")

def unseal(file, key_file, kit, out):
    head = file.read(80)
    if head[:8] != b"FSSEALED" or len(head) < 80 or zlib.crc32(head[:60]).to_bytes(4, "big") != head[60:64]:
        sys.exit("damaged header, or no sealed file")
    cipher = AESGCM(hkdf(open_key(kit, json.loads(key_file(head[16:24].hex() + ".json"))), head[28:60],
                         b"fossilsafe sealed file v1" + head[:60]))
    try:
        cipher.decrypt(b"\xff" * 12, head[64:], b"")
    except InvalidTag:
        sys.exit("damaged header")
    number, segment = 0, file.read(SEALED)
    while segment:
        after = file.read(SEALED)
        try:
            out.write(cipher.decrypt(bytes(3) + number.to_bytes(8, "big") + bytes([not after]), segment, b""))
        except InvalidTag:
            if not after and len(segment) == SEALED:
                break
            sys.exit(f"segment {number} is damaged or not in its place")
        number, segment = number + 1, after
    if segment or not number:
        sys.exit("the last segment is missing")

def dumped(folder, path):  # a file of a cartridge that `fossilsafe vtl export` wrote
    lines, data = map(json.loads, open(folder + "/dump.jsonl")), open(folder + "/data.bin", "rb").read()
    parts = {0: [], 1: []}
    for line in lines:
        if line["type"] in ("data", "filemark"):
            parts[line["part"]].append(data[line["off"]:][:line["len"]] if "len" in line else None)
    index = [n for n, block in enumerate(parts[0]) if block is None]  # the newest index: between the last two
    at = XML.fromstring(b"".join(parts[0][index[-2] + 1:index[-1]])).find("directory")
    for name in path.split("/"):
        at = next(i for i in at.find("contents") if i.findtext("name") == name)
    read = io.BytesIO()
    for e in at.iter("extent"):
        start, skip, count = (int(e.findtext(tag)) for tag in ("startblock", "byteoffset", "bytecount"))
        blocks = parts[ord(e.findtext("partition")) - ord("a")]
        while count:
            piece = blocks[start][skip:skip + count]
            read.write(piece)
            start, skip, count = start + 1, 0, count - len(piece)
    return io.BytesIO(read.getvalue())

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    _, kit, tape, path = sys.argv
    of = dumped if os.path.exists(tape + "/dump.jsonl") else lambda tape, path: open(os.path.join(tape, path), "rb")
    kit = read_kit(open(kit).read())
    if path.startswith(".fossilsafe/keys/"):
        print(hkdf(open_key(kit, json.load(of(tape, path))), None, b"fossilsafe drive key v1").hex())
    else:
        unseal(of(tape, path), lambda name: of(tape, ".fossilsafe/keys/" + name).read(), kit, sys.stdout.buffer)
