#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
// tools/read-token.mjs RPC_URL CONTRACT TOKEN_ID
//
// Reads one token from the chain with ethers, follows it to its metadata, and checks that all of it fits together. It
// knows the contract by the lines below alone and shares nothing with the Rust code or the compiled artifact.
// One JSON object on stdout; if anything does not fit, a sentence on stderr and exit code 1.

import { createHash } from "node:crypto";
import { Contract, FetchRequest, JsonRpcProvider, ZeroAddress, getAddress } from "ethers";

const ABI = [
  "function ownerOf(uint256) view returns (address)",
  "function balanceOf(address) view returns (uint256)",
  "function tokenURI(uint256) view returns (string)",
  "function contractURI() view returns (string)",
  "function name() view returns (string)",
  "function symbol() view returns (string)",
  "function royaltyInfo(uint256,uint256) view returns (address receiver, uint256 amount)",
  "function supportsInterface(bytes4) view returns (bool)",
  "function locked(uint256) view returns (bool)",
  "function statusOf(uint256) view returns (uint8 status, uint8 reason, uint256 successor)",
  "function settlesAtOf(uint256) view returns (uint256)",
  "function editionTerms(uint256) view returns (tuple(uint16 serials, bytes32 imageDigest, bytes32 colophonDigest, address royaltyReceiver, uint16 royaltyBasisPoints))",
  "event Transfer(address indexed from, address indexed to, uint256 indexed id)",
];
const STATUSES = ["unissued", "bound", "settled", "voided", "surrendered"];
const INTERFACES = {
  "ERC-165": "0x01ffc9a7",
  "ERC-721": "0x80ac58cd",
  "ERC-721 metadata": "0x5b5e139f",
  "ERC-2981": "0x2a55205a",
  "ERC-4906": "0x49064906",
  "ERC-5192": "0xb45a3c0e",
};
const SALE_PRICE = 1_940_000n;
const TIMEOUT = 10_000;

class Misfit extends Error {}

function insist(condition, sentence) {
  if (!condition) throw new Misfit(sentence);
}

function parseArguments(list) {
  insist(list.length === 3, "Usage: read-token.mjs RPC_URL CONTRACT TOKEN_ID");
  const [url, contract, tokenId] = list;
  insist(/^https?:\/\//.test(url), `${url} is not an http address of a node.`);
  insist(/^(0|[1-9][0-9]{0,77})$/.test(tokenId), `${tokenId} is not a token id in decimal.`);
  let address;
  try {
    address = getAddress(contract);
  } catch {
    throw new Misfit(`${contract} is not an address, or its checksum is wrong.`);
  }
  return { url, address, tokenId: BigInt(tokenId) };
}

async function connect(url) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const headers = { "content-type": "application/json" };
  let answer;
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT) });
    answer = await response.json();
  } catch (error) {
    throw new Misfit(`The node does not answer: ${error.cause?.message ?? error.message}.`);
  }
  insist(/^0x[0-9a-f]+$/.test(answer.result ?? ""), "The node does not tell its chain id.");
  const request = new FetchRequest(url);
  request.timeout = TIMEOUT;
  return new JsonRpcProvider(request, Number(answer.result), { staticNetwork: true, cacheTimeout: -1 });
}

async function checkInterfaces(contract) {
  for (const [standard, id] of Object.entries(INTERFACES)) {
    insist(await contract.supportsInterface(id), `The contract does not claim ${standard} (${id}).`);
  }
  insist(!(await contract.supportsInterface("0xffffffff")), "The contract claims the interface id that means none.");
  return INTERFACES;
}

