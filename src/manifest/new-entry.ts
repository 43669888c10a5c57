// What an entry is made of: a capture, the other frames in its file, and what an import knows besides.
import type { TimeSource } from "../image/times/source.ts";
import type { Reading } from "../sensors/thermometer.ts";
import type { Origin, Status } from "./schema.ts";

/** A capture whose picture, if it has one, already is durably in `filepath`. Sizes in px and bytes. */
export interface NewEntry {
  readonly runId?: number | undefined;
  readonly capturedAtUs: number;
  /** Absent when the capture gave readings only, or nothing. */
  readonly filename?: string | undefined;
  /** Directory of the picture; the manifest's own when absent. */
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
  /** Why parts of the file cannot be used: it is cut off. */
  readonly cutOff?: string | undefined;
  /** Name of the file with the pages before: this one is what became of it. */
  readonly continues?: string | undefined;
  readonly readings?: readonly Reading[] | undefined;
  /** Which page of its file the frame is, from 0; absent where the file is one picture. */
  readonly page?: number | undefined;
  /** Where `capturedAtUs` is from; absent: the clock at the capture. */
  readonly timeSource?: TimeSource | undefined;
  /** The other frames in the same file. They share the file and the camera of this one. */
  readonly furtherPages?: readonly FurtherPage[] | undefined;
}

/** A further frame in the file of another one. */
export interface FurtherPage
  extends Pick<NewEntry, "capturedAtUs" | "width" | "height" | "bitDepth" | "warnings" | "readings" | "timeSource"> {
  /** From 0, in the file. */
  readonly page: number;
}

/** What an import knows besides. */
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
