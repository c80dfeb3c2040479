// SPDX-License-Identifier: MIT OR Apache-2.0
// The mutants that no test can kill, each with the reason.
"use strict";

exports.SURVIVORS = [
  [
    "PrintEditions.sol: change: return place < end ? end - place : 0; → return place <= end ? end - place : 0;",
    "Where place and end are equal, their difference is 0 as well.",
  ],
  [
    "PrintEditions.sol: change: if (settlesAt < earliest) settlesAt = earliest; → if (settlesAt <= earliest) settlesAt = earliest;",
    "Where both are equal, the assignment changes nothing.",
  ],
  ["MintTally.sol: change: if (free < first) free = first; → if (free <= first) free = first;", "Where both are equal, the assignment changes nothing."],
  ["TokenFacts.sol: change: uint96 constant RELEASED_BIT = 1 << 73; → uint96 constant RELEASED_BIT = 1 << 74;", "Any bit that is free will do."],
  ["MintTally.sol: change: uint256 constant PAUSED_BIT = 1 << 32; → uint256 constant PAUSED_BIT = 1 << 33;", "Any bit that is free will do."],
  [
    "MintTally.sol: change: uint256 first = block.timestamp / 1 hours << 32; → uint256 first = block.timestamp / 1 hours << 33;",
    "Hours may lie further apart than the largest cap.",
  ],
];
