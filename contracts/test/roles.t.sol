// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    IAccessControlDefaultAdminRules as Rules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract RolesTest is EditionsTest {
    bytes32 private constant ADMIN_ROLE = 0;

    function test_canNeverBecomeARegistrarToo(address raw) public {
        _assertExcluded(token.MINTER_ROLE(), token.REGISTRAR_ROLE(), _stranger(raw, address(0)));
    }

    function test_canNeverBecomeAMinterToo(address raw) public {
        _assertExcluded(token.REGISTRAR_ROLE(), token.MINTER_ROLE(), _stranger(raw, address(0)));
    }

    function test_canTakeTheOther(address raw, bool renounced) public {
        address account = _stranger(raw, address(0));
        bytes32 first = token.MINTER_ROLE();
        bytes32 second = token.REGISTRAR_ROLE();
        _grant(first, account);
        vm.prank(renounced ? account : ADMIN);
        if (renounced) token.renounceRole(first, account);
        else token.revokeRole(first, account);
        _grant(second, account);
        vm.assertTrue(token.hasRole(second, account), "second role");
        vm.assertFalse(token.hasRole(first, account), "first role");
    }

    function test_refusesEverybodyElse(address raw, uint256 pick, address account) public {
        address[6] memory callers = [_stranger(raw, address(0)), CURATOR, MINTER, REGISTRAR, PAUSER, VAULT];
        address caller = callers[pick % 6];
        bytes32[5] memory roles = _roles();
        bytes32 role = roles[pick / 6 % 5];
        _expectNoRole(caller, ADMIN_ROLE);
        token.grantRole(role, account);
        _expectNoRole(caller, ADMIN_ROLE);
        token.revokeRole(role, account);
        _expectNoRole(caller, ADMIN_ROLE);
        token.beginDefaultAdminTransfer(account);
        _expectNoRole(caller, ADMIN_ROLE);
        token.setTokenBaseURI("ipfs://elsewhere/");
        _expectNoRole(caller, ADMIN_ROLE);
        token.setContractURI("ipfs://elsewhere");
    }

    function test_refusesToGrantOrRevokeItDirectly(address account) public {
        bytes memory refusal = abi.encodeWithSelector(Rules.AccessControlEnforcedDefaultAdminRules.selector);
        _expectRefusal(ADMIN, refusal);
        token.grantRole(ADMIN_ROLE, account);
        _expectRefusal(ADMIN, refusal);
        token.revokeRole(ADMIN_ROLE, ADMIN);
    }

    function test_movesInTwoStepsAndOnlyAfterTheDelay(address raw, uint256 later) public {
        address heir = _stranger(raw, address(0));
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(heir);
        uint256 schedule = _now() + 2 days;
        vm.warp(schedule);
        _expectRefusal(heir, abi.encodeWithSelector(Rules.AccessControlEnforcedDefaultAdminDelay.selector, schedule));
        token.acceptDefaultAdminTransfer();
        vm.assertEq(token.defaultAdmin(), ADMIN, "admin before");

        vm.warp(schedule + _between(later, 1, 1_000 days));
        _expectRefusal(ADMIN, abi.encodeWithSelector(Rules.AccessControlInvalidDefaultAdmin.selector, ADMIN));
        token.acceptDefaultAdminTransfer();
        vm.prank(heir);
        token.acceptDefaultAdminTransfer();
        vm.assertEq(token.defaultAdmin(), heir, "admin after");
        vm.assertFalse(token.hasRole(ADMIN_ROLE, ADMIN), "old admin");
    }

    function test_canBeCanceledWithinTheDelay(address raw) public {
        address heir = _stranger(raw, address(0));
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(heir);
        vm.prank(ADMIN);
        token.cancelDefaultAdminTransfer();
        vm.warp(_now() + 365 days);
        _expectRefusal(heir, abi.encodeWithSelector(Rules.AccessControlInvalidDefaultAdmin.selector, heir));
        token.acceptDefaultAdminTransfer();
    }

    function test_canBeRenouncedOnlyAfterTheDelay() public {
        _expectRefusal(ADMIN, abi.encodeWithSelector(Rules.AccessControlEnforcedDefaultAdminDelay.selector, 0));
        token.renounceRole(ADMIN_ROLE, ADMIN);
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(address(0));
        uint256 schedule = _now() + 2 days;
        vm.warp(schedule);
        _expectRefusal(ADMIN, abi.encodeWithSelector(Rules.AccessControlEnforcedDefaultAdminDelay.selector, schedule));
        token.renounceRole(ADMIN_ROLE, ADMIN);
        vm.warp(schedule + 1);
        vm.prank(ADMIN);
        token.renounceRole(ADMIN_ROLE, ADMIN);
        vm.assertEq(token.defaultAdmin(), address(0), "admin");
    }

    function test_refusesADelayBelowOneDay(uint256 raw) public {
        uint48 delay = uint48(_between(raw, 0, 1 days - 1));
        _expectRefusal(ADMIN, abi.encodeWithSelector(IPrintEditions.AdminDelayTooShort.selector, delay));
        token.changeDefaultAdminDelay(delay);
    }

    function test_shortensADelayOnlyAfterTheDifference(uint256 raw) public {
        uint48 delay = uint48(_between(raw, 1 days, 2 days - 1));
        vm.prank(ADMIN);
        token.changeDefaultAdminDelay(delay);
        vm.warp(_now() + 2 days - delay);
        vm.assertEq(token.defaultAdminDelay(), 2 days, "delay before");
        vm.warp(_now() + 1);
        vm.assertEq(token.defaultAdminDelay(), delay, "delay after");
    }

    function test_letsOnlyThePauserPause(address raw, uint256 pick) public {
        address[6] memory callers = [_stranger(raw, address(0)), ADMIN, CURATOR, MINTER, REGISTRAR, VAULT];
        _expectNoRole(callers[pick % 6], token.PAUSER_ROLE());
        token.pause();
        vm.expectEmit(address(token));
        emit IPrintEditions.Paused(PAUSER);
        _pause();
        vm.assertTrue(token.paused(), "paused");
        _expectRefusal(PAUSER, abi.encodeWithSelector(IPrintEditions.EnforcedPause.selector));
        token.pause();
    }

    function test_letsOnlyTheAdminUnpause(address raw, uint256 pick) public {
        address[6] memory callers = [_stranger(raw, address(0)), PAUSER, CURATOR, MINTER, REGISTRAR, VAULT];
        _pause();
        _expectNoRole(callers[pick % 6], ADMIN_ROLE);
        token.unpause();
        vm.expectEmit(address(token));
        emit IPrintEditions.Unpaused(ADMIN);
        vm.prank(ADMIN);
        token.unpause();
        vm.assertFalse(token.paused(), "paused");
        _expectRefusal(ADMIN, abi.encodeWithSelector(IPrintEditions.ExpectedPause.selector));
        token.unpause();
    }

    function test_letsOnlyTheAdminSetTheCap(address raw, uint256 pick, uint32 cap) public {
        address[6] memory callers = [_stranger(raw, address(0)), PAUSER, CURATOR, MINTER, REGISTRAR, VAULT];
        _expectNoRole(callers[pick % 6], ADMIN_ROLE);
        token.setHourlyMintCap(cap);
        vm.assertEq(token.hourlyMintCap(), CAP, "cap");
    }

    function test_keepsThePauseAndTheHoursCount(address raw, uint256 pick, uint256 first, uint256 second) public {
        uint256 count = _between(pick, 1, 3);
        _open(12, 3);
        for (uint256 serial = 1; serial <= count; ++serial) {
            _mint(_recipient(raw), _id(12, serial, 0));
        }
        bool isPaused = first % 2 == 0;
        if (isPaused) _pause();
        uint32 cap = uint32(_between(second, count, type(uint32).max));
        _setCap(cap);
        vm.assertEq(token.mintsLeftThisHour(), cap - count, "left");
        vm.assertTrue(token.paused() == isPaused, "paused");
    }

    function test_emitsTheCapBeforeAndAfter(uint32 first, uint32 second) public {
        _setCap(first);
        vm.expectEmit(address(token));
        emit IPrintEditions.HourlyMintCapChanged(first, second);
        _setCap(second);
        vm.assertEq(token.hourlyMintCap(), second, "cap");
        vm.assertEq(token.mintsLeftThisHour(), second, "left");
    }

    function _assertExcluded(bytes32 held, bytes32 wanted, address account) private {
        _grant(held, account);
        _expectRefusal(ADMIN, abi.encodeWithSelector(IPrintEditions.MinterAndRegistrar.selector, account));
        token.grantRole(wanted, account);
        _grant(held, account); // to grant once more what is held is no error
    }

    function _grant(bytes32 role, address account) private {
        vm.prank(ADMIN);
        token.grantRole(role, account);
    }

    function _roles() private view returns (bytes32[5] memory) {
        return
            [token.CURATOR_ROLE(), token.MINTER_ROLE(), token.REGISTRAR_ROLE(), token.PAUSER_ROLE(), token.VAULT_ROLE()];
    }
}
