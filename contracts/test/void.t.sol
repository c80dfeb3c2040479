// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {Vm, vm} from "./harness/Vm.sol";

contract VoidTest is EditionsTest {
    function test_refusesACallerWhoIsNoRegistrar(address raw, Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address caller = _stranger(raw, address(0));
        _expectNoRole(caller, token.REGISTRAR_ROLE());
        token.void(_list(IPrintEditions.VoidItem(tokenId, 1)));
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_voidsWhileMintsArePaused(Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        _pause();
        _void(tokenId);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Voided);
    }

    function test_leavesATombstoneWithoutAnOwner(Sheet memory sheet, uint256 rawReason) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        IPrintEditions.VoidReason reason = _reason(rawReason);
        vm.expectEmit(address(token));
        emit IERC721.Transfer(owner, address(0), tokenId);
        vm.expectEmit(address(token));
        emit IPrintEditions.Voided(tokenId, reason);
        _void(_list(IPrintEditions.VoidItem(tokenId, uint8(reason))));

        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Voided, reason, 0);
        vm.assertEq(token.balanceOf(owner), 0, "balance");
        vm.assertEq(token.settlesAtOf(tokenId), 0, "settlesAt");
        vm.expectRevert(abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.ownerOf(tokenId);
    }

    function test_voidsInTheLastSecondOfTheLock(Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        vm.warp(token.settlesAtOf(tokenId) - 1);
        _void(tokenId);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Voided);
    }

    function test_forgetsAnApproval(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        token.approve(friend, tokenId);
        _void(tokenId);
        _mint(owner, tokenId + 1);
        vm.assertEq(token.getApproved(tokenId + 1), address(0), "approved for the next issue");
        vm.expectRevert(abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.getApproved(tokenId);
    }

    function test_voidsTheFirstIssueBeforeItsMint(Sheet memory sheet, uint256 rawReason) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _assertVoidedUnissued(tokenId, owner, _reason(rawReason));
    }

    function test_voidsALaterIssueBeforeItsMint(Sheet memory sheet, uint256 rawIssue, uint256 rawReason) public {
        (uint256 first, address owner) = _openSheet(sheet);
        uint256 tokenId = _nextIssue(first, _between(rawIssue, 1, 98));
        _assertVoidedUnissued(tokenId, owner, _reason(rawReason));
    }

    function test_skipsATokenThatTimeHasSettled(Sheet memory sheet, uint256 later) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        vm.warp(_now() + _between(later, 0, 10_000 days));
        _expectVoidSkip(tokenId, 1, IPrintEditions.VoidSkipReason.Settled);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_skipsATokenThatWasSettledEarly(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        _settle(tokenId);
        _expectVoidSkip(tokenId, 1, IPrintEditions.VoidSkipReason.Settled);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_skipsATombstone(Sheet memory sheet, bool surrendered) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        if (surrendered) {
            vm.prank(owner);
            token.surrender(tokenId);
        } else {
            _void(tokenId);
        }
        (, IPrintEditions.VoidReason before,) = token.statusOf(tokenId);
        _expectVoidSkip(tokenId, uint8(IPrintEditions.VoidReason.Lost), IPrintEditions.VoidSkipReason.Tombstone);
        (, IPrintEditions.VoidReason reason,) = token.statusOf(tokenId);
        vm.assertEq(uint256(reason), uint256(before), "reason");
    }

    function test_skipsAnUnissuedIdOfAnUnknownSerial(Sheet memory sheet, uint256 raw) public {
        (uint256 open,) = _openSheet(sheet);
        uint256 edition = open / 1_000_000;
        uint256 serials = token.editionTerms(edition).serials;
        _expectVoidSkip(_id(edition, 0, 0), 1, IPrintEditions.VoidSkipReason.UnknownSerial);
        if (serials < 9_999) {
            uint256 beyond = _id(edition, _between(raw, serials + 1, 9_999), 0);
            _expectVoidSkip(beyond, 1, IPrintEditions.VoidSkipReason.UnknownSerial);
        }
        uint256 other = _between(raw, 0, type(uint256).max / 1_000_000 - 1);
        vm.assume(other != edition);
        _expectVoidSkip(_id(other, 1, 0), 1, IPrintEditions.VoidSkipReason.UnknownSerial);
    }

    function test_skipsAnUnissuedIdWhosePredecessorIsNoTombstone(Sheet memory sheet, uint256 issue, bool minted)
        public
    {
        (uint256 first, address owner) = _openSheet(sheet);
        if (minted) _mint(owner, first);
        uint256 tokenId = first + _between(issue, 1, 99);
        _expectVoidSkip(tokenId, 1, IPrintEditions.VoidSkipReason.PredecessorLive);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }

    function test_skipsAReasonThatIsNone(Sheet memory sheet, uint256 raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        uint256 beyond = _between(raw, uint256(type(IPrintEditions.VoidReason).max) + 1, 255);
        _expectVoidSkip(tokenId, 0, IPrintEditions.VoidSkipReason.BadReason);
        _expectVoidSkip(tokenId, beyond, IPrintEditions.VoidSkipReason.BadReason);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_skipsTheReasonThatBelongsToTheOwner(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        uint256 reason = uint256(IPrintEditions.VoidReason.Surrendered);
        _expectVoidSkip(tokenId, reason, IPrintEditions.VoidSkipReason.BadReason);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_answersEachItemOnceAndLetsTheBadOnesNotSpoilTheGood(uint256[10] memory ids, uint8[10] memory reasons)
        public
    {
        _open(12, 5);
        for (uint256 serial = 1; serial <= 3; ++serial) {
            _mint(_account("buyer"), _id(12, serial, 0), _now() + serial * 30 * DAY);
        }
        vm.warp(_now() + 45 * DAY); // the first of them is settled
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            items[i] = IPrintEditions.VoidItem(_id(12, ids[i] % 7, ids[i] % 3), reasons[i] % 10);
        }
        vm.recordLogs();
        _void(items);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        uint256 next;
        for (uint256 i; i < items.length; ++i) {
            if (logs[next].topics[0] == IERC721.Transfer.selector) {
                vm.assertEq(uint256(logs[next].topics[3]), items[i].tokenId, "burned id");
                ++next;
                vm.assertEq(logs[next].topics[0], IPrintEditions.Voided.selector, "after a burn");
            }
            bool voided = logs[next].topics[0] == IPrintEditions.Voided.selector;
            if (!voided) vm.assertEq(logs[next].topics[0], IPrintEditions.VoidSkipped.selector, "answer");
            vm.assertEq(uint256(logs[next].topics[1]), items[i].tokenId, "answers stand in the order of the items");
            ++next;
        }
        vm.assertEq(next, logs.length, "events");
    }

    function test_voidsARunOfIssuesInOneCall(Sheet memory sheet, uint256 rawIssue) public {
        (uint256 first,) = _openSheet(sheet);
        uint256 next = _nextIssue(first, _between(rawIssue, 1, 100));
        for (uint256 tokenId = first; tokenId < next; ++tokenId) {
            uint256 successor = tokenId + 1 < next ? tokenId + 1 : 0;
            _assertTombstone(tokenId, IPrintEditions.TokenStatus.Voided, IPrintEditions.VoidReason.Lost, successor);
        }
    }

    function _assertVoidedUnissued(uint256 tokenId, address owner, IPrintEditions.VoidReason reason) private {
        vm.recordLogs();
        _void(_list(IPrintEditions.VoidItem(tokenId, uint8(reason))));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "events");
        vm.assertEq(logs[0].topics[0], IPrintEditions.Voided.selector, "event");
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Voided, reason, 0);
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.Tombstone);
        _mint(owner, tokenId + 1);
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Voided, reason, tokenId + 1);
    }

    function _reason(uint256 raw) private pure returns (IPrintEditions.VoidReason) {
        return IPrintEditions.VoidReason(_between(raw, 1, uint256(IPrintEditions.VoidReason.Surrendered) - 1));
    }
}
