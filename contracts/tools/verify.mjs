// SPDX-License-Identifier: MIT OR Apache-2.0
// tools/verify.mjs RPC_URL CONTRACT [TRANSACTION]
//
// Compares the code that lies on chain with the checked-in artifact, byte for byte, and prints the standard-JSON input
// that block explorers ask for. Given the transaction that created the contract, it reads the constructor arguments from
// it, which explorers ask for too. What was found goes to stderr in plain words, the input to stdout; if anything does not
// fit, a sentence on stderr, nothing on stdout, and exit code 1.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { AbiCoder, FetchRequest, JsonRpcProvider, getAddress, getCreateAddress, isHexString } from "ethers";

const { standardInput } = createRequire(import.meta.url)("./compile.js");

const TIMEOUT = 10_000;
const artifact = JSON.parse(readFileSync(new URL("../artifacts/PrintEditions.json", import.meta.url), "utf8"));

class Misfit extends Error {}

function insist(condition, sentence) {
  if (!condition) throw new Misfit(sentence);
}

function parseArguments([url, contract, transaction, ...rest]) {
  insist(contract !== undefined && rest.length === 0, "Usage: verify RPC_URL CONTRACT [TRANSACTION]");
  insist(/^https?:\/\//.test(url), `${url} is not an http address of a node.`);
  insist(transaction === undefined || isHexString(transaction, 32), `${transaction} is not a transaction hash.`);
  try {
    return { url, address: getAddress(contract), transaction };
  } catch {
    throw new Misfit(`${contract} is not an address, or its checksum is wrong.`);
  }
}

/** The first byte at which two hex strings differ. */
function firstDifference(a, b) {
  let at = 2;
  while (at < a.length && a[at] === b[at]) at += 1;
  return Math.floor((at - 2) / 2);
}

function compareCode(onChain, address) {
  const kept = artifact.deployedBytecode.object;
  insist(onChain !== "0x", `There is no contract at ${address}.`);
  insist(
    onChain === kept,
    `The contract at ${address} is not the artifact's: ${onChain.length / 2 - 1} bytes on chain, ` +
      `${kept.length / 2 - 1} in the artifact, the first difference at byte ${firstDifference(onChain, kept)}.`,
  );
}

/** The ABI-encoded arguments, and the same by their names. */
function constructorArguments(created, address) {
  const code = artifact.bytecode.object;
  insist(created.to === null, "That transaction creates no contract.");
  const creates = getCreateAddress({ from: created.from, nonce: created.nonce });
  insist(creates === address, `That transaction created ${creates}, not ${address}.`);
  insist(created.data.startsWith(code), "That transaction's creation code is not the artifact's.");
  const encoded = created.data.slice(code.length);
  const { inputs } = artifact.abi.find(({ type }) => type === "constructor");
  const [deployment] = AbiCoder.defaultAbiCoder().decode([tupleType(inputs[0])], `0x${encoded}`);
  return { encoded, deployment: deployment.toObject() };
}

function tupleType({ type, components, name }) {
  return components ? `tuple(${components.map(tupleType).join(",")})${type.slice("tuple".length)} ${name}` : `${type} ${name}`;
}

const spell = (_, value) => (typeof value === "bigint" ? Number(value) : value);

async function verify({ url, address, transaction }) {
  const request = new FetchRequest(url);
  request.timeout = TIMEOUT;
  const provider = new JsonRpcProvider(request, undefined, { cacheTimeout: -1 });
  try {
    const { chainId } = await provider.getNetwork();
    compareCode(await provider.getCode(address), address);
    const said = [
      `${address} on chain ${chainId} is PrintEditions of this checkout, byte for byte.`,
      `Compiler: ${artifact.compiler.version}`,
      "License: MIT OR Apache-2.0",
    ];
    if (transaction !== undefined) {
      const created = await provider.getTransaction(transaction);
      insist(created !== null, `The node does not know the transaction ${transaction}.`);
      const { encoded, deployment } = constructorArguments(created, address);
      said.push(`Constructor arguments: ${encoded}`, `They say: ${JSON.stringify(deployment, spell)}`);
    }
    return said;
  } finally {
    provider.destroy();
  }
}

try {
  const said = await verify(parseArguments(process.argv.slice(2)));
  console.error(said.join("\n"));
  process.stdout.write(`${JSON.stringify(standardInput("src/PrintEditions.sol", ["*"]))}\n`);
} catch (problem) {
  console.error(problem instanceof Misfit ? problem.message : `The node did not answer: ${problem.shortMessage ?? problem.message}`);
  process.exitCode = 1;
}
