# Writes TIFF files of every kind into a directory, with what the source, tifffile and OpenCV say that is in them.
# Usage: tiff_matrix.py DIRECTORY; prints one JSON object for each file.
import itertools, json, os, shutil, struct, subprocess, sys, warnings, zlib

import cv2
import numpy as np
import tifffile

try:
    import zstandard
except ImportError:
    zstandard = None

warnings.simplefilter("ignore")
OUT = sys.argv[1]
W, H = 67, 45
y, x = np.mgrid[0:H, 0:W]
RAMP = ((x * 577 + y * 1237 + (x * y) % 7) % 65536).astype(np.uint16)


def lzw(data):
    out, acc, n = bytearray(), 0, 0

    def put(code, width):
        nonlocal acc, n
        acc = (acc << width) | code
        n += width
        while n >= 8:
            n -= 8
            out.append((acc >> n) & 255)
        acc &= (1 << n) - 1

    table = {bytes([i]): i for i in range(256)}
    following, width, word = 258, 9, b""
    put(256, width)
    for byte in data:
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        put(table[word], width)
        table[longer] = following
        following += 1
        if following == 4094:
            put(256, width)
            table = {bytes([i]): i for i in range(256)}
            following, width = 258, 9
        elif following == (1 << width):
            width += 1
        word = bytes([byte])
    put(table[word], width)
    following += 1
    if following == (1 << width) and width < 12:
        width += 1
    put(257, width)
    if n:
        put(0, 8 - n)
    return bytes(out)


def packbits(data):
    out, at = bytearray(), 0
    while at < len(data):
        run = 1
        while run < 128 and at + run < len(data) and data[at + run] == data[at]:
            run += 1
        if run > 2:
            out += bytes([257 - run, data[at]])
            at += run
            continue
        end = at + 1
        while end < len(data) and end - at < 128 and not (end + 2 < len(data) and data[end] == data[end + 1] == data[end + 2]):
            end += 1
        out += bytes([end - at - 1]) + data[at:end]
        at = end
    return bytes(out)


CODECS = {1: bytes, 5: lzw, 8: zlib.compress, 32946: zlib.compress, 32773: packbits}
if zstandard is not None:
    CODECS[50000] = zstandard.ZstdCompressor(level=5).compress
NAMES = {1: "none", 5: "lzw", 8: "deflate", 32946: "olddeflate", 32773: "packbits", 50000: "zstd"}


