// Reads OME-XML: its images with their axes, dates, planes, and the blocks of planes in files.
import { decimalOf, unitUs } from "../../system/time-text.ts";
import { positionOfName } from "../image-axes.ts";
import { type StatedSize, sizeOf } from "./stated-size.ts";
import { xmlParts } from "./xml.ts";

export type Axis = "Z" | "C" | "T";

export interface OmeImage {
  /** Names of the image, and of its position on the stage. */
  readonly names: string[];
  /** Name of its position on the stage. */
  stage: string | undefined;
  date: string | undefined;
  order: readonly Axis[];
  sizes: Record<Axis, number>;
  size: StatedSize | undefined;
  incrementUs: number | undefined;
  /** An unknown unit of its times. */
  unknownUnit: string | undefined;
  /** A time that is not a number. */
  noNumber: string | undefined;
  readonly blocks: OmeBlock[];
  /** Time by plane. */
  readonly deltaUs: Map<string, number>;
}

/** A TiffData element: the planes on the pages of a file. */
export interface OmeBlock {
  readonly ifd: number | undefined;
  readonly count: number | undefined;
  readonly first: Readonly<Record<Axis, number>>;
  file: string | undefined;
}

/** The parts of OME-XML that matter for times. */
export interface OmeDocument {
  readonly images: readonly OmeImage[];
  /** Name of the file that contains the metadata instead of this one. */
  readonly metadataFile: string | undefined;
  /** What is wrong with the document as a whole; undefined: nothing. */
  readonly damage: "is cut off" | "is not well-formed" | undefined;
}

/** The date of an image: the current element, and those of earlier schemas. */
const DATES: ReadonlySet<string> = new Set(["AcquisitionDate", "AcquiredDate", "CreationDate"]);

/** Whether a TIFF description is OME-XML. */
export const isOme = (description: string): boolean => /<(?:\w+:)?OME[\s>]/.test(description.slice(0, 65_536));

/** Reads OME-XML; of a damaged document what can be read. Failure `frame.unreadable` as xmlParts. */
export function readOme(xml: string): OmeDocument {
  const images: OmeImage[] = [];
  let metadataFile: string | undefined;
  let element = "";
  const open: string[] = [];
  let isMixedUp = false;
  for (const part of xmlParts(xml)) {
    if (part.kind === "text") {
      const image = images.at(-1);
      if (DATES.has(element) && image !== undefined) image.date ??= part.text;
      continue;
    }
    element = part.kind === "start" ? part.name : "";
    if (part.kind === "end") {
      isMixedUp ||= open.pop() !== part.name;
      continue;
    }
    open.push(part.name);
    if (part.name === "BinaryOnly") metadataFile = part.attributes.get("MetadataFile");
    else if (part.name === "Image") images.push(newImage(part.attributes.get("Name")));
    else take(images.at(-1), part.name, part.attributes);
  }
  const damage = isMixedUp ? "is not well-formed" : open.length > 0 ? "is cut off" : undefined;
  return { images, metadataFile, damage };
}

/** Returns a name, and the position if Micro-Manager wrote it into the name. */
function namesOf(name: string | undefined): string[] {
  if (name === undefined || name === "") return [];
  const position = positionOfName(name)?.name;
  return position === undefined ? [name] : [name, position];
}

const newImage = (name: string | undefined): OmeImage => ({
  names: namesOf(name),
  stage: undefined,
  date: undefined,
  order: ["Z", "C", "T"],
  sizes: { Z: 1, C: 1, T: 1 },
  size: undefined,
  incrementUs: undefined,
  unknownUnit: undefined,
  noNumber: undefined,
  blocks: [],
  deltaUs: new Map(),
});

function take(image: OmeImage | undefined, name: string, attributes: ReadonlyMap<string, string>): void {
  if (image === undefined) return;
  const whole = (key: string) => wholeNumber(attributes.get(key));
  if (name === "Pixels") {
    image.order = orderOf(attributes.get("DimensionOrder"));
    image.sizes = { Z: whole("SizeZ") ?? 1, C: whole("SizeC") ?? 1, T: whole("SizeT") ?? 1 };
    image.size = sizeOf(whole("SizeX"), whole("SizeY"), attributes.get("Type"));
    image.incrementUs = durationUs(attributes.get("TimeIncrement"), attributes.get("TimeIncrementUnit"));
  } else if (name === "TiffData") {
    const first = { Z: whole("FirstZ") ?? 0, C: whole("FirstC") ?? 0, T: whole("FirstT") ?? 0 };
    image.blocks.push({ ifd: whole("IFD"), count: whole("PlaneCount"), first, file: undefined });
  } else if (name === "UUID") {
    const block = image.blocks.at(-1);
    if (block !== undefined) block.file = attributes.get("FileName");
  } else if (name === "Plane") {
    const us = durationUs(attributes.get("DeltaT"), attributes.get("DeltaTUnit"));
    const plane = { Z: whole("TheZ") ?? 0, C: whole("TheC") ?? 0, T: whole("TheT") ?? 0 };
    if (us !== undefined) image.deltaUs.set(keyOf(plane), us);
    else if (unitUs(attributes.get("DeltaTUnit") ?? "s") === undefined)
      image.unknownUnit ??= attributes.get("DeltaTUnit");
    else if (attributes.get("DeltaT")?.trim()) image.noNumber ??= attributes.get("DeltaT");
  } else if (name === "StageLabel") {
    const names = namesOf(attributes.get("Name"));
    image.names.push(...names);
    image.stage = names[0];
  } else if (name === "Channel") {
    // The samples of a colour are on one page.
    const samples = whole("SamplesPerPixel") ?? 1;
    if (samples > 1) image.sizes = { ...image.sizes, C: Math.max(1, Math.round(image.sizes.C / samples)) };
  }
}

/** Returns the key of a plane in `deltaUs`. */
export const keyOf = ({ Z, C, T }: Readonly<Record<Axis, number>>): string => `${Z} ${C} ${T}`;

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

function orderOf(text: string | undefined): readonly Axis[] {
  const axes = [...(text ?? "")].slice(2).filter((axis): axis is Axis => "ZCT".includes(axis));
  return new Set(axes).size === 3 ? axes : ["Z", "C", "T"];
}

/** Converts a duration to microseconds. The default unit is seconds. */
function durationUs(text: string | undefined, unit = "s"): number | undefined {
  const factor = unitUs(unit);
  const number = decimalOf(text ?? "");
  return number === undefined || factor === undefined ? undefined : Math.round(number * factor);
}
