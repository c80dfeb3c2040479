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
];
