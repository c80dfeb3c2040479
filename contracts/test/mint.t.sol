// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract MintTest is EditionsTest {
    function test_refusesACallerWhoIsNoMinter(address raw, Sheet memory sheet) public {
        address caller = _stranger(raw, address(0));
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _expectNoRole(caller, token.MINTER_ROLE());
        token.mint(_list(IPrintEditions.MintItem(tokenId, owner, 0)));
    }

    function test_refusesToMintWhilePaused(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _pause();
        _expectRefusal(MINTER, abi.encodeWithSelector(IPrintEditions.EnforcedPause.selector));
        token.mint(_list(IPrintEditions.MintItem(tokenId, owner, 0)));

        vm.prank(ADMIN);
        token.unpause();
        _mint(owner, tokenId);
    }

    function test_takesAnEmptyList() public {
        vm.recordLogs();
        _mint(new IPrintEditions.MintItem[](0));
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    function test_makesTheRecipientTheOwnerOfALockedToken(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);

        vm.expectEmit(address(token));
        emit IERC721.Transfer(address(0), owner, tokenId);
        vm.expectEmit(address(token));
        emit IPrintEditions.Locked(tokenId);
        _mint(owner, tokenId);

        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.assertEq(token.balanceOf(owner), 1, "balance");
        vm.assertTrue(token.locked(tokenId), "locked");
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Bound);
    }

    function test_storesTheSettlingTimeThatWasAskedFor(Sheet memory sheet, uint256 wait) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        uint256 settlesAt = _now() + _between(wait, 24 hours, 90 days);
        _mint(owner, tokenId, settlesAt);
        vm.assertEq(token.settlesAtOf(tokenId), settlesAt, "settlesAt");
    }

    function test_storesOneDayAheadWhenAnEarlierSettlingTimeWasAskedFor(Sheet memory sheet, uint256 early) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _mint(owner, tokenId, _between(early, 0, _now() + 24 hours - 1));
        vm.assertEq(token.settlesAtOf(tokenId), _now() + 24 hours, "settlesAt");
    }

    function test_doesNotCallTheRecipient(Sheet memory sheet) public {
        (uint256 tokenId,) = _openSheet(sheet);
        address grumpy = address(new Grumpy());
        _mint(grumpy, tokenId);
        vm.assertEq(token.ownerOf(tokenId), grumpy, "owner");
    }

    function test_mintsTheIssueAfterAVoidedOne(Sheet memory sheet, uint256 rawIssue) public {
        (uint256 first, address owner) = _openSheet(sheet);
        uint256 tokenId = _nextIssue(first, _between(rawIssue, 1, 99));
        _mint(owner, tokenId);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_mintsTheIssueAfterASurrenderedOne(Sheet memory sheet, bool settled) public {
        (uint256 tokenId, address owner) = settled ? _settledSheet(sheet) : _boundSheet(sheet);
        vm.prank(owner);
        token.surrender(tokenId);
        _mint(owner, tokenId + 1);
        vm.assertEq(token.ownerOf(tokenId + 1), owner, "owner");
    }

    function test_skipsAnIdThatLives(Sheet memory sheet, address other, bool settled) public {
        (uint256 tokenId, address owner) = settled ? _settledSheet(sheet) : _boundSheet(sheet);
        _expectMintSkip(_recipient(other), tokenId, IPrintEditions.MintSkipReason.AlreadyIssued);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    function test_skipsATombstone(Sheet memory sheet, bool surrendered, uint256 later) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        if (surrendered) {
            vm.prank(owner);
            token.surrender(tokenId);
        } else {
            _void(tokenId);
        }
        vm.warp(_now() + _between(later, 0, 10_000 days));
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.Tombstone);
    }

    function test_skipsAnEditionThatIsNotOpen(Sheet memory sheet, uint256 raw, uint256 serial) public {
        (uint256 open, address owner) = _openSheet(sheet);
        uint256 edition = _between(raw, 0, 999_999_999);
        vm.assume(edition != open / 1_000_000);
        uint256 tokenId = _id(edition, _between(serial, 1, 9_999), 0);
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.UnknownSerial);
    }

    function test_skipsSerialZero(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        tokenId = _id(tokenId / 1_000_000, 0, 0);
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.UnknownSerial);
    }

    function test_skipsASerialBeyondTheEdition(uint256 edition, uint256 serials, uint256 serial, address owner) public {
        edition = _between(edition, 1, 999_999_999);
        serials = _between(serials, 1, 9_998);
        _open(edition, serials);
        uint256 tokenId = _id(edition, _between(serial, serials + 1, 9_999), 0);
        _expectMintSkip(_recipient(owner), tokenId, IPrintEditions.MintSkipReason.UnknownSerial);
    }

    function test_skipsAnIdBeyondTheLastEdition(Sheet memory sheet, uint256 raw) public {
        (, address owner) = _openSheet(sheet);
        uint256 tokenId = _between(raw, 1e15, type(uint256).max);
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.UnknownSerial);
    }

    function test_skipsAnIssueWhosePredecessorIsUnissued(Sheet memory sheet, uint256 issue) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        tokenId += _between(issue, 1, 99);
        _expectMintSkip(owner, tokenId, IPrintEditions.MintSkipReason.PredecessorLive);
    }

    function test_skipsAnIssueWhosePredecessorLives(Sheet memory sheet, uint256 issue, bool settled) public {
        (uint256 first, address owner) = _openSheet(sheet);
        uint256 tokenId = _nextIssue(first, _between(issue, 0, 98));
        _mint(owner, tokenId);
        if (settled) _settle(tokenId);
        _expectMintSkip(owner, tokenId + 1, IPrintEditions.MintSkipReason.PredecessorLive);
    }

    function test_skipsTheZeroAddressAsRecipient(Sheet memory sheet) public {
        (uint256 tokenId,) = _openSheet(sheet);
        _expectMintSkip(address(0), tokenId, IPrintEditions.MintSkipReason.BadRecipient);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }

    function test_skipsTheContractItselfAsRecipient(Sheet memory sheet) public {
        (uint256 tokenId,) = _openSheet(sheet);
        _expectMintSkip(address(token), tokenId, IPrintEditions.MintSkipReason.BadRecipient);
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }

    function test_skipsALockOfMoreThanNinetyDays(Sheet memory sheet, uint256 wait) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        uint256 settlesAt = _between(wait, _now() + 90 days + 1, type(uint64).max);
        IPrintEditions.MintSkipReason reason = _tryMint(owner, tokenId, settlesAt);
        vm.assertEq(uint256(reason), uint256(IPrintEditions.MintSkipReason.BadSettlesAt), "skip reason");
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }
}

contract Grumpy {
    fallback() external {
        revert("nobody calls me");
    }
}
