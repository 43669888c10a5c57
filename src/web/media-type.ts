// Parses the media type of a body with the full grammar, not just by its first characters.
import { MIMEType } from "node:util";

/**
 * Returns type and subtype of a Content-Type header, in lower case; undefined if it is invalid, or has a charset other than
 * UTF-8.
 */
export function mediaType(header: string): string | undefined {
  try {
    const { essence, params } = new MIMEType(header);
    return (params.get("charset") ?? "utf-8").toLowerCase() === "utf-8" ? essence : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
