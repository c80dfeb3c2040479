// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs halmos on proofs/ and reads what it says: each check_… must be proved, and each check_false… be refuted, for a
// proof that begins with a state that cannot be would prove everything.
"use strict";

const { spawnSync } = require("node:child_process");
const path = require("node:path");

const root = path.join(__dirname, "..");
const OPTIONS = [
  ["--root", root, "--forge-build-out", "out/proofs", "--contract", "PrintEditionsProof"],
  // Solady computes its slots, which the usual layout does not know.
  ["--storage-layout", "generic", "--solver-timeout-assertion", "120s"],
  ["--default-array-lengths", "1", "--default-bytes-lengths", "4"],
].flat();

const { stdout, error } = spawnSync("halmos", OPTIONS, {
  cwd: root,
  env: { ...process.env, FOUNDRY_PROFILE: "proofs" },
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
  maxBuffer: 1 << 28,
});
if (error) throw error;

const plain = stdout.replace(/\x1b\[[0-9;]*m/g, "");
const verdicts = [...plain.matchAll(/^\[(PASS|FAIL|ERROR|TIMEOUT)\] (check_\w+)\([^)]*\).*?time: ([0-9.]+)s/gm)];
let wrong = 0;
for (const [, verdict, name, seconds] of verdicts) {
  const expected = name.startsWith("check_false") ? "FAIL" : "PASS";
  if (verdict !== expected) wrong += 1;
  const said = { PASS: "proved", FAIL: "refuted", ERROR: "could not be followed", TIMEOUT: "took too long" }[verdict];
  console.log(`${verdict === expected ? "" : "NOT AS EXPECTED: "}${name} ${said} (${Math.round(seconds)} s)`);
}
const proved = verdicts.filter(([, verdict]) => verdict === "PASS").length;
console.log(`halmos: ${proved} of ${verdicts.length} properties proved, ${wrong} not as expected.`);
if (wrong > 0 || proved < 11) {
  if (verdicts.length === 0) console.error(plain.slice(-3_000));
  process.exitCode = 1;
}
