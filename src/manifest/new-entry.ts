// The data of a new entry: a capture, the other frames in its file, and what an import knows in addition.
import type { TimeSource } from "../image/times/source.ts";
import type { Reading } from "../sensors/thermometer.ts";
import type { Origin, Status } from "./schema.ts";

/** A capture whose image, if it has one, is already durably stored in `filepath`. Sizes in px and bytes. */
export interface NewEntry {
  readonly runId?: number | undefined;
  readonly capturedAtUs: number;
  /** Absent when the capture gave readings only, or nothing. */
  readonly filename?: string | undefined;
  /** Directory of the image; the manifest's own directory if absent. */
  readonly filepath?: string | undefined;
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly bitDepth?: number | undefined;
  readonly cameraType?: string | undefined;
  readonly cameraIndex?: number | undefined;
  /** Camera settings as JSON. */
  readonly settings?: string | undefined;
  readonly warnings?: string | undefined;
  readonly collectionError?: string | undefined;
  /** Why parts of the file cannot be used: it is truncated. */
  readonly cutOff?: string | undefined;
  /** Name of the file with the earlier pages, if this file continues it. */
  readonly continues?: string | undefined;
  readonly readings?: readonly Reading[] | undefined;
  /** Which page of its file the frame is, from 0; absent where the file is one picture. */
  readonly page?: number | undefined;
  /** Source of `capturedAtUs`; absent: the clock at the capture. */
  readonly timeSource?: TimeSource | undefined;
  /** The other frames in the same file. They share the file and the camera of this one. */
  readonly furtherPages?: readonly FurtherPage[] | undefined;
}

/** Another frame in the same file. */
export interface FurtherPage
  extends Pick<NewEntry, "capturedAtUs" | "width" | "height" | "bitDepth" | "warnings" | "readings" | "timeSource"> {
  /** Which page of the file, from 0. */
  readonly page: number;
}

/** What an import knows in addition. */
export interface EntryHistory {
  readonly origin: Origin;
  readonly status: Status;
  readonly processedAtUs?: number | undefined;
  readonly errorCode?: string | undefined;
  readonly error?: string | undefined;
  readonly dataTransmitted?: boolean;
  readonly imageSynced?: boolean;
  readonly compressionAttempted?: boolean;
  readonly missing?: boolean;
}
