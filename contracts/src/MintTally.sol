// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice Whether mints are stopped, how many a clock hour may hold, and how many it has held, in one word, so that a mint
/// reads and writes all three at once:
///
///     bits   0..31   the cap
///     bit   32       paused
///     bits  64..     the next free place
///
/// Each hour, counted from 1970, has 2^32 places from `hour << 32` on, of which the first `cap` are open. A mint takes the
/// next free place, and the first mint of an hour that hour's first place.
type MintTally is uint256;

using {isPaused, cap, places, withPaused, withCap, withNextPlace} for MintTally global;

uint256 constant PAUSED_BIT = 1 << 32;

function isPaused(MintTally self) pure returns (bool) {
    return MintTally.unwrap(self) & PAUSED_BIT != 0;
}

function cap(MintTally self) pure returns (uint32) {
    return uint32(MintTally.unwrap(self));
}

/// @dev The next free place of the running hour, and the one after the hour's last open place.
function places(MintTally self) view returns (uint256 free, uint256 end) {
    unchecked {
        uint256 first = block.timestamp / 1 hours << 32;
        free = MintTally.unwrap(self) >> 64;
        if (free < first) free = first;
        end = first + cap(self);
    }
}

function withPaused(MintTally self, bool paused) pure returns (MintTally) {
    uint256 rest = MintTally.unwrap(self) & ~PAUSED_BIT;
    return MintTally.wrap(paused ? rest | PAUSED_BIT : rest);
}

function withCap(MintTally self, uint32 newCap) pure returns (MintTally) {
    return MintTally.wrap((MintTally.unwrap(self) >> 32 << 32) | newCap);
}

function withNextPlace(MintTally self, uint256 place) pure returns (MintTally) {
    return MintTally.wrap((place << 64) | uint64(MintTally.unwrap(self)));
}
