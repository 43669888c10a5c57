# Writes image series as Micro-Manager 1.4 and 2.0, OME-TIFF and ImageJ do, with known times, and prints these: for each
# file the times of its pages, in microseconds (since 1970, or, where "elapsed" is true, since the first). Usage: DIRECTORY
import datetime
import json
import os
import sys

import numpy
import tifffile

ROOT = sys.argv[1]
START = datetime.datetime(2024, 3, 9, 23, 59, 58, 250000, datetime.timezone(datetime.timedelta(hours=-8)))
# Not an even interval, and over midnight.
ELAPSED_MS = [0, 203.5, 399.25, 611, 1807.125, 2004]
IMAGE = numpy.arange(24 * 32, dtype=numpy.uint16).reshape(24, 32)
told = {}


def us(elapsed_ms):
    return round(START.timestamp() * 1e6) + round(elapsed_ms * 1000)


def stamp(elapsed_ms, form="%Y-%m-%d %H:%M:%S"):
    return (START + datetime.timedelta(milliseconds=elapsed_ms)).strftime(form)


def milliseconds(elapsed_ms):
    moment = START + datetime.timedelta(milliseconds=elapsed_ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + "%03d -0800" % (moment.microsecond // 1000)


def directory(name):
    path = os.path.join(ROOT, name)
    os.makedirs(path)
    return path


def separate_14():
    # The times of the images are in whole seconds; the summary has the start.
    path = directory("mm14/Pos0")
    entries = {"Summary": {"Source": "Micro-Manager", "MicroManagerVersion": "1.4.22", "StartTime": milliseconds(0)}}
    for t, elapsed in enumerate(ELAPSED_MS):
        name = "img_%09d_Default_000.tif" % t
        tifffile.imwrite(os.path.join(path, name), IMAGE, metadata=None)
        entries["FrameKey-%d-0-0" % t] = {
            "FileName": name, "Frame": t, "FrameIndex": t, "Slice": 0, "ChannelIndex": 0, "Channel": "Default",
            "Time": stamp(elapsed) + " -0800", "ElapsedTime-ms": elapsed, "Camera-Note": "a } in \" text {",
        }
        told["mm14/Pos0/" + name] = [us(elapsed)]
    with open(os.path.join(path, "metadata.txt"), "w") as file:
        json.dump(entries, file, indent=2)


def separate_20():
    # Received some time after the exposure, and not always as late.
    path = directory("mm20/Default")
    text = '{\n"Summary": ' + json.dumps({"Prefix": "run", "StartTime": milliseconds(0)}, indent=2)
    for t, elapsed in enumerate(ELAPSED_MS):
        name = "img_channel000_position000_time%09d_z000.tif" % t
        tifffile.imwrite(os.path.join(path, name), IMAGE, metadata=None)
        metadata = {
            "ReceivedTime": milliseconds(elapsed + 12 + 7 * (t % 3)), "ElapsedTime-ms": elapsed, "PositionName": "Default",
            "FileName": "Default/" + name, "Width": 32, "UserData": {"a": {"type": "STRING", "scalar": "b"}},
        }
        text += ',\n"Coords-Default/%s": %s' % (name, json.dumps({"time": t, "Frame": t}, indent=2))
        text += ',\n"Metadata-Default/%s": %s' % (name, json.dumps(metadata, indent=2))
        told["mm20/Default/" + name] = [us(elapsed)]
    # As a crash leaves it: without an end.
    with open(os.path.join(path, "metadata.txt"), "w") as file:
        file.write(text + ',\n"Coords-Default/img_channel')


def micromanager_stack():
    path = os.path.join(directory("mmstack"), "run_1_MMStack_Pos0.ome.tif")
    with tifffile.TiffWriter(path) as writer:
        for elapsed in ELAPSED_MS:
            metadata = json.dumps({"ElapsedTime-ms": elapsed, "ReceivedTime": milliseconds(elapsed)})
            writer.write(IMAGE, metadata=None, contiguous=False, extratags=[(51123, 2, 0, metadata, True)])
    told["mmstack/run_1_MMStack_Pos0.ome.tif"] = [us(elapsed) for elapsed in ELAPSED_MS]


def ome_stack():
    path = os.path.join(directory("ome"), "stack.ome.tif")
    delta = {"DeltaT": [elapsed / 1000 for elapsed in ELAPSED_MS], "DeltaTUnit": ["s"] * len(ELAPSED_MS)}
    date = START.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    pixels = numpy.stack([IMAGE] * len(ELAPSED_MS))
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": "TYX", "Plane": delta, "AcquisitionDate": date})
    told["ome/stack.ome.tif"] = [us(elapsed) for elapsed in ELAPSED_MS]


def imagej_stack():
    path = os.path.join(directory("imagej"), "hyperstack.tif")
    pixels = numpy.stack([IMAGE] * 5)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX", "finterval": 0.125, "unit": "um"})
    told["imagej/hyperstack.tif"] = [round(t * 125e3) for t in range(5)]


separate_14()
separate_20()
micromanager_stack()
ome_stack()
imagej_stack()
print(json.dumps(told))
