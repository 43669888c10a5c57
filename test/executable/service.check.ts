// The one executable where nobody watches it: as a service and in a container, alone, as another user.
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Alone, IS_ROOT, madeFor } from "./alone.ts";

let alone: Alone;
beforeAll(() => {
  alone = new Alone(madeFor(process.arch));
});
afterAll(() => alone.remove());

const CONFIG = `
[Web]
enabled = false
[Simulation]
width = 640
height = 480
`;

it("photographs nothing without a configuration where one is required, and says what it photographs with one", () => {
  const env = { ...alone.settings, PHOREST_REQUIRE_CONFIG: "1" };
  const empty = alone.experiment();
  const refused = alone.run(["run"], empty, env);
  expect([refused.status, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/^[^\n]*config\.toml does not exist[^\n]*\n$/),
  ]);
  expect(readdirSync(empty)).toEqual([]);
  const directory = alone.experiment(CONFIG);
  const { status, stderr } = alone.run(["run", "--frames", "1", "--until-idle"], directory, env);
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(
    /warn supervisor: camera: simulated chip: .*the default, because config\.toml does not set it/,
  );
  expect(alone.run(["status"], directory, env).stdout).toMatch(/^camera +simulated chip/m);
});

it.runIf(IS_ROOT)(
  "prints the unit of a service that unpacks into its own place, and warns where it would not work",
  () => {
    const { status, stdout, stderr } = alone.run(["install-service", "--print"], alone.experiment(CONFIG));
    expect(status, stderr).toBe(0);
    expect(stdout).toContain(`\nExecStart=${alone.program} run --config `);
    expect(stdout).toContain("\nUser=nobody\n");
    expect(stdout).toContain("\nEnvironment=PHOREST_CACHE_DIR=/var/cache/phorest/phorest\n");
    expect(stderr).toMatch(/^warning: the program is below \/tmp /m);
  },
);

it("says of a closed port that no program listens there", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await new Promise((resolve) => server.close(resolve));
  const url = `opc.tcp://127.0.0.1:${port}`;
  const directory = alone.experiment(`${CONFIG}[OPC_UA]\nendpoint_url = "${url}"\n`);
  const { status, stdout } = alone.run(["opcua", "check"], directory);
  expect([status, stdout]).toEqual([
    1,
    expect.stringContaining(`${url}: no program listens there (check that the server is running`),
  ]);
});
