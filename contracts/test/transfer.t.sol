// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract TransferTest is EditionsTest {
    bytes4 private constant SAFE = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
    bytes4 private constant SAFE_WITH_DATA = bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"));

    function test_refusesTheOwnerInEveryFormOfTransfer(Sheet memory sheet, address raw, bytes memory data) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address to = _stranger(raw, owner);
        _expectLocked(owner, tokenId);
        token.transferFrom(owner, to, tokenId);
        _expectLocked(owner, tokenId);
        token.safeTransferFrom(owner, to, tokenId);
        _expectLocked(owner, tokenId);
        token.safeTransferFrom(owner, to, tokenId, data);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_refusesAnApprovedAccountAndAnOperator(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        token.approve(friend, tokenId);
        vm.prank(owner);
        token.setApprovalForAll(friend, true);
        _expectLocked(friend, tokenId);
        token.transferFrom(owner, friend, tokenId);
    }

    function test_letsTheOwnerApprove(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.expectEmit(address(token));
        emit IERC721.Approval(owner, friend, tokenId);
        vm.prank(owner);
        token.approve(friend, tokenId);
        vm.assertEq(token.getApproved(tokenId), friend, "approved");
    }

    function test_refusesInTheLastSecondOfTheLock(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        vm.warp(token.settlesAtOf(tokenId) - 1);
        _expectLocked(owner, tokenId);
        token.transferFrom(owner, _stranger(raw, owner), tokenId);
    }

    function test_letsTheOwnerTransferFromTheFirstSecondOn(Sheet memory sheet, address raw, uint256 later) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        vm.warp(_now() + _between(later, 0, 10_000 days));
        address to = _stranger(raw, owner);
        vm.expectEmit(address(token));
        emit IERC721.Transfer(owner, to, tokenId);
        vm.prank(owner);
        token.transferFrom(owner, to, tokenId);
        vm.assertEq(token.ownerOf(tokenId), to, "owner");
        vm.assertEq(token.balanceOf(owner), 0, "balance before");
        vm.assertEq(token.balanceOf(to), 1, "balance after");
    }

    function test_letsAnAccountTransferThatWasApprovedWhileTheTokenWasBound(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        token.approve(friend, tokenId);
        vm.warp(token.settlesAtOf(tokenId));
        vm.prank(friend);
        token.transferFrom(owner, friend, tokenId);
        vm.assertEq(token.ownerOf(tokenId), friend, "owner");
        vm.assertEq(token.getApproved(tokenId), address(0), "approved");
    }

    function test_keepsTheTokenSettledInNewHands(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.prank(owner);
        token.transferFrom(owner, _stranger(raw, owner), tokenId);
        vm.assertEq(token.settlesAtOf(tokenId), settlesAt, "settlesAt");
        _expectVoidSkip(tokenId, 1, IPrintEditions.VoidSkipReason.Settled);
    }

    function test_worksWhileMintsArePaused(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _pause();
        address to = _stranger(raw, owner);
        vm.prank(owner);
        token.transferFrom(owner, to, tokenId);
        vm.assertEq(token.ownerOf(tokenId), to, "owner");
    }

    function test_refusesAStranger(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address stranger = _stranger(raw, owner);
        _expectRefusal(stranger, abi.encodeWithSelector(IToken.NotOwnerNorApproved.selector));
        token.transferFrom(owner, stranger, tokenId);
        _expectRefusal(stranger, abi.encodeWithSelector(IToken.NotOwnerNorApproved.selector));
        token.approve(stranger, tokenId);
    }

    function test_refusesAWrongFormerOwner(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address wrong = _stranger(raw, owner);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferFromIncorrectOwner.selector));
        token.transferFrom(wrong, wrong, tokenId);
    }

    function test_refusesTheZeroAddress(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferToZeroAddress.selector));
        token.transferFrom(owner, address(0), tokenId);
    }

    function test_refusesThisContractWhichCouldNeverGiveTheTokenBack(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _expectRefusal(owner, abi.encodeWithSelector(IPrintEditions.TransferToThisContract.selector, tokenId));
        token.transferFrom(owner, address(token), tokenId);
    }

    function test_refusesASafeTransferToAContractThatDoesNotAnswer(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address deaf = address(new Deaf());
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferToNonERC721ReceiverImplementer.selector));
        token.safeTransferFrom(owner, deaf, tokenId);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TransferToNonERC721ReceiverImplementer.selector));
        token.safeTransferFrom(owner, deaf, tokenId, "");
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_refusesUnissuedIdsAndTombstones(Sheet memory sheet, address raw, uint256 unissued) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        vm.assume(unissued != tokenId);
        address to = _stranger(raw, owner);
        _void(tokenId);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.transferFrom(owner, to, tokenId);
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.transferFrom(owner, to, unissued);
    }

    function test_refusesValueInEveryPayableFunction(Sheet memory sheet, address raw, uint256 value) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address to = _stranger(raw, owner);
        value = _between(value, 1, type(uint128).max);
        _assertValueRefused(owner, value, abi.encodeCall(IERC721.approve, (to, tokenId)));
        _assertValueRefused(owner, value, abi.encodeCall(IERC721.transferFrom, (owner, to, tokenId)));
        _assertValueRefused(owner, value, abi.encodeWithSelector(SAFE, owner, to, tokenId));
        _assertValueRefused(owner, value, abi.encodeWithSelector(SAFE_WITH_DATA, owner, to, tokenId, ""));
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_refusesPlainEther(uint256 value, bytes memory data) public {
        value = _between(value, 1, type(uint128).max);
        vm.deal(address(this), value);
        (bool accepted,) = address(token).call{value: value}(data);
        vm.assertFalse(accepted, "accepted");
    }

    function _assertValueRefused(address caller, uint256 value, bytes memory call) private {
        vm.deal(caller, value);
        vm.prank(caller);
        (bool accepted, bytes memory answer) = address(token).call{value: value}(call);
        vm.assertFalse(accepted, "accepted");
        bytes memory expected = abi.encodeWithSelector(IPrintEditions.ValueNotAccepted.selector, value);
        vm.assertEq(keccak256(answer), keccak256(expected), "error");
    }

    function _expectLocked(address caller, uint256 tokenId) private {
        uint256 settlesAt = token.settlesAtOf(tokenId);
        _expectRefusal(caller, abi.encodeWithSelector(IPrintEditions.TokenLocked.selector, tokenId, settlesAt));
    }
}

contract Deaf {
    fallback() external {}
}
