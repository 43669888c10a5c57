// A server whose clock is behind: our certificate must be valid for it, and where it is not, a person must read why.
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ownCertificate, readCertificate, trustCertificate } from "../../../src/outputs/opcua/certificates.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { PlantSession } from "../../../src/outputs/opcua/session.ts";
import { clockOffBy, hasFaketime } from "../../faketime.ts";
import { serverSettings, toml } from "./deliver.ts";
import { Plant, scratch } from "./plant.ts";

const { directory, gone } = scratch();
afterAll(gone);

test("a server whose clock is two minutes behind takes our certificate; one that begins now is refused with both clocks named", async ({
  skip,
}) => {
  if (!hasFaketime()) return skip();
  const pki = join(directory, "plant");
  const plant = await Plant.start({ pki, trustsClients: false }, clockOffBy("-2m"));
  try {
    const certs = join(pki, "own", "certs");
    const pem = join(certs, readdirSync(certs).find((name) => name.endsWith(".pem")) ?? "none");
    const { server } = serverSettings(directory, toml(plant.endpointUrl, [], 'security_mode = "SignAndEncrypt"'));
    await trustCertificate(server.certificate_dir, plant.endpointUrl, readCertificate(pem));
    const own = await ownCertificate(server.certificate_dir);
    const open = async () => {
      const certificate = readCertificate(own.certificateFile).toString("base64");
      await plant.ask({ do: "trust", certificate });
      const session = await PlantSession.open(await loadLibrary(() => undefined), server);
      await session.close();
      return "in";
    };
    expect(await open()).toBe("in");

    // As other programs make theirs: the server finds that it is not valid yet.
    const { applicationUri, manager, certificateFile } = own;
    const outputFile = join(directory, "fresh.pem");
    await manager.createSelfSignedCertificate({
      applicationUri,
      dns: ["phorest"],
      subject: "/CN=phorest",
      startDate: new Date(),
      validity: 10,
      outputFile,
    });
    rmSync(certificateFile);
    copyFileSync(outputFile, certificateFile);
    await expect(open()).rejects.toMatchObject({
      code: "opcua.refused",
      message: expect.stringMatching(/BadCertificateTimeInvalid/),
      hint: expect.stringMatching(/compare the clocks of both computers/),
    });
  } finally {
    await plant.kill();
  }
});
