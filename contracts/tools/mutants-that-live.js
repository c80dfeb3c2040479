// SPDX-License-Identifier: MIT OR Apache-2.0
// The mutants that no test can kill, each with the reason.
"use strict";

exports.SURVIVORS = [];