def pack(rows, bits):
    """Rows of whole numbers without gaps, each row from a new byte on."""
    out = b""
    for row in rows:
        text = "".join(format(int(v), f"0{bits}b") for v in row.ravel())
        text += "0" * (-len(text) % 8)
        out += int(text, 2).to_bytes(len(text) // 8, "big")
    return out


def encode(block, bits, order, predictor):
    """A block (rows, columns, samples) as the bytes before compression."""
    if bits % 8:
        return pack(block, bits)
    if predictor == 3:
        size = block.dtype.itemsize
        big = np.ascontiguousarray(block.astype(block.dtype.newbyteorder(">")))
        rows = big.view(np.uint8).reshape(block.shape[0], -1, size).transpose(0, 2, 1).reshape(block.shape[0], -1)
        step = block.shape[2]
        differences = rows.copy()
        differences[:, step:] -= rows[:, :-step]
        return differences.tobytes()
    if predictor == 2:
        whole = block.view({8: np.uint8, 16: np.uint16, 32: np.uint32}[bits])
        differences = whole.copy()
        # Of a pixel's samples each is the difference from the same one of the pixel before.
        differences[:, 1:] -= whole[:, :-1]
        block = differences
    return block.astype(block.dtype.newbyteorder(order)).tobytes()


REVERSED = bytes(int(format(i, "08b")[::-1], 2) for i in range(256))


def write(name, image, bits, *, order="<", big=False, codec=1, predictor=1, tile=None, rows=None, photo=1, planar=1, ori=None, fmt=1, fill=1, extra=()):
    image = image if image.ndim == 3 else image[:, :, None]
    h, w, samples = image.shape
    parts = [image] if planar == 1 else [image[:, :, s : s + 1] for s in range(samples)]
    blocks = []
    for part in parts:
        if tile:
            tw, th = tile
            for top, left in itertools.product(range(0, h, th), range(0, w, tw)):
                block = np.zeros((th, tw, part.shape[2]), part.dtype)
                piece = part[top : top + th, left : left + tw]
                block[: piece.shape[0], : piece.shape[1]] = piece
                blocks.append(block)
        else:
            step = rows or h
            blocks += [part[top : top + step] for top in range(0, h, step)]
    data = [CODECS[codec](encode(np.ascontiguousarray(b), bits, order, predictor)) for b in blocks]
    if fill == 2:
        data = [d.translate(REVERSED) for d in data]
    place = 16
    body, places = b"", []
    for d in data:
        places.append(place + len(body))
        body += d + b"\0" * (len(d) % 2)
    long = "Q" if big else "I"
    fields = [(256, "I", [w]), (257, "I", [h]), (258, "H", [bits] * samples), (259, "H", [codec]), (262, "H", [photo]), (277, "H", [samples]), (284, "H", [planar]), (339, "H", [fmt] * samples)]
    if fill != 1:
        fields.append((266, "H", [fill]))
    if predictor != 1:
        fields.append((317, "H", [predictor]))
    if ori is not None:
        fields.append((274, "H", [ori]))
    if samples > 3:
        fields.append((338, "H", [0] * (samples - 3)))
    sizes = [len(d) for d in data]
    if tile:
        fields += [(322, "I", [tile[0]]), (323, "I", [tile[1]]), (324, long, places), (325, "I", sizes)]
    else:
        fields += [(278, "I", [rows or h]), (273, long, places), (279, "I", sizes)]
    fields = sorted(fields + list(extra))
    types = {"H": 3, "I": 4, "Q": 16}
    at = place + len(body)
    slot = 8 if big else 4
    head = struct.pack(order + ("Q" if big else "H"), len(fields))
    behind_at = at + len(head) + (20 if big else 12) * len(fields) + slot
    behind = b""
    for tag, kind, values in fields:
        raw = struct.pack(order + kind * len(values), *values)
        head += struct.pack(order + "HH" + long, tag, types[kind], len(values))
        if len(raw) <= slot:
            head += raw.ljust(slot, b"\0")
        else:
            head += struct.pack(order + long, behind_at + len(behind))
            behind += raw + b"\0" * (-len(raw) % 8)
    head += struct.pack(order + long, 0)
    magic = b"II" if order == "<" else b"MM"
    start = magic + (struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at))
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(start.ljust(16, b"\0") + body + head + behind)


def keep(name, kind, array):
    if array is None:
        return None
    path = f"{name}.{kind}"
    np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tofile(os.path.join(OUT, path))
    return {"file": path, "type": array.dtype.name, "shape": list(array.shape)}


def turned(image, ori):
    return {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: lambda a: np.rot90(a),
    }[ori if ori is not None and 1 <= ori <= 8 else 1](image)


def say(name, stored, ori=None, precise=None, refused=False):
    """`stored`: what was written; `precise`: what the standard says that it means, where that is another."""
    path = os.path.join(OUT, name)
    theirs = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if theirs is not None and theirs.ndim == 3:
        theirs = cv2.cvtColor(theirs, cv2.COLOR_BGR2GRAY)
    try:
        read = tifffile.imread(path)
    except Exception:
        # Without the package imagecodecs it reads no LZW, no Zstandard and no packed samples.
        read = None
    said = {"name": name, "opencv": keep(name, "opencv", theirs)}
    said["precise"] = None if refused else keep(name, "precise", turned(stored if precise is None else precise, ori))
    said["tifffile"] = None if read is None or read.dtype != stored.dtype else bool(np.array_equal(read, stored))
    print(json.dumps(said))


GRAYS = {
    "u8": (RAMP.astype(np.uint8), 8, 1), "u16": (RAMP, 16, 1),
    "p10": (RAMP % 1024, 10, 1), "p12": (RAMP % 4096, 12, 1), "p14": (RAMP % 16384, 14, 1),
    "w12": (RAMP % 4096, 16, 1),
    "i8": ((RAMP % 128).astype(np.int8), 8, 2), "i16": ((RAMP % 32768).astype(np.int16), 16, 2), "i32": (RAMP.astype(np.int32), 32, 2),
    "u32": (RAMP.astype(np.uint32), 32, 1),
    "f32": (RAMP.astype(np.float32), 32, 3), "f64": (RAMP.astype(np.float64), 64, 3),
}
LAYOUTS = {"strip": {}, "strips": {"rows": 7}, "tiles": {"tile": (32, 16)}}
for (kind, (image, bits, fmt)), codec, (layout, places), order, big in itertools.product(GRAYS.items(), CODECS, LAYOUTS.items(), "<>", (False, True)):
    predictors = [1]
    if codec in (5, 8, 50000):
        predictors += ([2] if bits in (8, 16, 32) and fmt != 3 else []) + ([3] if fmt == 3 else [])
    for predictor in predictors:
        name = f"{kind}-{NAMES[codec]}{predictor}-{layout}-{'le' if order == '<' else 'be'}{'-big' if big else ''}.tif"
        write(name, image, bits, order=order, big=big, codec=codec, predictor=predictor, fmt=fmt, **places)
        say(name, image)

