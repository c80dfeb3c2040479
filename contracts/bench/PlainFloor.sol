// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Owned, Pair} from "./Pair.sol";

/// @title The floor as one writes it without thinking of gas
/// @notice It does what {Floor} does, with the two mappings that everybody would take. The draft of our contract, and with
/// it the target for a fresh mint, was measured against this one.
contract PlainFloor is Owned {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    error AlreadyMinted(uint256 tokenId);

    mapping(uint256 tokenId => address) private _ownerOf;
    mapping(address owner => uint256) private _balanceOf;

    function mint(Pair[] calldata pairs) external onlyOwner {
        unchecked {
            for (uint256 i; i < pairs.length; ++i) {
                (address recipient, uint256 tokenId) = (pairs[i].recipient, pairs[i].tokenId);
                require(_ownerOf[tokenId] == address(0), AlreadyMinted(tokenId));
                _ownerOf[tokenId] = recipient;
                ++_balanceOf[recipient];
                emit Transfer(address(0), recipient, tokenId);
            }
        }
    }
}
