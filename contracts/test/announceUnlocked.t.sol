// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {vm} from "./harness/Vm.sol";

contract AnnounceUnlockedTest is EditionsTest {
    function test_emitsUnlockedForAnyCaller(Sheet memory sheet, address caller, uint256 later) public {
        (uint256 tokenId,) = _settledSheet(sheet);
        vm.warp(_now() + _between(later, 0, 10_000 days));
        vm.expectEmit(address(token));
        emit IPrintEditions.Unlocked(tokenId);
        vm.prank(caller);
        token.announceUnlocked(_list(tokenId));
    }

    function test_doesSoOnceForEver(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        token.announceUnlocked(_list(tokenId));
        address next = _stranger(raw, owner);
        vm.prank(owner);
        token.transferFrom(owner, next, tokenId);
        vm.assertEq(_announced(_list(tokenId)), 0, "second announcement");
    }

    function test_passesOverABoundToken(Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        vm.warp(token.settlesAtOf(tokenId) - 1);
        vm.assertEq(_announced(_list(tokenId)), 0, "announcement");
        vm.assertTrue(token.locked(tokenId), "locked");
    }

    function test_passesOverATokenThatWasSettledEarly(Sheet memory sheet, uint256 later) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        _settle(tokenId);
        vm.warp(_now() + _between(later, 0, 10_000 days));
        vm.assertEq(_announced(_list(tokenId)), 0, "announcement");
    }

    function test_passesOverAnIdWithoutAnOwner(Sheet memory sheet, uint256 unissued) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        vm.assume(unissued != tokenId);
        _void(tokenId);
        vm.warp(_now() + 91 * DAY);
        vm.assertEq(_announced(_list(tokenId)), 0, "tombstone");
        vm.assertEq(_announced(_list(unissued)), 0, "unissued");
        _assertStatus(unissued, IPrintEditions.TokenStatus.Unissued);
    }

    function test_passesOverTheSecondOfTwoEqualIds(Sheet memory sheet) public {
        (uint256 tokenId,) = _settledSheet(sheet);
        uint256[] memory ids = new uint256[](2);
        ids[0] = tokenId;
        ids[1] = tokenId;
        vm.assertEq(_announced(ids), 1, "announcements");
    }

    function test_changesNothingElse(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        token.announceUnlocked(_list(tokenId));
        vm.assertEq(token.settlesAtOf(tokenId), settlesAt, "settlesAt");
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.assertFalse(token.wasReleased(tokenId), "released");
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Settled);
    }

    function _announced(uint256[] memory ids) private returns (uint256) {
        vm.recordLogs();
        token.announceUnlocked(ids);
        return vm.getRecordedLogs().length;
    }
}
