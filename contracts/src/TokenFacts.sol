// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "./IPrintEditions.sol";

/// @notice What is known of an id besides its owner, in the 96 bits that Solady's owner slot has to spare:
///
///     bits  0..63   the second from which the token is settled; never 0 while it lives
///     bits 64..71   the reason of a tombstone; 0 unless it is one
///     bit  72       `Unlocked` was emitted
///     bit  73       the vault released it
///
/// All bits are 0 for an unissued id, and for no other.
type TokenFacts is uint96;

using {isUnissued, isTombstone, isLive, isSettled, settlesAt, voidReason} for TokenFacts global;
using {wasAnnounced, wasReleased, withAnnounced, withReleased} for TokenFacts global;

uint96 constant ANNOUNCED_BIT = 1 << 72;
uint96 constant RELEASED_BIT = 1 << 73;

/// @dev Takes a second that fits into 64 bits.
function liveFacts(uint256 settlesAt_) pure returns (TokenFacts) {
    // forge-lint: disable-next-line(unsafe-typecast)
    return TokenFacts.wrap(uint64(settlesAt_));
}

function tombstoneFacts(IPrintEditions.VoidReason reason) pure returns (TokenFacts) {
    return TokenFacts.wrap(uint96(uint8(reason)) << 64);
}

function isUnissued(TokenFacts self) pure returns (bool) {
    return TokenFacts.unwrap(self) == 0;
}

function isTombstone(TokenFacts self) pure returns (bool) {
    return uint8(TokenFacts.unwrap(self) >> 64) != 0;
}

function isLive(TokenFacts self) pure returns (bool) {
    return settlesAt(self) != 0;
}

function isSettled(TokenFacts self) view returns (bool) {
    return isLive(self) && block.timestamp >= settlesAt(self);
}

function settlesAt(TokenFacts self) pure returns (uint64) {
    return uint64(TokenFacts.unwrap(self));
}

function voidReason(TokenFacts self) pure returns (IPrintEditions.VoidReason) {
    return IPrintEditions.VoidReason(uint8(TokenFacts.unwrap(self) >> 64));
}

function wasAnnounced(TokenFacts self) pure returns (bool) {
    return TokenFacts.unwrap(self) & ANNOUNCED_BIT != 0;
}

function wasReleased(TokenFacts self) pure returns (bool) {
    return TokenFacts.unwrap(self) & RELEASED_BIT != 0;
}

function withAnnounced(TokenFacts self) pure returns (TokenFacts) {
    return TokenFacts.wrap(TokenFacts.unwrap(self) | ANNOUNCED_BIT);
}

function withReleased(TokenFacts self) pure returns (TokenFacts) {
    return TokenFacts.wrap(TokenFacts.unwrap(self) | RELEASED_BIT);
}
