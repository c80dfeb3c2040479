// SPDX-License-Identifier: MIT OR Apache-2.0

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { openWorld, runTool } from "./world.mjs";

const require = createRequire(import.meta.url);
const solc = require("../../node_modules/solc");
const artifact = require("../../artifacts/PrintEditions.json");

let world;

before(async () => (world = await openWorld()));
after(() => world.close());

const verify = (...args) => runTool("verify.mjs", ...args);

test("our contract is told by its code, and its source compiles to it", async () => {
  const { code, stdout, stderr } = await verify(world.url, world.address, world.creation);
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`^${world.address} on chain 31337 is PrintEditions of this checkout`));
  const [, encoded] = stderr.match(/^Constructor arguments: ([0-9a-f]+)$/m);
  const [, told] = stderr.match(/^They say: (.+)$/m);
  assert.equal(JSON.parse(told).hourlyMintCap, 100);
  assert.equal(JSON.parse(told).minters.length, 1);
  assert.equal(world.creationData, artifact.bytecode.object + encoded);
  const input = JSON.parse(stdout);
  input.settings.outputSelection = { "src/PrintEditions.sol": { PrintEditions: ["evm.deployedBytecode.object"] } };
  const { contracts } = JSON.parse(solc.compile(JSON.stringify(input)));
  const { object } = contracts["src/PrintEditions.sol"].PrintEditions.evm.deployedBytecode;
  assert.equal(`0x${object}`, artifact.deployedBytecode.object);
});

test("another contract is refused, with the place of the first difference", async () => {
  await world.setCode(world.buyer, `${artifact.deployedBytecode.object.slice(0, -2)}00`);
  const { code, stdout, stderr } = await verify(world.url, world.buyer);
  const length = artifact.deployedBytecode.object.length / 2 - 1;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, new RegExp(`not the artifact's: ${length} bytes on chain.*at byte ${length - 1}\\.$`));
});

test("an account without code, a wrong transaction, a wrong address and a dead node are told apart", async () => {
  const cases = [
    [[world.url, world.artist], /no contract at/],
    [[world.url, world.address, world.mintTransaction], /creates no contract/],
    [[world.url, world.address, `0x${"ab".repeat(32)}`], /does not know the transaction/],
    [[world.url, "0x1234"], /not an address/],
    [[world.url, world.address, "0x12"], /not a transaction hash/],
    [["http://127.0.0.1:1", world.address], /did not answer/],
    [[world.url], /^Usage/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await verify(...args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, expected);
  }
});
