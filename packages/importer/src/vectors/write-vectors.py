"""Makes rows of stores as Python programs keep them, with the libraries themselves: cryptography (Fernet, AES-GCM) and PyNaCl
(libsodium's secretbox). Prints JSON; `python write-vectors.py > python.json` makes the file beside this one. All keys are made up.
"""

import base64
import hashlib
import json
import os

import cryptography
import nacl
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.secret import SecretBox

CLEAR = b"vector-provider-key-" + hashlib.sha256(b"ownkey").hexdigest().encode()
cases = []


def case(name, source, keys, fields, expect="opened", clear=CLEAR, **order):
    row = {"company": "acme", "provider": "custom", **fields}
    entry = {"name": name, "from": source, "keys": keys, "fields": row, "order": order, "expect": expect}
    if expect == "opened":
        entry["clear_sha256"] = hashlib.sha256(clear).hexdigest()
    cases.append(entry)


def text(value):
    return base64.b64encode(value).decode()


def flip(value, at):
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


# Fernet
key, older = Fernet.generate_key(), Fernet.generate_key()
token = Fernet(key).encrypt(CLEAR)
raw = base64.urlsafe_b64decode(token)
fernet_keys = [key.decode()]
case("fernet", "fernet", fernet_keys, {"ciphertext": token.decode()})
case("fernet without padding", "fernet", fernet_keys, {"ciphertext": token.decode().rstrip("=")})
case("fernet key without padding", "fernet", [key.decode().rstrip("=")], {"ciphertext": token.decode()})
for length in (1, 15, 16, 17, 31, 32, 4096):
    clear = b"k" * length
    made = Fernet(key).encrypt(clear).decode()
    case(f"fernet of {length} bytes", "fernet", fernet_keys, {"ciphertext": made}, clear=clear)
both = MultiFernet([Fernet(key), Fernet(older)])
old_token = Fernet(older).encrypt(CLEAR)
two = [key.decode(), older.decode()]
case("fernet by the older of two keys", "fernet", two, {"ciphertext": old_token.decode()})
case("fernet rotated by MultiFernet", "fernet", fernet_keys, {"ciphertext": both.rotate(old_token).decode()})
old = Fernet(key).encrypt_at_time(CLEAR, 1_500_000_000).decode()
case("fernet of 2017", "fernet", fernet_keys, {"ciphertext": old})
case("fernet of 2017 with a ttl", "fernet", fernet_keys, {"ciphertext": old}, "cipher.expired", ttlSeconds=3600)
case("fernet by another key", "fernet", [older.decode()], {"ciphertext": token.decode()}, "cipher.refused")
for at, where in ((1, "time"), (9, "iv"), (30, "ciphertext"), (-1, "signature")):
    changed = base64.urlsafe_b64encode(flip(raw, at % len(raw))).decode()
    case(f"fernet with its {where} changed", "fernet", fernet_keys, {"ciphertext": changed}, "cipher.refused")
version = base64.urlsafe_b64encode(b"\x81" + raw[1:]).decode()
case("fernet of another version", "fernet", fernet_keys, {"ciphertext": version}, "cipher.format")
cut = base64.urlsafe_b64encode(raw[:-5]).decode()
case("fernet cut off", "fernet", fernet_keys, {"ciphertext": cut}, "cipher.format")
case("fernet that is none", "fernet", fernet_keys, {"ciphertext": "gAAAA!"}, "cipher.format")

# secretbox
box_key = os.urandom(SecretBox.KEY_SIZE)
sealed = SecretBox(box_key).encrypt(CLEAR)
case("secretbox", "secretbox", [box_key.hex()], {"ciphertext": text(sealed)})
case("secretbox, key in base64", "secretbox", [text(box_key)], {"ciphertext": text(sealed)})
case("secretbox in hex", "secretbox", [box_key.hex()], {"ciphertext": sealed.hex()}, encoding="hex")
case("secretbox as bytea", "secretbox", [box_key.hex()], {"ciphertext": "\\x" + sealed.hex()})
case(
    "secretbox with a nonce of its own column",
    "secretbox",
    [box_key.hex()],
    {"ciphertext": text(sealed.ciphertext), "nonce": text(sealed.nonce)},
    layout="ciphertext",
)
for length in (1, 31, 32, 33, 63, 64, 65, 4096):
    clear = b"k" * length
    case(
        f"secretbox of {length} bytes",
        "secretbox",
        [box_key.hex()],
        {"ciphertext": text(SecretBox(box_key).encrypt(clear))},
        clear=clear,
    )
