// Says what an ordinary user finds a remote root to be: root may write everywhere.
import { inspectRemote } from "../../../src/archive/remote.ts";

process.setuid?.(65_534);
process.stdout.write(`${inspectRemote(process.argv[2] ?? "").state}\n`);
