// At the end of each slow test file the directories go that were made for all of its tests. A setup file of vitest.
import { afterAll } from "vitest";
import { removeTemporaryDirectories } from "./temporary-directory.ts";

// The first hook of a file is the last to run at its end.
afterAll(removeTemporaryDirectories);
