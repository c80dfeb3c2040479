// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

import {IToken} from "./IToken.sol";

/// @notice Spends all the gas that it gets, whatever it is called with.
contract GasBurner {
    fallback() external {
        while (true) {}
    }
}

/// @notice Calls back while it receives, with a call that was set before, and takes the token whatever came of it.
contract Caller is IERC721Receiver {
    IToken private immutable TOKEN;
    bytes private _call;
    bool public succeeded;

    constructor(IToken token) {
        TOKEN = token;
    }

    function prepare(bytes calldata call) external {
        _call = call;
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        (succeeded,) = address(TOKEN).call(_call);
        return IERC721Receiver.onERC721Received.selector;
    }
}
