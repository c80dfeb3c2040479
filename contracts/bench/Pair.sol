// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice One token to mint, in the 64 bytes of calldata that the floor allows.
struct Pair {
    address recipient;
    uint256 tokenId;
}

/// @notice What each contract of the comparison answers to.
interface IPairMint {
    error NotOwner(address caller);

    function mint(Pair[] calldata pairs) external;
}

/// @notice The one right that there is in the comparison.
abstract contract Owned is IPairMint {
    address private immutable OWNER = msg.sender;

    modifier onlyOwner() {
        require(msg.sender == OWNER, NotOwner(msg.sender));
        _;
    }
}
