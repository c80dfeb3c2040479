// SPDX-License-Identifier: MIT OR Apache-2.0

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { TOKEN_ID, openWorld, readToken } from "./world.mjs";

let world;
let clean;

before(async () => (world = await openWorld()));
after(() => world.close());
beforeEach(async () => (clean = await world.snapshot()));
afterEach(async () => {
  await world.revert(clean);
  world.metadata.properties.image = { sha256: world.imageDigest.slice(2) };
});

async function assertComplains(args, expected) {
  const { code, token, complaint } = await readToken(...args);
  assert.equal(code, 1);
  assert.equal(token, undefined);
  assert.match(complaint, expected);
}

test("a bound token is read with all that hangs on it", async () => {
  const { code, token, complaint } = await readToken(world.url, world.address, TOKEN_ID);
  assert.equal(complaint, "");
  assert.equal(code, 0);
  assert.equal(token.owner, world.buyer);
  assert.equal(token.status, "bound");
  assert.equal(token.locked, true);
  assert.equal(token.settles_at, world.settlesAt);
  assert.deepEqual([token.edition, token.serial, token.issue, token.serials], [12, 171, 0, 200]);
  assert.equal(`0x${token.image_sha256}`, world.imageDigest);
  assert.deepEqual(token.royalty, {
    receiver: world.artist,
    basis_points: 750,
    sale_price: 1_940_000,
    amount: 145_500,
  });
});

test("a settled token is read as settled and free", async () => {
  await world.settle();
  const { code, token } = await readToken(world.url, world.address, TOKEN_ID);
  assert.equal(code, 0);
  assert.equal(token.status, "settled");
  assert.equal(token.locked, false);
});

test("a voided token is refused", async () => {
  await world.voidToken();
  await assertComplains([world.url, world.address, TOKEN_ID], /is voided/);
});

test("an unissued token is refused", async () => {
  await assertComplains([world.url, world.address, TOKEN_ID + 100n], /is unissued/);
});

test("metadata about another image is refused", async () => {
  world.metadata.properties.image = { sha256: "00".repeat(32) };
  await assertComplains([world.url, world.address, TOKEN_ID], /image digest/);
  delete world.metadata.properties.image;
  await assertComplains([world.url, world.address, TOKEN_ID], /image.sha256 is "undefined"/);
});

test("an address without a contract is refused", async () => {
  await assertComplains([world.url, world.buyer, TOKEN_ID], /no contract/);
});

test("nonsense instead of arguments is refused", async () => {
  await assertComplains([], /Usage/);
  await assertComplains(["ftp://node", world.address, TOKEN_ID], /not an http address/);
  await assertComplains([world.url, "0x12", TOKEN_ID], /not an address/);
  await assertComplains([world.url, world.address, "0x10"], /not a token id/);
});

test("a node that does not answer is reported", async () => {
  await assertComplains(["http://127.0.0.1:9", world.address, TOKEN_ID], /does not answer/);
});
