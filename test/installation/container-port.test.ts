// `npm run test:container` proves an image in the network of this machine, where the page's port may be taken.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { checkPortFree } from "../container/proofs.ts";

test("a port that another program has is named, and a free one is left free", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expect(checkPortFree({ host: "127.0.0.1", port })).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use, which the image needs: stop the program that has it`,
  );
  other.close();
  await once(other, "close");
  for (let twice = 0; twice < 2; twice += 1) await checkPortFree({ host: "127.0.0.1", port });
});
