// Runs commands of the built program one after the other: what they load, they load once. Each is a line of JSON on descriptor 3,
// { words, cwd, env, mark }. The end of a command is its mark on both outputs, on standard output with the exit code behind it.
import { Socket } from "node:net";
import { createInterface } from "node:readline";

const [executable, , program, script] = process.argv;
// Every command adds the program's own listeners, for the life of a process that it does not have here.
for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);

let commands = 0;

/** The first file of the program anew, with everything that it imports as it was left. */
async function run(words, cwd, env) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [executable, script, ...words];
  process.exitCode = undefined;
  commands += 1;
  await import(`${program}?${commands}`);
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  // Nobody's directory is kept from being removed or unmounted.
  process.chdir("/");
  return code;
}

const told = new Socket({ fd: 3 });
for await (const line of createInterface({ input: told })) {
  const { words, cwd, env, mark } = JSON.parse(line);
  const code = await run(words, cwd, env);
  process.stdout.write(`${mark}${code}\n`);
  process.stderr.write(`${mark}\n`);
}
