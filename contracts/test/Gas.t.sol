// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {vm} from "./harness/Vm.sol";

/// @notice What the acts of the issuer cost as transactions of their own, kept in snapshots/PrintEditions.json. The hour
/// has had a mint before, as in a day's work.
/// forge-config: default.isolate = true
contract GasTest is EditionsTest {
    uint256 private constant EDITION = 12;

    function setUp() public override {
        super.setUp();
        _open(EDITION, 2_000);
        _mint(_account("holder"), _id(EDITION, 1, 0));
    }

    function test_openEdition() public {
        _open(EDITION + 1, 2_000);
        _snap("openEdition");
    }

    function test_mintToAFreshRecipient() public {
        _mint(_items(2, 1, 0));
        _snap("mint, fresh recipient");
    }

    function test_mintToAHolder() public {
        _mint(_account("holder"), _id(EDITION, 2, 0));
        _snap("mint, a holder");
    }

    function test_mintTwenty() public {
        _mint(_items(2, 20, 0));
        _snap("mint, 20 fresh recipients");
    }

    function test_mintAHundred() public {
        _mint(_items(2, 100, 0));
        _snap("mint, 100 fresh recipients");
    }

    function test_mintTwentyNextIssues() public {
        _voidRange(2, 20, 0);
        _mint(_items(2, 20, 1));
        _snap("mint, 20 fresh recipients, next issues");
    }

    /// @dev The dearest items that there are: what a gas limit has to reckon with.
    function test_mintTwentyNextIssuesOfTwentyEditions() public {
        IPrintEditions.MintItem[] memory items = _items(2, 20, 1);
        for (uint256 i; i < items.length; ++i) {
            _open(100 + i, 1);
            _void(_id(100 + i, 1, 0));
            items[i].tokenId = _id(100 + i, 1, 1);
        }
        _mint(items);
        _snap("mint, 20 fresh recipients, next issues, 20 editions");
    }

    /// @dev The same for voids.
    function test_voidTwentyUnissuedOfTwentyEditions() public {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](20);
        for (uint256 i; i < items.length; ++i) {
            _open(100 + i, 1);
            _void(_id(100 + i, 1, 0));
            items[i] = IPrintEditions.VoidItem(_id(100 + i, 1, 1), 1);
        }
        _void(items);
        _snap("void, 20 unissued, next issues, 20 editions");
    }

    function test_voidBound() public {
        _mint(_items(2, 20, 0));
        _voidRange(2, 1, 0);
        _snap("void, bound");
        _voidRange(3, 19, 0);
        _snap("void, 19 bound");
    }

    function test_voidUnissued() public {
        _voidRange(2, 1, 0);
        _snap("void, unissued");
        _voidRange(3, 20, 0);
        _snap("void, 20 unissued");
        _voidRange(3, 20, 1);
        _snap("void, 20 unissued, next issues");
    }

    function test_settle() public {
        _mint(_items(2, 21, 0));
        _settle(_id(EDITION, 2, 0));
        _snap("settle");
        uint256[] memory ids = new uint256[](20);
        for (uint256 i; i < 20; ++i) {
            ids[i] = _id(EDITION, 3 + i, 0);
        }
        vm.prank(REGISTRAR);
        token.settle(ids);
        _snap("settle, 20");
    }

    function test_releaseAndTransfer() public {
        uint256 tokenId = _id(EDITION, 2, 0);
        _mint(VAULT, tokenId);
        _settle(tokenId);
        vm.prank(VAULT);
        token.release(tokenId, _account("buyer"));
        _snap("release");
        vm.prank(_account("buyer"));
        token.transferFrom(_account("buyer"), _account("friend"), tokenId);
        _snap("first transfer");
    }

    function test_surrender() public {
        vm.prank(_account("holder"));
        token.surrender(_id(EDITION, 1, 0));
        _snap("surrender");
    }

    function _items(uint256 firstSerial, uint256 count, uint256 issue)
        private
        view
        returns (IPrintEditions.MintItem[] memory items)
    {
        items = new IPrintEditions.MintItem[](count);
        for (uint256 i; i < count; ++i) {
            uint256 serial = firstSerial + i;
            address fresh = address(uint160(uint256(keccak256(abi.encode(serial)))));
            items[i] = IPrintEditions.MintItem(_id(EDITION, serial, issue), fresh, uint64(_now() + 35 * DAY));
        }
    }

    function _voidRange(uint256 firstSerial, uint256 count, uint256 issue) private {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](count);
        for (uint256 i; i < count; ++i) {
            items[i] = IPrintEditions.VoidItem(_id(EDITION, firstSerial + i, issue), 1);
        }
        _void(items);
    }

    function _snap(string memory name) private {
        vm.snapshotGasLastCall("PrintEditions", name);
    }
}
