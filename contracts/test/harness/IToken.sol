// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";

import {IPrintEditions} from "../../src/IPrintEditions.sol";

/// @notice All that the contract answers to. The tests know it by this and not by its source, so that a change of the
/// source compiles without them.
interface IToken is IPrintEditions, IERC721Metadata, IERC2981, IAccessControlDefaultAdminRules {
    error TokenDoesNotExist();
    error NotOwnerNorApproved();
    error TransferToZeroAddress();
    error TransferFromIncorrectOwner();
    error TransferToNonERC721ReceiverImplementer();

    function owner() external view returns (address);
}
