// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {vm} from "../test/harness/Vm.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Eight promises of {IPrintEditions}, each proved by halmos for all arguments and from any state.
contract PrintEditionsProof is AnyState {
    function check_oneTimeId(uint256 id, uint64 settlesAt) public {
        (IPrintEditions.TokenStatus status, IPrintEditions.VoidReason reason,) = _token.statusOf(id);
        vm.assume(status != IPrintEditions.TokenStatus.Unissued);
        (address owner, uint256 time) = (_ownerOf(id), _token.settlesAtOf(id));
        _mint(id, settlesAt);
        (IPrintEditions.TokenStatus statusAfter, IPrintEditions.VoidReason reasonAfter,) = _token.statusOf(id);
        assert(statusAfter == status && reasonAfter == reason);
        assert(_ownerOf(id) == owner && _token.settlesAtOf(id) == time);
    }

    function check_oneLiveIssue(uint256 id, uint64 settlesAt) public {
        vm.assume(id % 100 != 0 && _isUnissued(id) == 1);
        _mint(id, settlesAt);
        if (_isUnissued(id) == 1) return;
        IPrintEditions.TokenStatus before = _statusOf(id - 1);
        assert(before == IPrintEditions.TokenStatus.Voided || before == IPrintEditions.TokenStatus.Surrendered);
    }

    function check_settledIsIrrevocable(uint256 id, uint8 reason, uint64 settlesAt, uint8 act, uint32 later) public {
        vm.assume(_inOrder(id) && _statusOf(id) == IPrintEditions.TokenStatus.Settled);
        (address owner, uint256 time) = (_ownerOf(id), _token.settlesAtOf(id));
        uint256[] memory ids = new uint256[](1);
        ids[0] = id;
        if (act == 0) _void(id, reason);
        if (act == 1) _mint(id, settlesAt);
        if (act == 2) _token.announceUnlocked(ids);
        if (act == 3) {
            vm.prank(REGISTRAR);
            _token.settle(ids);
        }
        if (act == 4) {
            vm.assume(owner != CURATOR);
            vm.prank(CURATOR);
            (bool done,) = address(_token).call(abi.encodeCall(_token.surrender, (id)));
            assert(!done);
        }
        vm.warp(block.timestamp + later);
        assert(_statusOf(id) == IPrintEditions.TokenStatus.Settled && !_token.locked(id));
        assert(_ownerOf(id) == owner && _token.settlesAtOf(id) == time);
    }

    function check_voidLeavesATombstoneAndNoOwner(uint256 id, uint8 reason) public {
        vm.assume(_inOrder(id));
        IPrintEditions.TokenStatus status = _statusOf(id);
        _void(id, reason);
        if (_statusOf(id) == status) return;
        assert(status == IPrintEditions.TokenStatus.Bound || status == IPrintEditions.TokenStatus.Unissued);
        assert(_statusOf(id) == IPrintEditions.TokenStatus.Voided && _ownerOf(id) == address(0));
    }

    /// @dev For one item and whatever went before it, and so for any number of items and calls.
    function check_capNeverExceeded(uint256 id, uint64 settlesAt) public {
        uint256 left = _token.mintsLeftThisHour();
        uint256 unissued = _isUnissued(id);
        _mint(id, settlesAt);
        uint256 minted = unissued - _isUnissued(id);
        assert(left <= _token.hourlyMintCap());
        assert(minted <= left && _token.mintsLeftThisHour() == left - minted);
    }

    /// @dev No account but the admin may give a role: that is so after deployment, and no function changes it.
    function check_minterGainsNoOtherRight(bytes32 role, address account) public {
        vm.assume(!_token.hasRole(_token.DEFAULT_ADMIN_ROLE(), MINTER));
        (address pending,) = _token.pendingDefaultAdmin();
        vm.assume(pending != MINTER);
        bool had = _token.hasRole(role, account);
        bytes memory call = _anyOtherCall();
        bytes32 granted = this.firstWord(call);
        vm.assume(_token.getRoleAdmin(granted) == _token.DEFAULT_ADMIN_ROLE());
        vm.prank(MINTER);
        (bool done,) = address(_token).call(call);
        bool gaveUp = done && bytes4(call) == _token.renounceRole.selector && account == MINTER;
        assert(_token.hasRole(role, account) == had || gaveUp);
    }

    function firstWord(bytes calldata call) external pure returns (bytes32) {
        return call.length < 36 ? bytes32(0) : bytes32(call[4:36]);
    }

    function check_minterGainsNoOtherRightByMinting(bytes32 role, address account, uint256 id, uint64 time) public {
        bool had = _token.hasRole(role, account);
        (uint32 cap, bool paused, address admin) = (_token.hourlyMintCap(), _token.paused(), _token.defaultAdmin());
        _mint(id, time);
        assert(_token.hasRole(role, account) == had && _token.defaultAdmin() == admin);
        assert(_token.hourlyMintCap() == cap && _token.paused() == paused);
    }

    function check_editionTermsImmutable(uint256 edition, IPrintEditions.EditionTerms memory others) public {
        vm.assume(uint16(uint256(_termsOf(edition)[0])) != 0);
        vm.prank(CURATOR);
        (bool done,) = address(_token).call(abi.encodeCall(_token.openEdition, (edition, others)));
        assert(!done);
    }

    function check_editionTermsImmutableByAnyOtherCall(uint256 edition, address caller) public {
        bytes32[4] memory terms = _termsOf(edition);
        vm.assume(uint16(uint256(terms[0])) != 0);
        bytes memory call = _anyOtherCall();
        vm.prank(caller);
        (bool done,) = address(_token).call(call);
        done;
        bytes32[4] memory termsAfter = _termsOf(edition);
        for (uint256 i; i < 4; ++i) {
            assert(terms[i] == termsAfter[i]);
        }
    }

    function check_noMintWhilePaused(uint256 id, uint64 settlesAt) public {
        vm.assume(_token.paused());
        bool done = _mint(id, settlesAt);
        assert(!done);
    }

    function check_mintAndVoidKeepWordsInOrder(uint256 id, uint64 settlesAt, uint8 reason, bool mints) public {
        vm.assume(_inOrder(id));
        if (mints) _mint(id, settlesAt);
        else _void(id, reason);
        assert(_inOrder(id));
    }

    /// @dev Must fail, as must all whose names begin so: the others would be worth nothing if the state that they begin
    /// with were not arbitrary, or if no mint ever went through.
    function check_falseThatTheCapIsWhatWasDeployed() public view {
        assert(_token.hourlyMintCap() == 100);
    }

    function check_falseThatNothingIsEverMinted(uint256 id, uint64 settlesAt) public {
        vm.assume(_isUnissued(id) == 1);
        _mint(id, settlesAt);
        assert(_isUnissued(id) == 1);
    }

    function _isUnissued(uint256 id) private view returns (uint256) {
        return _statusOf(id) == IPrintEditions.TokenStatus.Unissued ? 1 : 0;
    }
}
