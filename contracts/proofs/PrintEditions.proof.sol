// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {AnyState} from "./AnyState.sol";
import {vm} from "../test/harness/Vm.sol";

contract PrintEditionsProof is AnyState {
    function check_oneTimeId(address to, uint256 id, uint64 settlesAt) public {
        (IPrintEditions.TokenStatus status, IPrintEditions.VoidReason reason,) = _token.statusOf(id);
        vm.assume(status != IPrintEditions.TokenStatus.Unissued);
        (address owner, uint256 time) = (_ownerOf(id), _token.settlesAtOf(id));
        _mint(to, id, settlesAt);
        (IPrintEditions.TokenStatus statusAfter, IPrintEditions.VoidReason reasonAfter,) = _token.statusOf(id);
        assert(statusAfter == status && reasonAfter == reason);
        assert(_ownerOf(id) == owner && _token.settlesAtOf(id) == time);
    }

    function check_oneLiveIssue(address to, uint256 id, uint64 settlesAt) public {
        vm.assume(id % 100 != 0);
        vm.assume(_statusOf(id) == IPrintEditions.TokenStatus.Unissued);
        _mint(to, id, settlesAt);
        if (_statusOf(id) == IPrintEditions.TokenStatus.Unissued) return;
        assert(_statusOf(id) == IPrintEditions.TokenStatus.Bound);
        IPrintEditions.TokenStatus before = _statusOf(id - 1);
        assert(before == IPrintEditions.TokenStatus.Voided || before == IPrintEditions.TokenStatus.Surrendered);
    }

    function check_settledIsIrrevocable(uint256 id, uint8 reason, address caller, uint256 later) public {
        vm.assume(_inOrder(id) && _statusOf(id) == IPrintEditions.TokenStatus.Settled);
        address owner = _ownerOf(id);
        vm.assume(caller != owner);
        later;
        reason;
        uint256 time = _token.settlesAtOf(id);
        (bytes4 selector,) = _callAnything(caller);
        assert(_statusOf(id) == IPrintEditions.TokenStatus.Settled);
        assert(_token.settlesAtOf(id) == time);
        selector;
    }

    function check_voidLeavesATombstoneAndNoOwner(uint256 id, uint8 reason) public {
        vm.assume(_inOrder(id));
        IPrintEditions.TokenStatus status = _statusOf(id);
        _void(id, reason);
        if (_statusOf(id) == status) return;
        assert(status == IPrintEditions.TokenStatus.Bound || status == IPrintEditions.TokenStatus.Unissued);
        assert(_statusOf(id) == IPrintEditions.TokenStatus.Voided && _ownerOf(id) == address(0));
    }

    function check_capNeverExceeded(address to, uint256 first, uint256 second, uint64 settlesAt) public {
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](2);
        items[0] = IPrintEditions.MintItem(to, first, settlesAt);
        items[1] = IPrintEditions.MintItem(to, second, settlesAt);
        vm.assume(first != second);
        uint256 left = _token.mintsLeftThisHour();
        uint256 unissued = _isUnissued(first) + _isUnissued(second);
        vm.prank(MINTER);
        (bool done,) = address(_token).call(abi.encodeCall(_token.mint, (items)));
        uint256 minted = unissued - _isUnissued(first) - _isUnissued(second);
        assert(minted <= left && (done || minted == 0));
        assert(_token.mintsLeftThisHour() == left - minted);
        assert(left <= _token.hourlyMintCap());
    }

    function check_minterGainsNoOtherRight(bytes32 role, address account) public {
        bool had = _token.hasRole(role, account);
        (bytes4 selector,) = _callAnything(MINTER);
        bool gaveUp = selector == _token.renounceRole.selector && account == MINTER;
        assert(_token.hasRole(role, account) == had || gaveUp);
    }

    function check_editionTermsImmutable(uint256 edition, address caller) public {
        IPrintEditions.EditionTerms memory terms = _token.editionTerms(edition);
        vm.assume(terms.serials != 0);
        _callAnything(caller);
        assert(keccak256(abi.encode(_token.editionTerms(edition))) == keccak256(abi.encode(terms)));
    }

    function check_noMintWhilePaused(uint256 id, address caller) public {
        vm.assume(_token.paused());
        vm.assume(_isUnissued(id) == 1);
        _callAnything(caller);
        IPrintEditions.TokenStatus status = _statusOf(id);
        assert(status == IPrintEditions.TokenStatus.Unissued || status == IPrintEditions.TokenStatus.Voided);
    }

    function check_everyCallKeepsWordsInOrder(uint256 id, address caller) public {
        vm.assume(_inOrder(id));
        _callAnything(caller);
        assert(_inOrder(id));
    }

    /// @dev Must fail: the proofs above are worth nothing if the state that they begin with is not arbitrary.
    function check_falseThatTheCapIsWhatWasDeployed() public view {
        assert(_token.hourlyMintCap() == 100);
    }

    function check_falseThatNothingIsEverMinted(address to, uint256 id, uint64 settlesAt) public {
        vm.assume(_isUnissued(id) == 1);
        _mint(to, id, settlesAt);
        assert(_isUnissued(id) == 1);
    }

    function _isUnissued(uint256 id) private view returns (uint256) {
        return _statusOf(id) == IPrintEditions.TokenStatus.Unissued ? 1 : 0;
    }
}
