// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC721A} from "erc721a/contracts/ERC721A.sol";

import {Owned, Pair} from "./Pair.sol";

/// @title ERC721A, with the smallest mint for its owner
contract OfERC721A is ERC721A, Owned {
    constructor() ERC721A("", "") {}

    /// @dev ERC721A gives the ids itself, one after the other; the pairs are those of the others all the same.

    function mint(Pair[] calldata pairs) external onlyOwner {
        for (uint256 i; i < pairs.length; ++i) {
            _mint(pairs[i].recipient, 1);
        }
    }
}