async function readLife(provider, contract, tokenId) {
  const { status, successor } = await contract.statusOf(tokenId);
  const name = STATUSES[Number(status)];
  insist(name === "bound" || name === "settled", `Token ${tokenId} is ${name}, its successor ${successor}.`);
  const owner = await contract.ownerOf(tokenId);
  insist(owner !== ZeroAddress && (await contract.balanceOf(owner)) >= 1n, `${owner} owns nothing.`);
  const settlesAt = await contract.settlesAtOf(tokenId);
  const locked = await contract.locked(tokenId);
  insist(settlesAt > 0n, "A live token has no settling time.");
  insist(locked === (name === "bound"), `The token is ${name}, but locked says ${locked}.`);

  const mints = await contract.queryFilter(contract.filters.Transfer(ZeroAddress, null, tokenId), 0);
  insist(mints.length === 1, `The chain shows ${mints.length} mints of token ${tokenId} instead of one.`);
  const { timestamp } = await provider.getBlock(mints[0].blockNumber);
  insist(settlesAt >= BigInt(timestamp), "The token was settled before it was minted.");
  return { owner, status: name, locked, settles_at: Number(settlesAt), mint_tx_hash: mints[0].transactionHash };
}

async function readTerms(contract, tokenId) {
  const edition = tokenId / 1_000_000n;
  const serial = (tokenId / 100n) % 10_000n;
  const terms = await contract.editionTerms(edition);
  insist(serial >= 1n && serial <= terms.serials, `Edition ${edition} has ${terms.serials} serials, not ${serial}.`);

  const royalty = await contract.royaltyInfo(tokenId, SALE_PRICE);
  insist(royalty.receiver === terms.royaltyReceiver, "ERC-2981 names another receiver than the edition's terms.");
  const due = (SALE_PRICE * terms.royaltyBasisPoints) / 10_000n;
  insist(royalty.amount === due, `ERC-2981 asks for ${royalty.amount} of ${SALE_PRICE} instead of ${due}.`);
  return {
    edition: Number(edition),
    serial: Number(serial),
    issue: Number(tokenId % 100n),
    serials: Number(terms.serials),
    image_sha256: terms.imageDigest.slice(2),
    colophon_sha256: terms.colophonDigest.slice(2),
    royalty: {
      receiver: royalty.receiver,
      basis_points: Number(terms.royaltyBasisPoints),
      sale_price: Number(SALE_PRICE),
      amount: Number(royalty.amount),
    },
  };
}

async function readMetadata(uri, tokenId, imageDigest) {
  insist(uri.endsWith(`${tokenId}.json`), `The token URI ${uri} does not end in ${tokenId}.json.`);
  let bytes;
  try {
    const response = await fetch(uri, { signal: AbortSignal.timeout(TIMEOUT) });
    insist(response.ok, `${uri} answers ${response.status}.`);
    bytes = Buffer.from(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof Misfit) throw error;
    throw new Misfit(`${uri} cannot be read: ${error.cause?.message ?? error.message}.`);
  }
  let metadata;
  try {
    metadata = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Misfit(`${uri} is not JSON.`);
  }
  for (const field of ["name", "description", "image"]) {
    insist(typeof metadata[field] === "string" && metadata[field] !== "", `The metadata has no ${field}.`);
  }
  const claimed = metadata.properties?.image?.sha256;
  insist(
    claimed === imageDigest,
    `The metadata's properties.image.sha256 is "${claimed}", but the edition's image digest is ${imageDigest}.`,
  );
  return { token_uri: uri, metadata_name: metadata.name, metadata_sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function main() {
  const { url, address, tokenId } = parseArguments(process.argv.slice(2));
  const provider = await connect(url);
  insist((await provider.getCode(address)) !== "0x", `There is no contract at ${address}.`);
  const contract = new Contract(address, ABI, provider);

  const { chainId } = await provider.getNetwork();
  const interfaces = await checkInterfaces(contract);
  const life = await readLife(provider, contract, tokenId);
  const terms = await readTerms(contract, tokenId);
  const metadata = await readMetadata(await contract.tokenURI(tokenId), tokenId, terms.image_sha256);
  const collection = {
    name: await contract.name(),
    symbol: await contract.symbol(),
    contract_uri: await contract.contractURI(),
  };
  const token_id = tokenId.toString();
  const place = { chain_id: Number(chainId), contract: address, token_id };
  process.stdout.write(`${JSON.stringify({ ...place, collection, ...life, ...terms, ...metadata, interfaces })}\n`);
  provider.destroy();
}

main().catch((error) => {
  console.error(error instanceof Misfit ? error.message : `The token could not be read: ${error.shortMessage ?? error.message}`);
  process.exitCode = 1;
});
