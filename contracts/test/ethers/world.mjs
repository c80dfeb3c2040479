// SPDX-License-Identifier: MIT OR Apache-2.0
// A chain of its own with the checked-in artifact on it, and a server for metadata, all on loopback.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { ContractFactory, JsonRpcProvider, hexlify, randomBytes } from "ethers";
import { startChain } from "../../tools/anvil.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const DAY = 86_400;
export const TOKEN_ID = 12017100n;

async function serveMetadata(metadata) {
  const server = createServer((_, response) => response.end(JSON.stringify(metadata)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** One edition of 200 with impression 171 minted to the buyer. */
export async function openWorld() {
  const { url, stop } = await startChain();
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 20, cacheTimeout: -1 });
  const [admin, curator, minter, registrar, pauser, vault, buyer, artist] = await provider.listAccounts();
  const imageDigest = hexlify(randomBytes(32));
  const metadata = {
    name: "The Wave 171/200",
    description: "Woodblock print",
    image: "https://prints.example/171.png",
    properties: { image: { sha256: imageDigest.slice(2), media_type: "image/png" } },
  };
  const { server, url: metadataUrl } = await serveMetadata(metadata);

  const artifact = JSON.parse(readFileSync(`${root}artifacts/PrintEditions.json`, "utf8"));
  const deployed = await new ContractFactory(artifact.abi, artifact.bytecode.object, admin).deploy({
    name: "Prints",
    symbol: "PRT",
    tokenBaseURI: `${metadataUrl}/metadata/`,
    contractURI: `${metadataUrl}/contract.json`,
    admin,
    adminDelay: DAY,
    curator,
    minters: [minter],
    registrar,
    pauser,
    vault,
    hourlyMintCap: 100,
  });
  const contract = await deployed.waitForDeployment();
  const act = async (sent) => (await sent).wait();
  await act(
    contract.connect(curator).openEdition(12, {
      serials: 200,
      imageDigest,
      colophonDigest: hexlify(randomBytes(32)),
      royaltyReceiver: artist,
      royaltyBasisPoints: 750,
    }),
  );
  const { timestamp } = await provider.getBlock("latest");
  const minted = await act(
    contract.connect(minter).mint([{ recipient: buyer, tokenId: TOKEN_ID, settlesAt: timestamp + 30 * DAY }]),
  );

  return {
    url,
    address: await contract.getAddress(),
    creation: contract.deploymentTransaction().hash,
    creationData: contract.deploymentTransaction().data,
    mintTransaction: minted.hash,
    setCode: (account, code) => provider.send("anvil_setCode", [account, code]),
    metadata,
    imageDigest,
    settlesAt: timestamp + 30 * DAY,
    buyer: buyer.address,
    artist: artist.address,
    settle: () => act(contract.connect(registrar).settle([TOKEN_ID])),
    voidToken: () => act(contract.connect(registrar).void([{ tokenId: TOKEN_ID, reason: 1 }])),
    snapshot: () => provider.send("evm_snapshot", []),
    revert: (id) => provider.send("evm_revert", [id]),
    async close() {
      provider.destroy();
      server.closeAllConnections();
      server.close();
      await stop();
    },
  };
}

/** Runs a tool of this folder's tools/ and gives its exit code and what it said. */
export async function runTool(name, ...args) {
  const child = spawn(process.execPath, [`${root}tools/${name}`, ...args.map(String)]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  return { code, stdout, stderr: stderr.trim() };
}

/** Runs tools/read-token.mjs and gives its exit code, the object that it printed and what it complained about. */
export async function readToken(...args) {
  const { code, stdout, stderr } = await runTool("read-token.mjs", ...args);
  return { code, token: stdout === "" ? undefined : JSON.parse(stdout), complaint: stderr };
}
