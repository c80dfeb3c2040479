// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract SurrenderTest is EditionsTest {
    function test_refusesAStranger(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        _expectNotOwner(_stranger(raw, owner), tokenId);
        token.surrender(tokenId);
    }

    function test_refusesAnApprovedAccount(Sheet memory sheet, address raw, bool forAll) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        if (forAll) token.setApprovalForAll(friend, true);
        else token.approve(friend, tokenId);
        _expectNotOwner(friend, tokenId);
        token.surrender(tokenId);
    }

    function test_refusesTheRegistrar(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        vm.assume(owner != REGISTRAR);
        _expectNotOwner(REGISTRAR, tokenId);
        token.surrender(tokenId);
    }

    function test_refusesAnUnissuedId(uint256 tokenId, address caller) public {
        _expectRefusal(_stranger(caller, address(0)), abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.surrender(tokenId);
    }

    function test_refusesATombstone(Sheet memory sheet, bool surrendered) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        if (surrendered) {
            vm.prank(owner);
            token.surrender(tokenId);
        } else {
            _void(tokenId);
        }
        _expectRefusal(owner, abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.surrender(tokenId);
    }

    function test_turnsABoundTokenIntoATombstone(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        _assertSurrender(tokenId, owner);
    }

    function test_turnsASettledTokenIntoATombstone(Sheet memory sheet, bool early) public {
        (uint256 tokenId, address owner) = early ? _boundSheet(sheet) : _settledSheet(sheet);
        if (early) _settle(tokenId);
        _assertSurrender(tokenId, owner);
    }

    function test_worksForTheOneWhoReceivedTheTokenLater(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address next = _stranger(raw, owner);
        vm.prank(owner);
        token.transferFrom(owner, next, tokenId);
        _expectNotOwner(owner, tokenId);
        token.surrender(tokenId);
        _assertSurrender(tokenId, next);
    }

    function test_worksWhileMintsArePaused(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        _pause();
        _assertSurrender(tokenId, owner);
    }

    function _assertSurrender(uint256 tokenId, address owner) private {
        vm.expectEmit(address(token));
        emit IERC721.Transfer(owner, address(0), tokenId);
        vm.expectEmit(address(token));
        emit IPrintEditions.Surrendered(tokenId, owner);
        vm.prank(owner);
        token.surrender(tokenId);
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Surrendered, IPrintEditions.VoidReason.Surrendered, 0);
        vm.assertEq(token.balanceOf(owner), 0, "balance");
        vm.assertEq(token.settlesAtOf(tokenId), 0, "settlesAt");
    }

    function _expectNotOwner(address caller, uint256 tokenId) private {
        _expectRefusal(caller, abi.encodeWithSelector(IPrintEditions.NotTokenOwner.selector, tokenId, caller));
    }
}
