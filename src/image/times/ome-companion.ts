// The OME-XML of a file: in its description or, where that says so, in a file next to it.
import { type NamedFile, withConfinedFile } from "../../system/confined-file.ts";
import { bytesAt, sourceOfFile } from "../tiff/byte-source.ts";
import { descriptionOf, firstDirectory } from "./head.ts";
import { type OmeDocument, readOme } from "./ome.ts";

const LARGEST_COMPANION = 96 * 1024 * 1024;

/** A file's name without directories. */
export const nameOf = ({ path }: NamedFile): string => path.split("/").at(-1) ?? path;

/**
 * What the description `xml` of `file` says, or the companion file that it names; undefined where that names another one.
 * Failures as withConfinedFile for a companion that is not there, `frame.unreadable` for XML that is not read.
 */
export async function omeDocument(file: NamedFile, xml: string): Promise<OmeDocument | undefined> {
  const document = readOme(xml);
  if (document.metadataFile === undefined) return document;
  const { directory, path, followLinks = false } = file;
  // The companion is next to the file; what its name says about directories is not followed.
  const folder = path.slice(0, path.length - nameOf(file).length);
  const companion = folder + (document.metadataFile.split(/[\\/]/).at(-1) ?? "");
  const text = await withConfinedFile(
    directory,
    companion,
    async ({ handle, bytes }) => {
      const source = sourceOfFile(handle, bytes);
      // It may be the first file of the series, with the metadata of all.
      const first = await firstDirectory(source);
      if (first !== undefined) return (await descriptionOf(first)) ?? "";
      return (await bytesAt(source, 0, LARGEST_COMPANION)).toString("utf8");
    },
    { followLinks },
  );
  const whole = readOme(text);
  return whole.metadataFile === undefined ? whole : undefined;
}
