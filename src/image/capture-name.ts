// File names of captured pictures. The name contains the capture time.

const NAME = /^image_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_(\d{6})_cam(\d+)\./;

/** Returns the file name of a capture: image_YYYYMMDD_HHMMSS_ffffff_camN.ext, UTC. */
export function captureFileName(capturedAtUs: number, camera: number, extension = "png"): string {
  const [date = "", time = ""] = new Date(Math.floor(capturedAtUs / 1000)).toISOString().slice(0, 19).split("T");
  const micros = String(((capturedAtUs % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, "0");
  return `image_${date.replaceAll("-", "")}_${time.replaceAll(":", "")}_${micros}_cam${camera}.${extension}`;
}

/** Returns the time in the name of a capture, microseconds since the epoch; undefined for any other name. */
export function captureTimeOf(name: string): number | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0] = match.slice(1).map(Number);
  const us = Date.UTC(year, month - 1, day, hour, minute, second) * 1000 + micros;
  // Date.UTC accepts a 13th month or a 61st second; phorest never writes such a name.
  return captureFileName(us, 0).startsWith(match[0].slice(0, match[0].indexOf("cam"))) ? us : undefined;
}
