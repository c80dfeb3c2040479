// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC721} from "solady/src/tokens/ERC721.sol";

import {Owned, Pair} from "./Pair.sol";

/// @title Solady's ERC721, with the smallest mint for its owner
contract OfSolady is ERC721, Owned {
    function name() public pure override returns (string memory) {
        return "";
    }

    function symbol() public pure override returns (string memory) {
        return "";
    }

    function tokenURI(uint256) public pure override returns (string memory) {
        return "";
    }

    function mint(Pair[] calldata pairs) external onlyOwner {
        for (uint256 i; i < pairs.length; ++i) {
            _mint(pairs[i].recipient, pairs[i].tokenId);
        }
    }
}
