// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls the compiler itself, with nothing but one file and its imports in the input: forge adds the tests, and what
// else is in an input can change the bytecode that the compiler's IR pipeline gives.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("../node_modules/solc");

const root = path.join(__dirname, "..");

/** The compiler settings of foundry.toml, so that they stand in one place. */
function compilerSettings() {
  const toml = fs.readFileSync(path.join(root, "foundry.toml"), "utf8");
  const setting = (key) => {
    const found = toml.match(new RegExp(`^${key} = (.+)$`, "m"));
    if (!found) throw new Error(`foundry.toml does not set ${key}`);
    return JSON.parse(found[1]);
  };
  return {
    viaIR: setting("via_ir"),
    optimizer: { enabled: setting("optimizer"), runs: setting("optimizer_runs") },
    evmVersion: setting("evm_version"),
    metadata: { bytecodeHash: setting("bytecode_hash") },
  };
}

function read(name) {
  const ours = ["src/", "bench/", "test/"].some((folder) => name.startsWith(folder));
  const file = path.join(root, ours ? name : path.join("node_modules", name));
  return fs.readFileSync(file, "utf8").replaceAll("\r\n", "\n");
}

/** The entry file and all that it imports, directly or not, under the names that the imports give. */
function collectSources(entry) {
  const sources = {};
  const visit = (name) => {
    if (sources[name]) return;
    const content = read(name);
    sources[name] = { content };
    for (const [, imported] of content.matchAll(/^import\b[^;"']*["']([^"']+)["']/gm)) {
      visit(imported.startsWith(".") ? path.posix.join(path.posix.dirname(name), imported) : imported);
    }
  };
  visit(entry);
  return Object.fromEntries(Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function standardInput(entry, outputs) {
  const name = path.basename(entry, ".sol");
  const outputSelection = { [entry]: { [name]: outputs } };
  return { language: "Solidity", sources: collectSources(entry), settings: { ...compilerSettings(), outputSelection } };
}

function run(input) {
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((found) => found.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((found) => found.formattedMessage).join("\n"));
  return output.contracts;
}

/** The contract that bears the name of its file: `abi` and `evm`, as the compiler gives them. */
function compile(entry) {
  const input = standardInput(entry, ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]);
  return run(input)[entry][path.basename(entry, ".sol")];
}

/** The creation code of every contract of a file, by name. */
function creationCodes(entry) {
  const input = standardInput(entry, []);
  input.settings.outputSelection = { [entry]: { "*": ["evm.bytecode.object"] } };
  const contracts = Object.entries(run(input)[entry]).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(contracts.map(([name, { evm }]) => [name, `0x${evm.bytecode.object}`]));
}

module.exports = { compile, compilerSettings, creationCodes, standardInput, version: () => solc.version() };
