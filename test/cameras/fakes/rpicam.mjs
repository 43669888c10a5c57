// rpicam-still, rpicam-jpeg and their old names with one 64 x 48 sensor, as their manual describes them. The sensor exposes in steps
// of 7 microseconds and amplifies up to 16 times.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fault, playFault } from "./faults.mjs";

const text = { type: "string" };
const flag = { type: "boolean" };
const { values: given } = parseArgs({
  options: {
    ...{ "list-cameras": flag, nopreview: flag, immediate: flag, vflip: flag, camera: text, width: text, height: text },
    ...{ shutter: text, gain: text, brightness: text, contrast: text, encoding: text, metadata: text, output: text },
  },
});
const jpegOnly = process.env.FAKE_NAME.endsWith("-jpeg");
if (jpegOnly && given.encoding !== undefined) {
  process.stderr.write("ERROR: *** unrecognised option '--encoding' ***\n");
  process.exit(255);
}
if (fault === "broken") {
  process.stderr.write(
    "rpicam-still: error while loading shared libraries: libcamera.so.0.3: cannot open shared object\n",
  );
  process.exit(127);
}
if (given["list-cameras"]) {
  process.stdout.write(
    fault === "unplugged"
      ? "No cameras available!\n"
      : "Available cameras\n-----------------\n0 : fake64 [64x48 10-bit MONO] (/base/soc/i2c0mux/i2c@1/fake64@10)\n" +
          "    Modes: 'R10_CSI2P' : 64x48 [10.00 fps - (0, 0)/64x48 crop]\n",
  );
  process.exit(0);
}
const [width, height] = fault === "resolution" ? [32, 24] : [Number(given.width), Number(given.height)];
process.stderr.write(
  `[0:42:00.000000001] [1234] INFO Camera configuring streams: (0) ${width}x${height}-YUV420\n` +
    "[0:42:00.000000002] [1234] ERROR IPARPI no tuning for this lens\nStill capture image received\n",
);
const luma = Buffer.from(Array.from({ length: width * height }, (_, at) => (at % width) + Math.floor(at / width)));
const picture = jpegOnly
  ? readFileSync(process.env.FAKE_JPEG)
  : Buffer.concat([luma, Buffer.alloc(luma.length / 2, 128)]);
const whole = await playFault(picture);
const asked = Number(given.shutter ?? 10_000);
const metadata = {
  ExposureTime: fault === "refusing" ? 66_666 : Math.floor(asked / 7) * 7,
  AnalogueGain: Math.min(Number(given.gain ?? 1), 16),
  DigitalGain: 1,
  SensorTimestamp: Number(process.hrtime.bigint()),
  FocusFoM: 1200,
  ColourGains: [1, 1],
};
writeFileSync(given.metadata, JSON.stringify(metadata));
process.stdout.write(whole);
