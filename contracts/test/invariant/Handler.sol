// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {IToken} from "../harness/IToken.sol";
import {vm} from "../harness/Vm.sol";
import {Ledger} from "./Ledger.sol";

/// @notice Everybody's acts at random, in a world small enough for them to meet: 3 editions of up to 3 serials, issues 0
/// to 3, 4 holders besides the vault.
contract Handler is Ledger {
    struct Cast {
        address admin;
        address curator;
        address minter;
        address registrar;
        address pauser;
        address vault;
    }

    Cast private _cast;
    /// @dev The highest cap that was set in the hour, or was in force when it began.
    mapping(uint256 hour => uint256) public highestCap;

    constructor(IToken token, Cast memory cast_) Ledger(token) {
        _cast = cast_;
        _noteCap();
    }

    modifier replayed() {
        vm.recordLogs();
        _noteCap();
        _;
        _noteCap();
        _replay(vm.getRecordedLogs());
    }

    function openEdition(uint256 edition, IPrintEditions.EditionTerms memory terms) external replayed {
        terms.serials = uint16(1 + terms.serials % 3);
        terms.royaltyBasisPoints %= 10_001;
        vm.prank(_cast.curator);
        try TOKEN.openEdition(1 + edition % 3, terms) {} catch {}
    }

    function mint(uint256[4] memory picks, address[4] memory recipients, uint256[4] memory locks) external replayed {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](4);
        for (uint256 i; i < 4; ++i) {
            uint64 settlesAt = uint64(vm.getBlockTimestamp() + locks[i] % 95 days);
            items[i] = IPrintEditions.MintItem(_anyId(picks[i]), _holder(uint160(recipients[i])), settlesAt);
        }
        bool paused = TOKEN.paused();
        uint256 before = live;
        vm.prank(_cast.minter);
        try TOKEN.mint(items) {
            vm.assertFalse(paused, "no mint while paused");
        } catch {
            vm.assertTrue(paused, "only a pause stops a minter");
        }
        vm.assertEq(live, before, "the ledger moves by events alone");
    }

    function void(uint256[3] memory picks, uint8[3] memory reasons) external replayed {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](3);
        for (uint256 i; i < 3; ++i) {
            items[i] = IPrintEditions.VoidItem(_anyId(picks[i]), reasons[i] % 10);
        }
        vm.prank(_cast.registrar);
        TOKEN.void(items);
    }

    function settle(uint256[2] memory picks) external replayed {
        vm.prank(_cast.registrar);
        TOKEN.settle(_pair(picks));
    }

    function announceUnlocked(address caller, uint256[2] memory picks) external replayed {
        vm.prank(caller);
        TOKEN.announceUnlocked(_pair(picks));
    }

    function surrender(uint256 pick, uint256 who) external replayed {
        uint256 tokenId = _anyId(pick);
        address caller = who % 4 == 0 ? _holder(who / 4) : ownerOf[tokenId];
        bool allowed = caller != address(0) && caller == ownerOf[tokenId];
        vm.prank(caller);
        try TOKEN.surrender(tokenId) {
            vm.assertTrue(allowed, "only the owner surrenders");
        } catch {
            vm.assertFalse(allowed, "nothing stops an owner");
        }
    }

    function transfer(uint256 pick, uint256 who, uint256 to) external replayed {
        uint256 tokenId = _anyId(pick);
        address owner = ownerOf[tokenId];
        address caller = who % 4 == 0 ? _holder(who / 4) : owner;
        bool allowed = owner != address(0) && caller == owner && vm.getBlockTimestamp() >= TOKEN.settlesAtOf(tokenId);
        vm.prank(caller);
        try TOKEN.transferFrom(owner, _holder(to), tokenId) {
            vm.assertTrue(allowed, "only the owner of a settled token transfers it");
        } catch {
            vm.assertFalse(allowed, "nothing stops the owner of a settled token");
        }
    }

    function release(uint256 pick, uint256 to) external replayed {
        vm.prank(_cast.vault);
        try TOKEN.release(_anyId(pick), _holder(to)) {} catch {}
    }

    function pause(bool paused) external replayed {
        if (paused == TOKEN.paused()) return;
        vm.prank(paused ? _cast.pauser : _cast.admin);
        if (paused) TOKEN.pause();
        else TOKEN.unpause();
    }

    function setCap(uint256 cap) external replayed {
        vm.prank(_cast.admin);
        TOKEN.setHourlyMintCap(uint32(cap % 9));
    }

    function wait(uint256 time) external replayed {
        // Mostly minutes, so that hours fill up; sometimes weeks, so that tokens settle.
        uint256 longest = time % 5 == 0 ? 40 days : 30 minutes;
        vm.warp(vm.getBlockTimestamp() + time % longest);
    }

    function intrude(address caller, uint256 pick) external replayed {
        if (caller == _cast.minter || caller == _cast.registrar || caller == _cast.curator) return;
        IPrintEditions.MintItem[] memory mints = new IPrintEditions.MintItem[](1);
        mints[0] = IPrintEditions.MintItem(_anyId(pick), caller, 0);
        vm.prank(caller);
        try TOKEN.mint(mints) {
            vm.assertTrue(false, "only the minter mints");
        } catch {}
        vm.prank(caller);
        try TOKEN.settle(_pair([pick, pick])) {
            vm.assertTrue(false, "only the registrar settles");
        } catch {}
    }

    /// @dev Approvals given while a token is locked or free, and used by the approved.
    function transferByFriend(uint256 pick, uint256 friendPick, bool forAll) external replayed {
        uint256 tokenId = _anyId(pick);
        address owner = ownerOf[tokenId];
        address friend = address(uint160(0xf0 + friendPick % 2));
        if (owner == address(0)) return;
        vm.prank(owner);
        if (forAll) TOKEN.setApprovalForAll(friend, true);
        else TOKEN.approve(friend, tokenId);
        bool free = vm.getBlockTimestamp() >= TOKEN.settlesAtOf(tokenId);
        vm.prank(friend);
        try TOKEN.transferFrom(owner, _holder(friendPick), tokenId) {
            vm.assertTrue(free, "an approval opens no lock");
        } catch {
            vm.assertFalse(free, "nothing stops the approved of a settled token");
        }
    }

    /// @dev No function keeps ether, whichever is called and whatever else it would do.
    function sendValue(bytes4 anySelector, uint256 pick, uint96 value, bytes memory rest) external replayed {
        bytes4[5] memory known = [
            IERC721.approve.selector,
            IERC721.transferFrom.selector,
            bytes4(keccak256("safeTransferFrom(address,address,uint256)")),
            bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)")),
            IPrintEditions.mint.selector
        ];
        bytes4 selector = pick % 6 == 5 ? anySelector : known[pick % 6];
        uint256 tokenId = _anyId(pick / 6);
        address owner = ownerOf[tokenId];
        bytes memory call = abi.encodePacked(selector, abi.encode(owner, _holder(pick), tokenId, 128, rest));
        vm.deal(owner, uint256(value) + 1);
        vm.prank(owner);
        (bool accepted,) = address(TOKEN).call{value: uint256(value) + 1}(call);
        vm.assertFalse(accepted, "ether was taken");
    }

    function _noteCap() private {
        uint256 hour = vm.getBlockTimestamp() / 1 hours;
        uint256 cap = TOKEN.hourlyMintCap();
        if (cap > highestCap[hour]) highestCap[hour] = cap;
    }

    function _anyId(uint256 pick) private pure returns (uint256) {
        uint256 issue = pick / 20 % 2 == 0 ? 0 : pick / 40 % 4;
        return (1 + pick % 4) * 1_000_000 + (pick / 4 % 5) * 100 + issue;
    }

    function _pair(uint256[2] memory picks) private pure returns (uint256[] memory list) {
        list = new uint256[](2);
        list[0] = _anyId(picks[0]);
        list[1] = _anyId(picks[1]);
    }

    function _holder(uint256 pick) private view returns (address) {
        if (pick % 5 == 4) return _cast.vault;
        return address(uint160(0xb0b0 + pick % 5));
    }
}
