// The media type of a body, by the grammar and not by how the header begins.
import { MIMEType } from "node:util";

/** Type and subtype of a Content-Type header, in lower case; undefined where it is none, or in another charset than UTF-8. */
export function mediaType(header: string): string | undefined {
  try {
    const { essence, params } = new MIMEType(header);
    return (params.get("charset") ?? "utf-8").toLowerCase() === "utf-8" ? essence : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
