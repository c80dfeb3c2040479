// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

/// @notice The published ERC-721 properties of crytic/properties, each under its own id; which of them stand only in part
/// is said in docs/CONTRACT.md. To burn is to surrender or to void here; there is no total supply to ask for.
contract Erc721PropertiesTest is EditionsTest {
    error BalanceQueryForZeroAddress();

    bytes private constant NO_TOKEN = abi.encodeWithSelector(IToken.TokenDoesNotExist.selector);
    bytes private constant NOT_APPROVED = abi.encodeWithSelector(IToken.NotOwnerNorApproved.selector);

    function test_base001BalanceOfTheZeroAddressReverts() public {
        vm.expectRevert(abi.encodeWithSelector(BalanceQueryForZeroAddress.selector));
        token.balanceOf(address(0));
    }

    function test_base002OwnerOfAnInvalidTokenReverts(uint256 tokenId) public {
        vm.expectRevert(NO_TOKEN);
        token.ownerOf(tokenId);
    }

    function test_base003ApprovingAnInvalidTokenReverts(uint256 tokenId, address raw) public {
        _expectRefusal(_stranger(raw, address(0)), NO_TOKEN);
        token.approve(raw, tokenId);
    }

    function test_base004TransferByAnotherThanOwnerAndApprovedReverts(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address stranger = _stranger(raw, owner);
        _expectRefusal(stranger, NOT_APPROVED);
        token.transferFrom(owner, stranger, tokenId);
    }

    function test_base005TransferResetsTheApproval(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _approvedSheet(sheet, raw);
        _transfer(owner, _stranger(raw, owner), tokenId);
        vm.assertEq(token.getApproved(tokenId), address(0), "approved");
    }

    function test_base006TransferUpdatesTheOwner(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _transfer(owner, _stranger(raw, owner), tokenId);
        vm.assertEq(token.ownerOf(tokenId), _stranger(raw, owner), "owner");
    }

    function test_base007TransferFromTheZeroAddressReverts(Sheet memory sheet, address raw, bool issued) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        if (!issued) ++tokenId;
        _expectRefusal(owner, issued ? abi.encodeWithSelector(IToken.TransferFromIncorrectOwner.selector) : NO_TOKEN);
        token.transferFrom(address(0), _stranger(raw, owner), tokenId);
    }

    function test_base008TransferToTheZeroAddressReverts(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferToZeroAddress.selector));
        token.transferFrom(owner, address(0), tokenId);
    }

    function test_base009TransferToOneselfKeepsTheAccounts(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        _transfer(owner, owner, tokenId);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.assertEq(token.balanceOf(owner), 1, "balance");
        vm.assertEq(token.settlesAtOf(tokenId), settlesAt, "settlesAt");
    }

    function test_base010TransferToOneselfResetsTheApproval(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _approvedSheet(sheet, raw);
        _transfer(owner, owner, tokenId);
        vm.assertEq(token.getApproved(tokenId), address(0), "approved");
    }

    function test_base011SafeTransferToAContractThatIsNoReceiverReverts(Sheet memory sheet, bytes memory data) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address silent = address(new Silent());
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferToNonERC721ReceiverImplementer.selector));
        token.safeTransferFrom(owner, silent, tokenId, data);
    }

    function test_burnable001ABurnLowersTheBalance(Sheet memory sheet, bool byOwner) public {
        (uint256 tokenId, address owner) = _burnedSheet(sheet, byOwner);
        vm.assertEq(token.balanceOf(owner), 0, "balance");
        _mint(owner, tokenId + 1);
        vm.assertEq(token.balanceOf(owner), 1, "balance of the next issue");
    }

    function test_burnable002ABurnedTokenCannotBeTransferred(Sheet memory sheet, bool byOwner, address raw) public {
        (uint256 tokenId, address owner) = _burnedSheet(sheet, byOwner);
        _expectRefusal(owner, NO_TOKEN);
        token.transferFrom(owner, _stranger(raw, owner), tokenId);
    }

    function test_burnable003NorFromTheZeroAddress(Sheet memory sheet, bool byOwner, address raw) public {
        (uint256 tokenId, address owner) = _burnedSheet(sheet, byOwner);
        _expectRefusal(owner, NO_TOKEN);
        token.transferFrom(address(0), _stranger(raw, owner), tokenId);
    }

    function test_burnable004ABurnedTokenCannotBeApproved(Sheet memory sheet, bool byOwner, address raw) public {
        (uint256 tokenId, address owner) = _burnedSheet(sheet, byOwner);
        _expectRefusal(owner, NO_TOKEN);
        token.approve(raw, tokenId);
    }

    function test_burnable005ABurnedTokenHasNoApproval(Sheet memory sheet, bool byOwner) public {
        (uint256 tokenId,) = _burnedSheet(sheet, byOwner);
        vm.expectRevert(NO_TOKEN);
        token.getApproved(tokenId);
    }

    function test_burnable006ABurnedTokenHasNoOwner(Sheet memory sheet, bool byOwner) public {
        (uint256 tokenId,) = _burnedSheet(sheet, byOwner);
        vm.expectRevert(NO_TOKEN);
        token.ownerOf(tokenId);
    }

    function test_mintable001AMintRaisesTheBalance(address raw, uint256 rawCount) public {
        uint256 count = _between(rawCount, 1, 20);
        address owner = _recipient(raw);
        _open(12, 20);
        for (uint256 serial = 1; serial <= count; ++serial) {
            _mint(owner, _id(12, serial, 0));
        }
        vm.assertEq(token.balanceOf(owner), count, "balance");
    }

    function test_mintable002AMintMakesAFreshToken(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        (bool there,) = address(token).staticcall(abi.encodeCall(token.ownerOf, (tokenId)));
        vm.assertFalse(there, "it was there before");
        _mint(owner, tokenId);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.assertEq(token.getApproved(tokenId), address(0), "approved");
    }

    function _approvedSheet(Sheet memory sheet, address raw) private returns (uint256 tokenId, address owner) {
        (tokenId, owner) = _settledSheet(sheet);
        vm.prank(owner);
        token.approve(_stranger(raw, owner), tokenId);
    }

    function _burnedSheet(Sheet memory sheet, bool byOwner) private returns (uint256 tokenId, address owner) {
        (tokenId, owner) = _boundSheet(sheet);
        vm.prank(owner);
        token.approve(_account("friend"), tokenId);
        if (!byOwner) {
            _void(tokenId);
            return (tokenId, owner);
        }
        vm.prank(owner);
        token.surrender(tokenId);
    }

    function _transfer(address from, address to, uint256 tokenId) private {
        vm.prank(from);
        token.transferFrom(from, to, tokenId);
    }
}

contract Silent {
    function unrelated() external pure returns (bool) {
        return true;
    }
}
