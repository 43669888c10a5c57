// A v4l2-ctl with one camera behind it, as its manual describes it: options run in a fixed order whatever theirs is,
// the stream comes last, progress goes to standard error. The camera remembers its controls in FAKE_STATE.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fault, playFault } from "./faults.mjs";

const options = new Map();
const words = process.argv.slice(2);
for (let at = 0; at < words.length; at++) {
  const [name, ...value] = words[at].split("=");
  if (name === "--device") options.set(name, words[++at]);
  else options.set(name, value.join("="));
}
const known = [
  ...["--device", "--info", "--list-formats-ext", "--list-ctrls-menus", "--set-ctrl", "--get-ctrl", "--set-fmt-video"],
  ...["--get-fmt-video", "--stream-mmap", "--stream-skip", "--stream-count", "--stream-to"],
];
for (const name of options.keys()) {
  if (known.includes(name)) continue;
  process.stderr.write(`v4l2-ctl: unrecognized option '${name}'\n`);
  process.exit(1);
}

const old = process.env.FAKE_OLD_KERNEL === "1";
const [AUTO, EXPOSURE] = old ? ["exposure_auto", "exposure_absolute"] : ["auto_exposure", "exposure_time_absolute"];
const LIMITS = { [EXPOSURE]: [1, 5000], gain: [0, 480], brightness: [0, 255], [AUTO]: [0, 3] };
const start = { controls: { brightness: 16, gain: 64, [AUTO]: 3, [EXPOSURE]: 156 }, format: ["GREY", 640, 480] };
const file = process.env.FAKE_STATE;
const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : start;
const save = () => writeFileSync(file, JSON.stringify(state));

const BITS = { "Y16 ": 16, "Y12 ": 12, "Y10 ": 10, GREY: 8, YUYV: 8 };
const formats = (process.env.FAKE_FORMATS ?? "GREY").split(",").map((code) => code.padEnd(4));

if (fault === "unplugged") {
  process.stderr.write(`Cannot open device ${options.get("--device")}, exiting.\n`);
  process.exit(1);
}
if (options.has("--info")) {
  process.stdout.write("Driver Info:\n\tDriver name      : uvcvideo\n\tCard type        : DMK 33UX: fake\n");
}
if (options.has("--set-fmt-video")) {
  const asked = Object.fromEntries(
    options
      .get("--set-fmt-video")
      .split(",")
      .map((part) => part.split("=")),
  );
  const code = (asked.pixelformat ?? "").padEnd(4);
  // Like a driver: what it cannot do it brings to the nearest it can, and says nothing.
  state.format = [formats.includes(code) ? code : formats[0], Number(asked.width ?? 640), Number(asked.height ?? 480)];
  if (fault === "resolution") state.format = [state.format[0], 320, 240];
  save();
}
if (options.has("--set-ctrl")) {
  for (const [name, text] of options
    .get("--set-ctrl")
    .split(",")
    .map((part) => part.split("="))) {
    const limits = LIMITS[name];
    const value = Number.parseInt(text, 10);
    const refused = limits === undefined || (fault === "refusing" && name === "gain");
    const inactive = name === EXPOSURE && state.controls[AUTO] !== 1;
    if (refused || inactive) {
      const why = inactive ? "Permission denied" : "Numerical result out of range";
      process.stderr.write(`VIDIOC_S_EXT_CTRLS: failed: ${why}\nError setting controls: ${why}\n`);
      process.exitCode = 255;
      break;
    }
    state.controls[name] = Math.min(Math.max(value, limits[0]), limits[1]);
  }
  save();
}
if (options.has("--list-formats-ext")) {
  process.stdout.write("ioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n\n");
  formats.forEach((code, index) => {
    const note = code === "MJPG" ? "Motion-JPEG, compressed" : `${BITS[code]}-bit Greyscale`;
    process.stdout.write(`\t[${index}]: '${code}' (${note})\n\t\tSize: Discrete 640x480\n`);
    process.stdout.write("\t\t\tInterval: Discrete 0.033s (30.000 fps)\n\t\tSize: Discrete 320x240\n");
  });
}
if (options.has("--list-ctrls-menus")) {
  const { controls } = state;
  const inactive = controls[AUTO] === 1 ? "" : " flags=inactive";
  process.stdout.write(`
User Controls

                     brightness 0x00980900 (int)    : min=0 max=255 step=1 default=0 value=${controls.brightness}
                           gain 0x00980913 (int)    : min=0 max=480 step=1 default=64 value=${controls.gain}
                    white_point 0x00980914 (button) : value=0 flags=write-only

Camera Controls

                  ${AUTO} 0x009a0901 (menu)   : min=0 max=3 default=3 value=${controls[AUTO]} (Manual Mode)
				1: Manual Mode
				3: Aperture Priority Mode
         ${EXPOSURE} 0x009a0902 (int)    : min=1 max=5000 step=1 default=156 value=${controls[EXPOSURE]}${inactive}
`);
}
if (options.has("--get-ctrl")) {
  for (const name of options.get("--get-ctrl").split(",")) process.stdout.write(`${name}: ${state.controls[name]}\n`);
}
const [code, width, height] = state.format;
const bytesPerLine = width * (BITS[code] === 8 && code !== "YUYV" ? 1 : 2);
if (options.has("--get-fmt-video")) {
  process.stdout.write(
    `Format Video Capture:\n\tWidth/Height      : ${width}/${height}\n\tPixel Format      : '${code}' (fake)\n` +
      `\tField             : None\n\tBytes per Line    : ${bytesPerLine}\n\tSize Image        : ${bytesPerLine * height}\n`,
  );
}
if (options.has("--stream-mmap")) {
  if (options.get("--stream-to") !== "-") throw new Error("this fake streams to standard output only");
  const picture = code === "MJPG" ? readFileSync(process.env.FAKE_JPEG) : rawFrame();
  process.stderr.write("<".repeat(Number(options.get("--stream-skip")) + Number(options.get("--stream-count"))));
  process.stdout.write(await playFault(picture));
  process.stderr.write("\n");
}

/** Pixel (x, y) has the gray x + y in as many bits as the format has. */
function rawFrame() {
  const wide = bytesPerLine === 2 * width;
  const bytes = Buffer.alloc(bytesPerLine * height, code === "YUYV" ? 128 : 0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * bytesPerLine + x * (wide ? 2 : 1);
      if (BITS[code] > 8) bytes.writeUInt16LE((x + y) % 2 ** BITS[code], at);
      else bytes[at] = x + y;
    }
  }
  return bytes;
}
