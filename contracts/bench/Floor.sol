// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Owned, Pair} from "./Pair.sol";

/// @title The least that a mint can cost
/// @notice One (address, uint256) pair of calldata a token, one owner check against an immutable, one existence read,
/// one owner and one balance write, one Transfer. No standard, no other function, nothing counted or capped.
contract Floor is Owned {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    error AlreadyMinted(uint256 tokenId);

    struct Token {
        uint256 owner; // a whole word, for what is left of a word has to be read and masked at each write
    }

    mapping(uint256 tokenId => Token) private _tokens;
    mapping(address owner => uint256) private _balanceOf;

    function mint(Pair[] calldata pairs) external onlyOwner {
        unchecked {
            for (uint256 i; i < pairs.length; ++i) {
                Pair calldata pair = pairs[i];
                (address recipient, uint256 tokenId) = (pair.recipient, pair.tokenId);
                Token storage token = _tokens[tokenId];
                require(token.owner == 0, AlreadyMinted(tokenId));
                token.owner = uint160(recipient);
                ++_balanceOf[recipient];
                emit Transfer(address(0), recipient, tokenId);
            }
        }
    }
}
