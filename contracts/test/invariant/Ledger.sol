// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {IToken} from "../harness/IToken.sol";
import {Vm, vm} from "../harness/Vm.sol";

/// @notice Rebuilds from the events alone what the contract knows, and checks each event against what came before it.
abstract contract Ledger {
    IToken public immutable TOKEN;

    uint256[] public ids;
    address[] public owners;
    mapping(uint256 tokenId => bool) private _seen;
    mapping(address owner => bool) private _seenOwner;

    mapping(uint256 tokenId => address) public ownerOf;
    mapping(uint256 tokenId => IPrintEditions.VoidReason) public reasonOf;
    mapping(uint256 tokenId => uint256) public mintsOf;
    mapping(uint256 tokenId => uint256) public unlocksOf;
    mapping(uint256 tokenId => uint256) public releasesOf;
    /// @dev The settling time that was read right after the mint.
    mapping(uint256 tokenId => uint256) public boundUntil;
    mapping(uint256 tokenId => bool) public wasSettled;
    mapping(uint256 edition => bytes32) public termsOf;
    mapping(uint256 hour => uint256) public mintedIn;
    uint256 public live;
    mapping(uint256 sheet => uint256) private _liveOf;
    mapping(uint256 edition => uint256) private _liveIn;

    constructor(IToken token) {
        TOKEN = token;
    }

    function idCount() external view returns (uint256) {
        return ids.length;
    }

    function ownerCount() external view returns (uint256) {
        return owners.length;
    }

    function _replay(Vm.Log[] memory logs) internal {
        for (uint256 i; i < logs.length; ++i) {
            Vm.Log memory entry = logs[i];
            bytes32 kind = entry.topics[0];
            if (kind == IERC721.Transfer.selector) {
                _moved(
                    address(uint160(uint256(entry.topics[1]))),
                    address(uint160(uint256(entry.topics[2]))),
                    uint256(entry.topics[3])
                );
            } else if (kind == IPrintEditions.EditionOpened.selector) {
                uint256 edition = uint256(entry.topics[1]);
                vm.assertEq(termsOf[edition], 0, "an edition opens once");
                termsOf[edition] = keccak256(entry.data);
            } else if (kind == IPrintEditions.Voided.selector) {
                uint256 tokenId = uint256(entry.topics[1]);
                vm.assertFalse(wasSettled[tokenId], "a settled token is never voided");
                _buried(tokenId, abi.decode(entry.data, (IPrintEditions.VoidReason)));
            } else if (kind == IPrintEditions.Surrendered.selector) {
                _buried(uint256(entry.topics[1]), IPrintEditions.VoidReason.Surrendered);
            } else if (kind == IPrintEditions.Unlocked.selector) {
                ++unlocksOf[abi.decode(entry.data, (uint256))];
            } else if (kind == IPrintEditions.Released.selector) {
                ++releasesOf[uint256(entry.topics[1])];
            }
        }
        for (uint256 i; i < ids.length; ++i) {
            (IPrintEditions.TokenStatus status,,) = TOKEN.statusOf(ids[i]);
            if (status == IPrintEditions.TokenStatus.Settled) wasSettled[ids[i]] = true;
        }
    }

    function _moved(address from, address to, uint256 tokenId) private {
        vm.assertEq(ownerOf[tokenId], from, "a token leaves its owner");
        if (from == address(0)) {
            _remember(tokenId);
            ++mintsOf[tokenId];
            ++live;
            ++mintedIn[vm.getBlockTimestamp() / 1 hours];
            boundUntil[tokenId] = TOKEN.settlesAtOf(tokenId);
        }
        if (to == address(0)) --live;
        _countOfSheet(tokenId, from, to);
        if (!_seenOwner[to] && to != address(0)) owners.push(to);
        _seenOwner[to] = true;
        ownerOf[tokenId] = to;
    }

    function _countOfSheet(uint256 tokenId, address from, address to) private {
        (uint256 sheet, uint256 edition) = (tokenId / 100, tokenId / 1_000_000);
        if (to == address(0)) {
            --_liveOf[sheet];
            --_liveIn[edition];
        }
        if (from != address(0)) return;
        vm.assertEq(++_liveOf[sheet], 1, "live tokens of a sheet");
        vm.assertLe(++_liveIn[edition], TOKEN.editionTerms(edition).serials, "live tokens of an edition");
    }

    function _buried(uint256 tokenId, IPrintEditions.VoidReason reason) private {
        _remember(tokenId);
        vm.assertEq(uint256(reasonOf[tokenId]), 0, "a tombstone is set once");
        vm.assertEq(ownerOf[tokenId], address(0), "a tombstone has no owner");
        reasonOf[tokenId] = reason;
    }

    function _remember(uint256 tokenId) private {
        if (!_seen[tokenId]) ids.push(tokenId);
        _seen[tokenId] = true;
    }
}
