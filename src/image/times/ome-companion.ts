// Finds the OME-XML of a file: in its description or, if that refers to one, in a companion file next to it.
import { type NamedFile, withConfinedFile } from "../../system/confined-file.ts";
import { bytesAt, sourceOfFile } from "../tiff/byte-source.ts";
import { descriptionOf, firstDirectory } from "./head.ts";
import { type OmeDocument, readOme } from "./ome-xml.ts";
import { utf16Decoder } from "./text-encoding.ts";

const LARGEST_COMPANION = 96 * 1024 * 1024;

/** Returns a file's name without directories. */
export const nameOf = ({ path }: NamedFile): string => path.split("/").at(-1) ?? path;

/**
 * Returns the OME-XML in the description `xml` of `file`, or in the companion file that it names; undefined if the companion
 * names yet another file. Failures as withConfinedFile if the companion is missing; `frame.unreadable` for unsupported XML.
 */
export async function omeDocument(file: NamedFile, xml: string): Promise<OmeDocument | undefined> {
  const document = readOme(xml);
  if (document.metadataFile === undefined) return document;
  const { directory, path, followLinks = false } = file;
  // The companion must be next to the file; directories in its name are ignored.
  const folder = path.slice(0, path.length - nameOf(file).length);
  const companion = folder + (document.metadataFile.split(/[\\/]/).at(-1) ?? "");
  const text = await withConfinedFile(
    directory,
    companion,
    async ({ handle, bytes }) => {
      const source = sourceOfFile(handle, bytes);
      // The companion may be the first file of the series, with the metadata of all.
      const first = await firstDirectory(source);
      if (first !== undefined) return (await descriptionOf(first)) ?? "";
      const content = await bytesAt(source, 0, LARGEST_COMPANION);
      return utf16Decoder(content)?.decode(content) ?? content.toString("utf8");
    },
    { followLinks },
  );
  const whole = readOme(text);
  return whole.metadataFile === undefined ? whole : undefined;
}