for kind in ("u8", "u16", "p10", "p12", "p14", "f32", "i16"):
    image, bits, fmt = GRAYS[kind]
    for order in "<>":
        name = f"white-{kind}-{'le' if order == '<' else 'be'}.tif"
        write(name, image, bits, photo=0, order=order, fmt=fmt)
        say(name, image, precise=(2**bits - 1) - image if fmt == 1 else None, refused=fmt != 1)
for kind, ori, codec, (layout, places) in itertools.product(("u8", "u16", "f32", "p12"), range(10), (1, 5), LAYOUTS.items()):
    image, bits, fmt = GRAYS[kind]
    name = f"turned{ori}-{kind}-{NAMES[codec]}-{layout}.tif"
    write(name, image, bits, ori=ori, codec=codec, fmt=fmt, **places)
    say(name, image, ori)
for kind, codec in itertools.product(("u8", "u16", "p12"), (1, 5)):
    image, bits, fmt = GRAYS[kind]
    name = f"reversed-{kind}-{NAMES[codec]}.tif"
    write(name, image, bits, fill=2, codec=codec, fmt=fmt)
    say(name, image)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], -1)
for bits, planar, codec, (layout, places), order in itertools.product((8, 16), (1, 2), CODECS, LAYOUTS.items(), "<>"):
    image = COLOUR.astype(np.uint8) if bits == 8 else COLOUR
    for predictor in [1, 2] if codec in (5, 8, 50000) else [1]:
        name = f"rgb{bits}-planar{planar}-{NAMES[codec]}{predictor}-{layout}-{'le' if order == '<' else 'be'}.tif"
        write(name, image, bits, photo=2, planar=planar, codec=codec, predictor=predictor, order=order, **places)
        say(name, np.moveaxis(image, -1, 0) if planar == 2 else image, precise=cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))

# tifffile as the writer.
for kind, (image, bits, fmt) in GRAYS.items():
    if bits % 8:
        continue
    for order, compression, predictor in (("<", None, None), (">", None, None), ("<", "zlib", None), (">", "zlib", True if fmt != 3 else None)):
        for tile in (None, (16, 32)):
            name = f"tifffile-{kind}-{compression}{'-p' if predictor else ''}-{'tile' if tile else 'strip'}-{'le' if order == '<' else 'be'}.tif"
            tifffile.imwrite(os.path.join(OUT, name), image, photometric="minisblack", byteorder=order, compression=compression, predictor=predictor, tile=tile, metadata=None)
            say(name, image)
# libtiff as the writer.
if shutil.which("tiffcp"):
    for kind in ("u8", "u16", "f32"):
        image, bits, fmt = GRAYS[kind]
        base = f"tifffile-{kind}-None-strip-le.tif"
        codecs = ["lzw:1", "lzw:2", "zip:1", "zip:2", "zstd:1", "zstd:2", "packbits", "none"] + (["lzw:3", "zip:3", "zstd:3"] if fmt == 3 else [])
        for codec, places, order in itertools.product(codecs, (["-s", "-r", "9"], ["-t", "-w", "32", "-l", "16"]), ("-L", "-B")):
            if codec.endswith(":3") and order == "-B":
                # tiffcp 4.5 swaps the bytes of these twice: neither libtiff nor tifffile read the source back.
                continue
            name = f"libtiff-{kind}-{codec.replace(':', '')}-{places[0][1]}-{order[1]}.tif"
            if subprocess.run(["tiffcp", "-c", codec, order, *places, os.path.join(OUT, base), os.path.join(OUT, name)], stderr=subprocess.DEVNULL).returncode == 0:
                say(name, image)
