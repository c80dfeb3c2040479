// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title A contract without the chain's barrier
/// @notice Mints every item under a fresh id, however often the same one is asked for. The tests of the service run against
/// it to see whether the database alone keeps a token from being minted twice. Never deploy it for anything else.
contract FreshIds {
    /// @dev As in IPrintEditions, so that both know the same call.
    struct MintItem {
        uint256 tokenId;
        address recipient;
        uint64 settlesAt;
    }

    /// @dev Names the id that was asked for: the service looks for its own.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    /// @notice How many tokens there are: each has the next number for its id.
    uint256 public minted;

    /// @notice Who holds each.
    mapping(uint256 id => address owner) public ownerOf;

    function mint(MintItem[] calldata items) external {
        for (uint256 i = 0; i < items.length; ++i) {
            ownerOf[++minted] = items[i].recipient;
            emit Transfer(address(0), items[i].recipient, items[i].tokenId);
        }
    }

    /// @notice Everybody may do everything here.
    function hasRole(bytes32, address) external pure returns (bool) {
        return true;
    }

    function MINTER_ROLE() external pure returns (bytes32) {
        return keccak256("MINTER_ROLE");
    }
}
