// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {Vm, vm} from "./harness/Vm.sol";

contract SettleTest is EditionsTest {
    function test_refusesACallerWhoIsNoRegistrar(address raw, Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        address caller = _stranger(raw, address(0));
        _expectNoRole(caller, token.REGISTRAR_ROLE());
        token.settle(_list(tokenId));
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Bound);
    }

    function test_settlesTheTokenNowAndEmitsUnlocked(Sheet memory sheet, uint256 wait) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        vm.warp(_between(wait, _now(), token.settlesAtOf(tokenId) - 1));
        vm.expectEmit(address(token));
        emit IPrintEditions.Unlocked(tokenId);
        _settle(tokenId);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Settled);
        vm.assertEq(token.settlesAtOf(tokenId), _now(), "settlesAt");
        vm.assertFalse(token.locked(tokenId), "locked");
    }

    function test_settlesForGood(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        _settle(tokenId);
        address next = _stranger(raw, owner);
        vm.prank(owner);
        token.transferFrom(owner, next, tokenId);
        vm.assertEq(token.ownerOf(tokenId), next, "owner");
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Settled);
    }

    function test_worksWhileMintsArePaused(Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        _pause();
        _settle(tokenId);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Settled);
    }

    function test_skipsAnUnissuedId(uint256 tokenId) public {
        _expectSettleSkip(tokenId, IPrintEditions.SettleSkipReason.Unissued);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }

    function test_skipsATombstone(Sheet memory sheet, bool surrendered) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        if (surrendered) {
            vm.prank(owner);
            token.surrender(tokenId);
        } else {
            _void(tokenId);
        }
        _expectSettleSkip(tokenId, IPrintEditions.SettleSkipReason.Tombstone);
    }

    function test_skipsATokenThatWasSettledEarly(Sheet memory sheet, uint256 later) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        _settle(tokenId);
        uint256 settledAt = _now();
        vm.warp(settledAt + _between(later, 0, 10_000 days));
        _expectSettleSkip(tokenId, IPrintEditions.SettleSkipReason.AlreadySettled);
        vm.assertEq(token.settlesAtOf(tokenId), settledAt, "settlesAt");
    }

    function test_doesNotMoveTheTimeOfATokenThatTimeHasSettled(Sheet memory sheet, uint256 later) public {
        (uint256 tokenId,) = _settledSheet(sheet);
        uint256 settledAt = _now();
        vm.warp(settledAt + _between(later, 0, 10_000 days));
        _expectSettleSkip(tokenId, IPrintEditions.SettleSkipReason.AlreadySettled);
        vm.assertEq(token.settlesAtOf(tokenId), settledAt, "settlesAt");
    }

    function test_answersEachIdOnce(uint256[10] memory raw) public {
        _open(12, 5);
        for (uint256 serial = 1; serial <= 3; ++serial) {
            _mint(_account("buyer"), _id(12, serial, 0));
        }
        uint256[] memory ids = new uint256[](raw.length);
        for (uint256 i; i < raw.length; ++i) {
            ids[i] = _id(12, raw[i] % 7, raw[i] % 2);
        }
        vm.recordLogs();
        vm.prank(REGISTRAR);
        token.settle(ids);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, ids.length, "events");
        for (uint256 i; i < ids.length; ++i) {
            bool settled = logs[i].topics[0] == IPrintEditions.Unlocked.selector;
            if (!settled) vm.assertEq(logs[i].topics[0], IPrintEditions.SettleSkipped.selector, "answer");
            uint256 tokenId = settled ? abi.decode(logs[i].data, (uint256)) : uint256(logs[i].topics[1]);
            vm.assertEq(tokenId, ids[i], "answers stand in the order of the ids");
        }
    }
}
