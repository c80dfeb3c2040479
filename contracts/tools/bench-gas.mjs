// SPDX-License-Identifier: MIT OR Apache-2.0
// tools/bench-gas             what our contract, the floor and four well-known bases cost, by receipts on anvil
// tools/bench-gas --account   besides, where our fresh mint spends more than the floor's
//
// All are compiled now, with the same settings, and get the same recipients and token ids. A table for people, then one
// JSON line a figure. Ends with exit code 1 if our mint is above what it may cost.

import { createRequire } from "node:module";
import { ContractFactory, Interface, JsonRpcProvider, getAddress, id } from "ethers";
import { startChain } from "./anvil.mjs";
import { printAccount } from "./gas-account.mjs";

const { compile } = createRequire(import.meta.url)("./compile.js");

/** The most that ours may cost, as a multiple of a floor. */
const TARGETS = [
  ["fresh mint", "plain floor", 1.17],
  ["fresh mint", "floor", 1.17],
  ["100 recipients", "plain floor", 1.04],
  ["100 recipients", "floor", 1.04],
];
const BASES = {
  floor: "bench/Floor.sol",
  "plain floor": "bench/PlainFloor.sol",
  Solady: "bench/OfSolady.sol",
  OpenZeppelin: "bench/OfOpenZeppelin.sol",
  Solmate: "bench/OfSolmate.sol",
  ERC721A: "bench/OfERC721A.sol",
};
const OURS = "PrintEditions";
const DAY = 86_400;
const EDITION = 12;
const ERC721 = new Interface(["function transferFrom(address from, address to, uint256 tokenId)"]);

const tokenId = (serial) => EDITION * 1_000_000 + serial * 100;
const recipient = (serial) => getAddress(id(`recipient ${serial}`).slice(0, 42));

async function send(signer, request) {
  const sent = await signer.sendTransaction({ gasLimit: 12_000_000, ...request });
  return sent.wait();
}

/** Deploys the contract of a file; gives the receipt and the maker of its calls. */
async function deploy(signer, entry, args) {
  const { abi, evm } = compile(entry);
  const { data } = await new ContractFactory(abi, evm.bytecode.object).getDeployTransaction(...args);
  const receipt = await send(signer, { data });
  const face = new Interface(abi);
  const call = (name, ...values) => ({ to: receipt.contractAddress, data: face.encodeFunctionData(name, values) });
  return { receipt, call };
}

/** The same mints for every contract; `mint` takes pairs of recipient and serial. The last one is the buyer's. */
async function mintAll(mint, buyer) {
  const fresh = (first, count) => Array.from({ length: count }, (_, i) => [recipient(first + i), first + i]);
  await mint(fresh(1, 1)); // what the first of all mints pays for is no day's work
  const receipts = {
    "fresh mint": await mint(fresh(2, 1)),
    "mint to a holder": await mint([[recipient(2), 3]]),
    "5 recipients": await mint(fresh(10, 5)),
    "20 recipients": await mint(fresh(20, 20)),
    "100 recipients": await mint(fresh(50, 100)),
  };
  await mint([[buyer.address, BUYERS_SERIAL]]);
  return receipts;
}
const BUYERS_SERIAL = 200;
const MINTS_BEFORE_THE_BUYERS = 128;

function firstTransfer(buyer, contract, held) {
  const data = ERC721.encodeFunctionData("transferFrom", [buyer.address, recipient("friend"), held]);
  return send(buyer, { to: contract, data });
}

async function benchBase(name, [owner, buyer]) {
  const { receipt, call } = await deploy(owner, BASES[name], []);
  const mint = (pairs) => send(owner, call("mint", pairs.map(([to, serial]) => [to, tokenId(serial)])));
  const receipts = await mintAll(mint, buyer);
  // ERC721A counts its ids up from 0, whatever is asked for.
  const held = name === "ERC721A" ? MINTS_BEFORE_THE_BUYERS : tokenId(BUYERS_SERIAL);
  if (!name.endsWith("floor")) receipts["first transfer"] = await firstTransfer(buyer, receipt.contractAddress, held);
  return { ...receipts, deploy: receipt };
}

