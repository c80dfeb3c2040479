// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {Vm, vm} from "./harness/Vm.sol";

contract MintBatchTest is EditionsTest {
    uint256 private constant EDITION = 12;
    uint256 private constant SERIALS = 100;

    function setUp() public override {
        super.setUp();
        _open(EDITION, SERIALS);
    }

    function test_answersEachItemOnceAndLetsTheBadOnesNotSpoilTheGood(uint256[12] memory ids, uint256 seed) public {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            bool good = (seed >> i) & 1 == 0;
            // Serials from 0 to 1 beyond the last, issues 0 and 1: some good, some bad, some twice.
            uint256 tokenId = _id(EDITION, ids[i] % (SERIALS + 2), ids[i] % 7 == 0 ? 1 : 0);
            items[i] = IPrintEditions.MintItem(tokenId, good ? _account("buyer") : address(0), 0);
        }
        vm.recordLogs();
        _mint(items);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        uint256 next;
        for (uint256 i; i < items.length; ++i) {
            bool minted = logs[next].topics[0] == IERC721.Transfer.selector;
            uint256 tokenId = uint256(logs[next].topics[minted ? 3 : 1]);
            vm.assertEq(tokenId, items[i].tokenId, "the answers stand in the order of the items");
            if (!minted) vm.assertEq(logs[next].topics[0], IPrintEditions.MintSkipped.selector, "answer");
            next += minted ? 2 : 1; // Locked follows Transfer
        }
        vm.assertEq(next, logs.length, "events");
    }

    function test_skipsTheSecondOfTwoEqualIds(address first, address second, uint256 serial) public {
        uint256 tokenId = _serial(serial);
        first = _recipient(first);
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](2);
        items[0] = IPrintEditions.MintItem(tokenId, first, 0);
        items[1] = IPrintEditions.MintItem(tokenId, _recipient(second), 0);
        vm.expectEmit(address(token));
        emit IPrintEditions.MintSkipped(tokenId, IPrintEditions.MintSkipReason.AlreadyIssued);
        _mint(items);
        vm.assertEq(token.ownerOf(tokenId), first, "owner");
    }

    function test_skipsTheNextIssueOfASheetInTheSameCall(address first, address second, uint256 serial) public {
        uint256 tokenId = _serial(serial);
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](2);
        items[0] = IPrintEditions.MintItem(tokenId, _recipient(first), 0);
        items[1] = IPrintEditions.MintItem(tokenId + 1, _recipient(second), 0);
        vm.expectEmit(address(token));
        emit IPrintEditions.MintSkipped(tokenId + 1, IPrintEditions.MintSkipReason.PredecessorLive);
        _mint(items);
        _assertStatus(tokenId + 1, IPrintEditions.TokenStatus.Unissued);
    }

    function test_givesTheFirstReasonThatHolds(uint256 serial) public {
        // Each id has one fault more in front of those that the one before it had.
        _setCap(0);
        uint256 tooLate = type(uint64).max;
        uint256 tokenId = _serial(serial);
        address buyer = _account("buyer");
        _expectReason(buyer, tokenId, 0, IPrintEditions.MintSkipReason.CapReached);
        _expectReason(buyer, tokenId, tooLate, IPrintEditions.MintSkipReason.BadSettlesAt);
        _expectReason(address(0), tokenId, tooLate, IPrintEditions.MintSkipReason.BadRecipient);
        _expectReason(address(0), tokenId + 1, tooLate, IPrintEditions.MintSkipReason.PredecessorLive);
        uint256 unknown = _id(EDITION, SERIALS + 1, 1);
        _expectReason(address(0), unknown, tooLate, IPrintEditions.MintSkipReason.UnknownSerial);
        _setCap(1);
        _mint(buyer, tokenId);
        _expectReason(address(0), tokenId, tooLate, IPrintEditions.MintSkipReason.AlreadyIssued);
        _void(tokenId);
        _expectReason(address(0), tokenId, tooLate, IPrintEditions.MintSkipReason.Tombstone);
    }

    function test_skipsWhatExceedsTheCap(uint256 rawCap, uint256 rawCount) public {
        uint256 cap = _between(rawCap, 0, 20);
        uint256 count = _between(rawCount, 0, 25);
        _setCap(cap);
        uint256 minted = count < cap ? count : cap;
        vm.assertEq(_mintMany(1, count), minted, "minted");
        vm.assertEq(token.mintsLeftThisHour(), cap - minted, "left");
        for (uint256 i; i < count; ++i) {
            _assertStatus(
                _id(EDITION, 1 + i, 0), i < cap ? IPrintEditions.TokenStatus.Bound : IPrintEditions.TokenStatus.Unissued
            );
        }
    }

    function test_countsOnlyWhatWasMinted(uint256 rawSkips) public {
        _setCap(10);
        uint256 skips = _between(rawSkips, 1, 30);
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](skips + 1);
        for (uint256 i; i < skips; ++i) {
            items[i] = IPrintEditions.MintItem(_id(EDITION, 1 + i, 0), address(0), 0);
        }
        items[skips] = IPrintEditions.MintItem(_id(EDITION, 50, 0), _account("buyer"), 0);
        _mint(items);
        vm.assertEq(token.mintsLeftThisHour(), 9, "left");
    }

    function test_countsAllMintersTogether(address raw, uint256 rawFirst) public {
        address second = _stranger(raw, address(0));
        bytes32 role = token.MINTER_ROLE();
        vm.prank(ADMIN);
        token.grantRole(role, second);
        _setCap(10);
        uint256 first = _between(rawFirst, 0, 10);
        _mintMany(1, first);

        vm.recordLogs();
        vm.prank(second);
        token.mint(_items(50, 12));
        uint256 minted = _count(vm.getRecordedLogs(), IERC721.Transfer.selector);
        vm.assertEq(first + minted, 10, "minted by both");
    }

    function test_startsFromZeroAtTheNextClockHour(uint256 rawHour, uint256 within, uint256 jump) public {
        _setCap(5);
        uint256 hour = _between(rawHour, 500_000, 1_000_000);
        vm.warp(hour * 1 hours + _between(within, 0, 3_599));
        vm.assertEq(_mintMany(1, 6), 5, "first hour");
        vm.warp(hour * 1 hours + 3_599);
        vm.assertEq(_mintMany(10, 6), 0, "last second of that hour");
        vm.warp((hour + _between(jump, 1, 1_000)) * 1 hours);
        vm.assertEq(token.mintsLeftThisHour(), 5, "left in the new hour");
        vm.assertEq(_mintMany(20, 6), 5, "first second of a later hour");
    }

    function test_obeysACapThatWasLoweredWithinTheHour(uint256 rawMinted, uint256 rawCap) public {
        uint256 minted = _between(rawMinted, 1, 20);
        uint256 cap = _between(rawCap, 0, minted);
        _mintMany(1, minted);
        _setCap(cap);
        vm.assertEq(token.mintsLeftThisHour(), 0, "left");
        vm.assertEq(_mintMany(50, 3), 0, "minted after");
    }

    function _serial(uint256 raw) private pure returns (uint256) {
        return _id(EDITION, _between(raw, 1, SERIALS), 0);
    }

    function _items(uint256 firstSerial, uint256 count) private pure returns (IPrintEditions.MintItem[] memory items) {
        items = new IPrintEditions.MintItem[](count);
        for (uint256 i; i < count; ++i) {
            items[i] = IPrintEditions.MintItem(_id(EDITION, firstSerial + i, 0), _account("buyer"), 0);
        }
    }

    function _mintMany(uint256 firstSerial, uint256 count) private returns (uint256 minted) {
        vm.recordLogs();
        _mint(_items(firstSerial, count));
        return _count(vm.getRecordedLogs(), IERC721.Transfer.selector);
    }

    function _expectReason(address to, uint256 tokenId, uint256 settlesAt, IPrintEditions.MintSkipReason expected)
        private
    {
        vm.assertEq(uint256(_tryMint(to, tokenId, settlesAt)), uint256(expected), "first reason");
    }
}
