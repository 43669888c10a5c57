// Messages of OPC UA's TCP protocol (Part 6, 7.1), for servers that the tests play themselves.

/** A message of this type (`ERR`, `ACK`) with these fields: numbers are UInt32, texts are Strings. */
export function message(type: string, ...fields: (number | string)[]): Buffer {
  const parts = fields.map((field) => {
    const bytes = typeof field === "string" ? Buffer.from(field) : undefined;
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes === undefined ? (field as number) : bytes.length);
    return bytes === undefined ? head : Buffer.concat([head, bytes]);
  });
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write(`${type}F`, "latin1");
  head.writeUInt32LE(8 + body.length, 4);
  return Buffer.concat([head, body]);
}
