// Ways to the plant's server on which a test has the last word.
import { connect, createServer, type Socket } from "node:net";
import { message } from "./messages.ts";
import { freePort, type Plant } from "./plant.ts";

export interface Way {
  readonly url: string;
  /** Ends every connection with an ERR message of this code. */
  end(code: number): void;
  close(): void;
}

/** A way to a server. `refusesOpen`: connections without security are ended with this code, as by secure servers. */
export async function wayTo(to: Plant, { refusesOpen }: { readonly refusesOpen?: number } = {}): Promise<Way> {
  const port = await freePort();
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    const plant = connect(Number(new URL(to.endpointUrl).port), new URL(to.endpointUrl).hostname);
    client.on("data", (bytes) => {
      if (refusesOpen !== undefined && bytes.includes("SecurityPolicy#None"))
        client.end(message("ERR", refusesOpen, "no"));
      else plant.write(bytes);
    });
    plant.on("data", (bytes) => client.write(bytes));
    for (const socket of [client, plant]) socket.on("error", () => undefined);
    client.on("close", () => {
      clients.delete(client);
      plant.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: to.endpointUrl.replace(/:\d+/, `:${port}`),
    end: (code) => {
      for (const client of clients) client.end(message("ERR", code, "so it is"));
    },
    close: () => {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}
