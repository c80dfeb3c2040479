// SPDX-License-Identifier: MIT OR Apache-2.0
// A chain of one's own on a free loopback port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const binary = fileURLToPath(new URL("foundry/bin/anvil", import.meta.url));

/** Starts anvil; gives its address and a function that ends it. */
export async function startChain(...options) {
  const anvil = spawn(binary, ["--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const place = await new Promise((resolve, reject) => {
    let said = "";
    anvil.stdout.on("data", (chunk) => {
      said += chunk;
      const found = said.match(/Listening on ([0-9.:]+)\n/);
      if (found) resolve(found[1]);
    });
    anvil.on("error", reject);
    anvil.on("exit", () => reject(new Error(`anvil did not start: ${said}`)));
  });
  const stop = async () => {
    anvil.kill();
    await once(anvil, "exit");
  };
  return { url: `http://${place}`, stop };
}
