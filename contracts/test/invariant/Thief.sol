// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {IToken} from "../harness/IToken.sol";
import {Vm, vm} from "../harness/Vm.sol";

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @notice Somebody with the minter's key and nothing else, who tries everything with it while time goes on.
contract Thief {
    IToken private immutable TOKEN;
    address private immutable KEY;

    struct Stolen {
        uint256 tokenId;
        uint256 mintedAt;
        uint256 settlesAt;
    }

    Stolen[] private _loot;
    mapping(uint256 hour => uint256) public mintedIn;

    constructor(IToken token, address key) {
        TOKEN = token;
        KEY = key;
    }

    function loot() external view returns (Stolen[] memory) {
        return _loot;
    }

    /// @dev Up to 12 items about sheets that exist and that do not; locks of any length that a number can say.
    function mint(uint256[12] memory picks, uint64[12] memory times, uint256 count) external {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](count % 13);
        for (uint256 i; i < items.length; ++i) {
            uint256 tokenId =
                1_000_000 * (1 + picks[i] % 3) + (picks[i] / 3 % 60) * 100 + (picks[i] / 180 % 9 == 0 ? 1 : 0);
            uint256 now_ = vm.getBlockTimestamp();
            uint64 time = picks[i] % 5 == 0 ? times[i] : uint64(now_ + times[i] % 91 days);
            items[i] = IPrintEditions.MintItem(tokenId, address(uint160(0xb0b0 + picks[i] % 4)), time);
        }
        vm.recordLogs();
        vm.prank(KEY);
        TOKEN.mint(items);
        _note(vm.getRecordedLogs());
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + time % (time % 7 == 0 ? 30 days : 40 minutes));
    }

    /// @dev Every function that asks for a role which the thief has not.
    function usurp(uint256 pick, bytes32 role, address friend, uint256 tokenId, uint32 number) external {
        uint256[] memory ids = new uint256[](1);
        ids[0] = _loot.length == 0 ? tokenId : _loot[tokenId % _loot.length].tokenId;
        IPrintEditions.VoidItem[] memory voids = new IPrintEditions.VoidItem[](1);
        voids[0] = IPrintEditions.VoidItem(ids[0], 1);
        bytes[13] memory calls = [
            abi.encodeCall(TOKEN.grantRole, (role, friend)),
            abi.encodeCall(TOKEN.grantRole, (TOKEN.MINTER_ROLE(), friend)),
            abi.encodeCall(TOKEN.revokeRole, (role, friend)),
            abi.encodeCall(TOKEN.beginDefaultAdminTransfer, (KEY)),
            abi.encodeCall(TOKEN.acceptDefaultAdminTransfer, ()),
            abi.encodeCall(TOKEN.changeDefaultAdminDelay, (number)),
            abi.encodeCall(TOKEN.setHourlyMintCap, (number)),
            abi.encodeCall(TOKEN.pause, ()),
            abi.encodeCall(TOKEN.unpause, ()),
            abi.encodeCall(TOKEN.settle, (ids)),
            abi.encodeCall(TOKEN.void, (voids)),
            abi.encodeCall(TOKEN.release, (ids[0], friend)),
            abi.encodeCall(TOKEN.setTokenBaseURI, ("https://thief.example/"))
        ];
        vm.prank(KEY);
        (bool done,) = address(TOKEN).call(calls[pick % calls.length]);
        vm.assertFalse(done, "a right beyond minting");
    }

    /// @dev Moving a token that is not the thief's own, or one that is locked.
    function rob(uint256 pick, address to) external {
        if (_loot.length == 0) return;
        uint256 tokenId = _loot[pick % _loot.length].tokenId;
        uint256 settlesAt = _loot[pick % _loot.length].settlesAt;
        address owner = TOKEN.ownerOf(tokenId);
        vm.prank(KEY);
        (bool moved,) = address(TOKEN).call(abi.encodeCall(IERC721.transferFrom, (owner, to, tokenId)));
        vm.assertFalse(moved, "somebody else's token moved");
        vm.prank(owner);
        (moved,) = address(TOKEN).call(abi.encodeCall(IERC721.transferFrom, (owner, address(0xb0b0), tokenId)));
        vm.assertTrue(moved == (vm.getBlockTimestamp() >= settlesAt), "the lock lasts as long as it said");
    }

    /// @dev Any bytes at all.
    function scribble(bytes memory call) external {
        if (bytes4(call) == IPrintEditions.mint.selector || bytes4(call) == TOKEN.renounceRole.selector) return;
        vm.prank(KEY);
        (bool done,) = address(TOKEN).call(call);
        done;
    }

    function _note(Vm.Log[] memory logs) private {
        uint256 time = vm.getBlockTimestamp();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IERC721.Transfer.selector) continue;
            uint256 tokenId = uint256(logs[i].topics[3]);
            _loot.push(Stolen(tokenId, time, TOKEN.settlesAtOf(tokenId)));
            ++mintedIn[time / 1 hours];
        }
    }
}
