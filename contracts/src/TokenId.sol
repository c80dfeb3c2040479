// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title The parts of a token id: edition × 1,000,000 + serial × 100 + issue
library TokenId {
    uint256 internal constant LAST_EDITION = 999_999_999;
    uint256 internal constant LAST_SERIAL = 9_999;
    uint256 internal constant LAST_ISSUE = 99;

    function edition(uint256 tokenId) internal pure returns (uint256) {
        return tokenId / 1_000_000;
    }

    function serial(uint256 tokenId) internal pure returns (uint256) {
        return tokenId / 100 % 10_000;
    }

    function issue(uint256 tokenId) internal pure returns (uint256) {
        return tokenId % 100;
    }

    /// @dev Whether the id's serial is one of an edition of so many: from 1 on.
    function isSerialOf(uint256 tokenId, uint256 serials) internal pure returns (bool) {
        unchecked {
            return serial(tokenId) - 1 < serials; // serial 0 becomes the highest number there is
        }
    }
}
