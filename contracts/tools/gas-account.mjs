// SPDX-License-Identifier: MIT OR Apache-2.0
// Where the gas of a transaction goes, by what its instructions do.

const KINDS = [
  ["storage read", /^SLOAD$/],
  ["storage write", /^SSTORE$/],
  ["event", /^LOG/],
  ["hash", /^KECCAK256$|^SHA3$/],
  ["jump", /^JUMP/],
  ["memory", /^M(LOAD|STORE|STORE8|COPY)$/],
  ["calldata", /^CALLDATA|^CODECOPY$/],
  ["stack", /^(PUSH|DUP|SWAP|POP)/],
  ["arithmetic and the rest", /./],
];

async function accountOf(provider, hash) {
  const { gas, structLogs } = await provider.send("debug_traceTransaction", [hash, { disableStorage: true }]);
  const spent = Object.fromEntries(KINDS.map(([kind]) => [kind, 0]));
  for (const { op, gasCost } of structLogs) spent[KINDS.find(([, form]) => form.test(op))[0]] += gasCost;
  const executed = structLogs.reduce((sum, { gasCost }) => sum + gasCost, 0);
  const storage = structLogs.filter(({ op }) => op === "SLOAD" || op === "SSTORE").map(({ op, gasCost }) => `${op} ${gasCost}`);
  return { spent: { "21,000 and calldata": gas - executed, ...spent, total: gas }, storage };
}

/** Prints what each kind of instruction cost in ours and in the floor's transaction. */
export async function printAccount(provider, ours, floor) {
  const [a, b] = [await accountOf(provider, ours), await accountOf(provider, floor)];
  const line = (words) => console.log(words.map((word, i) => (i ? String(word).padStart(10) : word.padEnd(26))).join(""));
  line(["gas of a fresh mint", "ours", "floor", "more"]);
  for (const kind of Object.keys(a.spent)) line([kind, a.spent[kind], b.spent[kind], a.spent[kind] - b.spent[kind]]);
  console.log(`ours, in order: ${a.storage.join(", ")}`);
  console.log(`floor, in order: ${b.storage.join(", ")}\n`);
}