for at, where in ((0, "nonce"), (24, "tag"), (45, "ciphertext")):
    changed = text(flip(bytes(sealed), at))
    case(f"secretbox with its {where} changed", "secretbox", [box_key.hex()], {"ciphertext": changed}, "cipher.refused")
case("secretbox by another key", "secretbox", [os.urandom(32).hex()], {"ciphertext": text(sealed)}, "cipher.refused")
case("secretbox cut off", "secretbox", [box_key.hex()], {"ciphertext": text(sealed[:20])}, "cipher.format")

# AES-256-GCM
gcm_key = AESGCM.generate_key(bit_length=256)
nonce = os.urandom(12)
body = AESGCM(gcm_key).encrypt(nonce, CLEAR, None)
inner, tag = body[:-16], body[-16:]
gcm = ("aes-256-gcm", [text(gcm_key)])
case("gcm", *gcm, {"ciphertext": text(nonce + body)})
case("gcm, URL-safe", *gcm, {"ciphertext": base64.urlsafe_b64encode(nonce + body).decode()})
case("gcm, tag before the ciphertext", *gcm, {"ciphertext": text(nonce + tag + inner)}, layout="nonce-tag-ciphertext")
case("gcm, nonce behind", *gcm, {"ciphertext": text(body + nonce)}, layout="ciphertext-tag-nonce")
case(
    "gcm in three columns",
    *gcm,
    {"ciphertext": text(inner), "nonce": text(nonce), "tag": text(tag)},
    layout="ciphertext",
)
colons = ":".join(part.hex() for part in (nonce, tag, inner))
case("gcm with colons", *gcm, {"ciphertext": colons}, layout="nonce:tag:ciphertext", encoding="hex")
long_nonce = os.urandom(16)
long_body = AESGCM(gcm_key).encrypt(long_nonce, CLEAR, None)
case("gcm with a nonce of 16 bytes", *gcm, {"ciphertext": text(long_nonce + long_body)}, nonceBytes=16)
bound = text(nonce + AESGCM(gcm_key).encrypt(nonce, CLEAR, b"acme|custom"))
case("gcm with a template", *gcm, {"ciphertext": bound}, aad="{company}|{provider}")
case("gcm of another company", *gcm, {"ciphertext": bound, "company": "other"}, "cipher.refused", aad="{company}|{provider}")
case("gcm with its template forgotten", *gcm, {"ciphertext": bound}, "cipher.refused")
case("gcm with a column aad", *gcm, {"ciphertext": bound, "aad": "acme|custom"})
binary = text(nonce + AESGCM(gcm_key).encrypt(nonce, CLEAR, bytes(range(200, 216))))
case("gcm with binary aad", *gcm, {"ciphertext": binary, "aad": bytes(range(200, 216)).hex()}, aad="{aad:hex}")
case("gcm with an empty column of its template", *gcm, {"ciphertext": bound}, "row.field_missing", aad="{user}")
for at, where in ((0, "nonce"), (14, "ciphertext"), (-1, "tag")):
    changed = text(flip(nonce + body, at % len(nonce + body)))
    case(f"gcm with its {where} changed", *gcm, {"ciphertext": changed}, "cipher.refused")
short = {"ciphertext": text(inner), "nonce": text(nonce), "tag": text(tag[:12])}
case("gcm with a tag of 12 bytes", *gcm, short, "cipher.format", layout="ciphertext")
case("gcm by another key", "aes-256-gcm", [os.urandom(32).hex()], {"ciphertext": text(nonce + body)}, "cipher.refused")
case("gcm that is shorter than its parts", *gcm, {"ciphertext": text(nonce)}, "cipher.format")

made_with = {"cryptography": cryptography.__version__, "PyNaCl": nacl.__version__}
print(json.dumps({"made_with": made_with, "cases": cases}, indent=2))
