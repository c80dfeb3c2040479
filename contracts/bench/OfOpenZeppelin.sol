// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {Owned, Pair} from "./Pair.sol";

/// @title OpenZeppelin's ERC721, with the smallest mint for its owner
contract OfOpenZeppelin is ERC721, Owned {
    constructor() ERC721("", "") {}

    function mint(Pair[] calldata pairs) external onlyOwner {
        for (uint256 i; i < pairs.length; ++i) {
            _mint(pairs[i].recipient, pairs[i].tokenId);
        }
    }
}
