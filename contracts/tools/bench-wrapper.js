// SPDX-License-Identifier: MIT OR Apache-2.0
// tools/bench-wrapper.js: prints the creation code of the owner-only OpenZeppelin ERC-721 and the selector of its mint,
// for whoever measures how many mints a chain takes.
"use strict";

const { Interface } = require("ethers");
const { compile } = require("./compile.js");

const { abi, evm } = compile("bench/OfOpenZeppelin.sol");
const mint = new Interface(abi).getFunction("mint").selector;
process.stdout.write(`${JSON.stringify({ bytecode: evm.bytecode.object, mint })}\n`);
