// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {EditionsTest} from "../harness/EditionsTest.sol";
import {vm} from "../harness/Vm.sol";
import {Thief} from "./Thief.sol";

/// @notice What a stolen minter key is worth: mints within the cap of the hour and the serials of an edition, each locked
/// for a day at least and for ninety at most. {Thief} insists besides that no other right can be had with it.
contract StolenMinterInvariantTest is EditionsTest {
    uint256 private constant SERIALS = 50;
    uint32 private constant SMALL_CAP = 7;

    Thief private _thief;

    function setUp() public override {
        super.setUp();
        _open(1, SERIALS);
        _open(2, SERIALS);
        _setCap(SMALL_CAP);
        _thief = new Thief(token, MINTER);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_thief);
    }

    function invariant_aStolenMinterKeyMintsWithinBoundsAndDoesNothingElse() public view {
        uint256 hour = _now() / 1 hours;
        vm.assertLe(_thief.mintedIn(hour), SMALL_CAP, "mints in a clock hour");
        vm.assertLe(_thief.mintedIn(hour) + _thief.mintedIn(hour - 1), 2 * SMALL_CAP, "mints in sixty minutes");
        Thief.Stolen[] memory loot = _thief.loot();
        vm.assertLe(loot.length, 2 * SERIALS, "mints at all");
        for (uint256 i; i < loot.length; ++i) {
            _assertWithinBounds(loot[i]);
        }
        _assertNothingElseChanged();
    }

    /// @dev Plain requirements: asked for each token after each call, an assertion of the test tool costs ten times as much.
    function _assertWithinBounds(Thief.Stolen memory stolen) private view {
        uint256 lock = stolen.settlesAt - stolen.mintedAt;
        uint256 serial = stolen.tokenId / 100 % 10_000;
        require(lock >= 24 hours, "settled too early");
        require(lock <= 90 days, "locked too long");
        require(token.settlesAtOf(stolen.tokenId) == stolen.settlesAt, "the settling time moved");
        require(serial >= 1 && serial <= SERIALS, "no such serial");
        require(stolen.tokenId % 100 == 0, "a next issue without a void");
    }

    function _assertNothingElseChanged() private view {
        bytes32[5] memory roles =
            [bytes32(0), token.CURATOR_ROLE(), token.REGISTRAR_ROLE(), token.PAUSER_ROLE(), token.VAULT_ROLE()];
        for (uint256 i; i < roles.length; ++i) {
            vm.assertFalse(token.hasRole(roles[i], MINTER), "another role");
        }
        vm.assertEq(token.defaultAdmin(), ADMIN, "admin");
        (address pending,) = token.pendingDefaultAdmin();
        vm.assertEq(pending, address(0), "pending admin");
        vm.assertEq(token.hourlyMintCap(), SMALL_CAP, "cap");
        vm.assertFalse(token.paused(), "paused");
        vm.assertEq(token.editionTerms(1).serials, SERIALS, "terms");
        vm.assertEq(token.editionTerms(3).serials, 0, "an edition was opened");
        vm.assertEq(token.contractURI(), "https://prints.example/contract.json", "contract URI");
    }
}