async function benchOurs([admin, buyer, curator, minter, registrar, pauser, vault], now) {
  const deployment = {
    name: "Prints",
    symbol: "PRT",
    tokenBaseURI: "https://prints.example/metadata/",
    contractURI: "https://prints.example/contract.json",
    ...{ admin, adminDelay: DAY, curator, minters: [minter], registrar, pauser, vault, hourlyMintCap: 1_000 },
  };
  const { receipt, call } = await deploy(admin, `src/${OURS}.sol`, [deployment]);
  const terms = {
    serials: 300,
    imageDigest: id("image"),
    colophonDigest: id("colophon"),
    royaltyReceiver: recipient("artist"),
    royaltyBasisPoints: 750,
  };
  await send(curator, call("openEdition", EDITION, terms));
  const settlesAt = now + 35 * DAY;
  const mint = (pairs) => send(minter, call("mint", pairs.map(([to, serial]) => [tokenId(serial), to, settlesAt])));
  const receipts = await mintAll(mint, buyer);
  receipts.void = await send(registrar, call("void", [[tokenId(20), 1]]));
  receipts.settle = await send(registrar, call("settle", [tokenId(BUYERS_SERIAL)]));
  receipts["first transfer"] = await firstTransfer(buyer, receipt.contractAddress, tokenId(BUYERS_SERIAL));
  return { ...receipts, deploy: receipt };
}

/** Gas a token for the rows of several recipients, else of the whole transaction. */
function gasOf(row, receipt) {
  const tokens = Number(row.match(/^(\d+) recipients/)?.[1] ?? 1);
  return Number(receipt.gasUsed) / tokens;
}

function printTable(all) {
  const rows = Object.keys(all[OURS]);
  const names = Object.keys(all);
  const cell = (text) => String(text).padStart(14);
  console.log(`${"gas, a token".padEnd(18)}${names.map(cell).join("")}${cell("ours / floor")}`);
  for (const row of rows) {
    const gas = names.map((name) => (all[name][row] ? Math.round(gasOf(row, all[name][row])).toLocaleString("en-US") : "-"));
    console.log(`${row.padEnd(18)}${gas.map(cell).join("")}${cell(ratio(all, row, "floor")?.toFixed(4) ?? "")}`);
  }
  console.log();
}

function ratio(all, row, floor) {
  if (row === "deploy" || !all[floor][row]) return undefined;
  return gasOf(row, all[OURS][row]) / gasOf(row, all[floor][row]);
}

function printLines(all) {
  for (const [contract, receipts] of Object.entries(all)) {
    for (const [row, receipt] of Object.entries(receipts)) {
      const figure = { contract, row, gas_per_token: gasOf(row, receipt), gas_used: Number(receipt.gasUsed) };
      console.log(JSON.stringify({ ...figure, tx_hash: receipt.hash }));
    }
  }
}

function judge(all) {
  for (const [row, floor, target] of TARGETS) {
    const found = ratio(all, row, floor);
    const verdict = found <= target ? "within" : "ABOVE";
    console.error(`${row}: ${found.toFixed(4)} times the ${floor}, ${verdict} the target of ${target}.`);
    if (found > target) process.exitCode = 1;
  }
}

const { url, stop } = await startChain("--steps-tracing");
try {
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 20, cacheTimeout: -1 });
  const signers = await provider.listAccounts();
  const { timestamp } = await provider.getBlock("latest");
  const all = { [OURS]: await benchOurs(signers, timestamp) };
  for (const name of Object.keys(BASES)) all[name] = await benchBase(name, signers);
  printTable(all);
  if (process.argv.includes("--account")) {
    await printAccount(provider, all[OURS]["fresh mint"].hash, all.floor["fresh mint"].hash);
  }
  printLines(all);
  judge(all);
  provider.destroy();
} finally {
  await stop();
}
