// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {EditionsTest} from "../harness/EditionsTest.sol";
import {vm} from "../harness/Vm.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds after whatever anybody did. {Ledger} checks more at each event.
contract PrintEditionsInvariantTest is EditionsTest {
    Handler private _ledger;

    function setUp() public override {
        super.setUp();
        _ledger = new Handler(token, Handler.Cast(ADMIN, CURATOR, MINTER, REGISTRAR, PAUSER, VAULT));
        for (uint256 edition = 1; edition <= 2; ++edition) {
            _ledger.openEdition(edition - 1, _terms(edition + 1));
        }
    }

    /// @dev One campaign for all: seven would take seven times as long and find no more.
    function invariant_allOfItHolds() public view {
        anIdIsMintedAtMostOnceAndOnlyWithinItsEdition();
        allIssuesBelowALiveIdOrATombstoneAreTombstones();
        theEventsRebuildEveryOwnerAndTombstone();
        balancesAddUpToTheLiveTokens();
        theSettlingTimeMovesOnlyEarlierAndASettledTokenStaysSo();
        anHourHoldsNoMoreMintsThanItsCap();
        theTermsAreThoseOfTheEvent();
        noEtherStays();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_ledger);
    }

    function anIdIsMintedAtMostOnceAndOnlyWithinItsEdition() private view {
        for (uint256 i; i < _ledger.idCount(); ++i) {
            uint256 tokenId = _ledger.ids(i);
            uint256 serial = tokenId / 100 % 10_000;
            vm.assertLe(_ledger.mintsOf(tokenId), 1, "mints of an id");
            vm.assertLe(serial, token.editionTerms(tokenId / 1_000_000).serials, "serial");
            vm.assertTrue(serial != 0, "serial zero");
        }
    }

    function allIssuesBelowALiveIdOrATombstoneAreTombstones() private view {
        for (uint256 i; i < _ledger.idCount(); ++i) {
            uint256 tokenId = _ledger.ids(i);
            for (uint256 below = tokenId - tokenId % 100; below < tokenId; ++below) {
                (, IPrintEditions.VoidReason reason,) = token.statusOf(below);
                vm.assertTrue(reason != IPrintEditions.VoidReason.NotVoided, "tombstone below");
            }
        }
    }

    function theEventsRebuildEveryOwnerAndTombstone() private view {
        for (uint256 i; i < _ledger.idCount(); ++i) {
            uint256 tokenId = _ledger.ids(i);
            address owner = _ledger.ownerOf(tokenId);
            (IPrintEditions.TokenStatus status, IPrintEditions.VoidReason reason,) = token.statusOf(tokenId);
            vm.assertEq(uint256(reason), uint256(_ledger.reasonOf(tokenId)), "reason");
            if (owner == address(0)) {
                vm.assertTrue(status >= IPrintEditions.TokenStatus.Voided, "status without owner");
            } else {
                vm.assertEq(token.ownerOf(tokenId), owner, "owner");
                bool settled = _now() >= token.settlesAtOf(tokenId);
                vm.assertTrue(
                    status == (settled ? IPrintEditions.TokenStatus.Settled : IPrintEditions.TokenStatus.Bound),
                    "status with owner"
                );
            }
        }
    }

    function balancesAddUpToTheLiveTokens() private view {
        uint256 sum;
        for (uint256 i; i < _ledger.ownerCount(); ++i) {
            sum += token.balanceOf(_ledger.owners(i));
        }
        vm.assertEq(sum, _ledger.live(), "balances");
    }

    function theSettlingTimeMovesOnlyEarlierAndASettledTokenStaysSo() private view {
        for (uint256 i; i < _ledger.idCount(); ++i) {
            uint256 tokenId = _ledger.ids(i);
            vm.assertLe(token.settlesAtOf(tokenId), _ledger.boundUntil(tokenId), "settlesAt");
            (IPrintEditions.TokenStatus status,,) = token.statusOf(tokenId);
            if (_ledger.wasSettled(tokenId)) {
                vm.assertTrue(
                    status == IPrintEditions.TokenStatus.Settled || status == IPrintEditions.TokenStatus.Surrendered,
                    "settled for good"
                );
                if (status == IPrintEditions.TokenStatus.Settled) {
                    vm.assertFalse(token.locked(tokenId), "a settled token is never locked again");
                }
            }
            vm.assertLe(_ledger.unlocksOf(tokenId), 1, "Unlocked events");
            vm.assertLe(_ledger.releasesOf(tokenId), 1, "Released events");
        }
    }

    function anHourHoldsNoMoreMintsThanItsCap() private view {
        uint256 hour = _now() / 1 hours;
        vm.assertLe(_ledger.mintedIn(hour), _ledger.highestCap(hour), "mints in the hour");
    }

    function theTermsAreThoseOfTheEvent() private view {
        for (uint256 edition = 1; edition <= 3; ++edition) {
            IPrintEditions.EditionTerms memory terms = token.editionTerms(edition);
            bytes32 expected = _ledger.termsOf(edition);
            if (expected == 0) vm.assertEq(terms.serials, 0, "serials of an unopened edition");
            else vm.assertEq(keccak256(abi.encode(terms)), expected, "terms");
        }
    }

    function noEtherStays() private view {
        vm.assertEq(address(token).balance, 0, "balance in ether");
    }
}
