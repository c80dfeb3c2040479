// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    IAccessControlDefaultAdminRules as Rules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {Caller, GasBurner} from "./harness/Receivers.sol";
import {vm} from "./harness/Vm.sol";

contract AttackTest is EditionsTest {
    // ------------------------------------------------------------------------------------------- hostile receivers

    function test_doesNotWakeAReceiverWhoBurnsGasAtAMint(Sheet memory sheet) public {
        (uint256 tokenId,) = _openSheet(sheet);
        address burner = address(new GasBurner());
        IPrintEditions.MintItem[] memory items = _list(IPrintEditions.MintItem(tokenId, burner, 0));
        vm.prank(MINTER);
        token.mint{gas: 150_000}(items);
        vm.assertEq(token.ownerOf(tokenId), burner, "owner");
    }

    function test_letsAReceiverWhoRevertsNotSpoilABatch(address raw) public {
        _open(12, 3);
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](3);
        items[0] = IPrintEditions.MintItem(_id(12, 1, 0), _recipient(raw), 0);
        items[1] = IPrintEditions.MintItem(_id(12, 2, 0), address(new Refuser()), 0);
        items[2] = IPrintEditions.MintItem(_id(12, 3, 0), address(new GasBurner()), 0);
        _mint(items);
        for (uint256 serial = 1; serial <= 3; ++serial) {
            vm.assertEq(token.ownerOf(_id(12, serial, 0)), items[serial - 1].recipient, "owner");
        }
    }

    function test_treatsAnAccountWithDelegatedCodeLikeAnyOtherAtAMint(Sheet memory sheet, uint256 seed) public {
        (uint256 tokenId,) = _openSheet(sheet);
        address account = _delegated(seed, address(new GasBurner()));
        _mint(account, tokenId);
        vm.assertEq(token.ownerOf(tokenId), account, "owner");
        vm.prank(account);
        token.surrender(tokenId);
    }

    function test_letsADelegatedAccountRefuseOnlyItsOwnSafeTransfer(Sheet memory sheet, uint256 seed) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address account = _delegated(seed, address(new Refuser()));
        _expectRefusal(owner, abi.encodeWithSignature("Error(string)", "no"));
        token.safeTransferFrom(owner, account, tokenId);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.prank(owner);
        token.transferFrom(owner, account, tokenId);
        vm.assertEq(token.ownerOf(tokenId), account, "owner after a plain transfer");
    }

    function test_costsASafeTransferToAReceiverWhoBurnsGasAndNothingElse(Sheet memory sheet) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address burner = address(new GasBurner());
        vm.prank(owner);
        (bool moved,) = address(token).call{gas: 300_000}(
            abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", owner, burner, tokenId)
        );
        vm.assertFalse(moved, "moved");
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
    }

    // ------------------------------------------------------------------------------------------------- re-entrancy

    function test_letsAReceiverNotSurrenderOrMoveWhatHasBeenMovedOn(Sheet memory sheet, uint256 pick) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        Caller receiver = new Caller(token);
        uint256[] memory ids = _list(tokenId);
        bytes[5] memory calls = [
            abi.encodeCall(token.settle, (ids)),
            abi.encodeCall(token.mint, (_list(IPrintEditions.MintItem(tokenId, address(receiver), 0)))),
            abi.encodeCall(token.void, (_list(IPrintEditions.VoidItem(tokenId, 1)))),
            abi.encodeCall(token.release, (tokenId, owner)),
            abi.encodeCall(IERC721.transferFrom, (owner, address(receiver), tokenId))
        ];
        receiver.prepare(calls[pick % calls.length]);
        vm.prank(owner);
        token.safeTransferFrom(owner, address(receiver), tokenId);
        vm.assertFalse(receiver.succeeded(), "call from within");
        vm.assertEq(token.ownerOf(tokenId), address(receiver), "owner");
        vm.assertEq(token.balanceOf(owner), 0, "balance");
    }

    function test_keepsTheBooksWhenAReceiverPassesTheTokenOnAtOnce(Sheet memory sheet, address raw, bool back) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        Caller receiver = new Caller(token);
        address next = back ? owner : _stranger(raw, owner);
        vm.assume(next != address(receiver));
        receiver.prepare(abi.encodeCall(IERC721.transferFrom, (address(receiver), next, tokenId)));
        vm.prank(owner);
        token.safeTransferFrom(owner, address(receiver), tokenId);
        vm.assertTrue(receiver.succeeded(), "passed on");
        vm.assertEq(token.ownerOf(tokenId), next, "owner");
        vm.assertEq(token.balanceOf(next), 1, "balance of the owner");
        vm.assertEq(token.balanceOf(address(receiver)), 0, "balance of the receiver");
    }

    // --------------------------------------------------------------------------------------------------- approvals

    function test_letsNoOperatorMoveOrSurrenderALockedToken(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address operator = _stranger(raw, owner);
        vm.prank(owner);
        token.setApprovalForAll(operator, true);
        vm.prank(operator);
        token.approve(operator, tokenId);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        _expectRefusal(operator, abi.encodeWithSelector(IPrintEditions.TokenLocked.selector, tokenId, settlesAt));
        token.transferFrom(owner, operator, tokenId);
        _expectRefusal(operator, abi.encodeWithSelector(IPrintEditions.NotTokenOwner.selector, tokenId, operator));
        token.surrender(tokenId);
    }

    function test_forgetsAnApprovalWithTheTokenThatWasVoided(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        token.approve(friend, tokenId);
        _void(tokenId);
        vm.expectRevert(abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.getApproved(tokenId);
    }

    function test_givesNoApprovalOfAnIssueToTheNextIssue(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address friend = _stranger(raw, owner);
        vm.prank(owner);
        token.approve(friend, tokenId);
        _void(tokenId);
        _mint(owner, tokenId + 1);
        vm.assertEq(token.getApproved(tokenId + 1), address(0), "approved");
        vm.warp(token.settlesAtOf(tokenId + 1));
        _expectRefusal(friend, abi.encodeWithSelector(IToken.NotOwnerNorApproved.selector));
        token.transferFrom(owner, friend, tokenId + 1);
    }

    function test_letsAnApprovalEndWithATransfer(Sheet memory sheet, address raw, address rawBuyer) public {
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        address friend = _stranger(raw, owner);
        address buyer = _stranger(rawBuyer, owner);
        vm.assume(buyer != friend);
        vm.prank(owner);
        token.approve(friend, tokenId);
        vm.prank(owner);
        token.transferFrom(owner, buyer, tokenId);
        _expectRefusal(friend, abi.encodeWithSelector(IToken.NotOwnerNorApproved.selector));
        token.transferFrom(buyer, friend, tokenId);
    }

    // ---------------------------------------------------------------------------------------------- poisoned batch

    function test_mintsTheOneGoodItemAmongNinetyNineBadOnes(uint256 seed, address raw) public {
        _open(12, 200);
        _mint(_account("holder"), _id(12, 1, 0));
        _void(_id(12, 2, 0));
        uint256 good = seed % 100;
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](100);
        for (uint256 i; i < 100; ++i) {
            items[i] = i == good
                ? IPrintEditions.MintItem(_id(12, 150, 0), _recipient(raw), 0)
                : _poison(uint256(keccak256(abi.encode(seed, i))));
        }
        _mint(items);
        vm.assertEq(token.ownerOf(_id(12, 150, 0)), _recipient(raw), "owner");
        vm.assertEq(token.mintsLeftThisHour(), CAP - 2, "mints");
    }

    function test_refusesAWholeCallWhoseEncodingIsBroken(uint256 high, Sheet memory sheet) public {
        (uint256 tokenId,) = _openSheet(sheet);
        high = _between(high, 1 << 160, type(uint256).max);
        bytes4 mint = IPrintEditions.mint.selector;
        _assertBroken(abi.encodeWithSelector(mint, 32, 1, tokenId, high, 0)); // an address too long
        _assertBroken(abi.encodeWithSelector(mint, 32, 1, tokenId, 1, high)); // a time too long
        _assertBroken(abi.encodeWithSelector(mint, 32, 2, tokenId, 1, 0)); // one item of two
        _assertBroken(abi.encodeWithSelector(mint, 32, high, tokenId, 1, 0)); // a length beyond the call
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Unissued);
    }

    function test_takesIdsAtTheEndsOfTheNumberRange(address raw) public {
        _open(1, 1);
        _open(999_999_999, 9_999);
        uint256 first = _id(1, 1, 0);
        uint256 last = _id(999_999_999, 9_999, 0);
        IPrintEditions.MintItem[] memory items = new IPrintEditions.MintItem[](5);
        uint256[5] memory ids = [first, last, 0, type(uint256).max, last + 1_000_000];
        for (uint256 i; i < 5; ++i) {
            items[i] = IPrintEditions.MintItem(ids[i], _recipient(raw), 0);
        }
        _mint(items);
        vm.assertEq(token.balanceOf(_recipient(raw)), 2, "minted");
        _void(last);
        _mint(_recipient(raw), last + 1);
        vm.assertEq(token.balanceOf(_recipient(raw)), 2, "the last sheet's second issue");
    }

    // ------------------------------------------------------------------------------------------------------- clock

    function test_decidesBetweenVoidAndTransferInTheOneSecondOfSettlesAt(Sheet memory sheet, address raw) public {
        (uint256 tokenId, address owner) = _boundSheet(sheet);
        address to = _stranger(raw, owner);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.warp(settlesAt - 1);
        vm.assertTrue(token.locked(tokenId), "locked a second before");
        vm.prank(owner);
        (bool moved,) = address(token).call(abi.encodeCall(IERC721.transferFrom, (owner, to, tokenId)));
        vm.assertFalse(moved, "moved a second before");
        vm.warp(settlesAt);
        vm.assertFalse(token.locked(tokenId), "locked");
        _expectVoidSkip(tokenId, 1, IPrintEditions.VoidSkipReason.Settled);
        vm.prank(owner);
        token.transferFrom(owner, to, tokenId);
    }

    function test_settlesNothingAtTheSecondOfTheMint(Sheet memory sheet, uint64 asked) public {
        (uint256 tokenId, address owner) = _openSheet(sheet);
        _mint(owner, tokenId, asked % (_now() + 90 days + 1));
        vm.assertTrue(token.locked(tokenId), "locked");
        vm.warp(_now() + 24 hours - 1);
        vm.assertTrue(token.locked(tokenId), "locked for a day");
    }

    function test_opensANewHourAtItsFirstSecond(uint256 rawHour) public {
        _setCap(1);
        _open(12, 4);
        uint256 hour = _between(rawHour, 500_000, 1_000_000);
        vm.warp(hour * 1 hours + 3_599);
        _mint(_account("buyer"), _id(12, 1, 0));
        _expectMintSkip(_account("buyer"), _id(12, 2, 0), IPrintEditions.MintSkipReason.CapReached);
        vm.warp((hour + 1) * 1 hours);
        _mint(_account("buyer"), _id(12, 3, 0)); // two within two seconds, and within two hours of the clock
        _expectMintSkip(_account("buyer"), _id(12, 4, 0), IPrintEditions.MintSkipReason.CapReached);
        vm.assertEq(token.balanceOf(_account("buyer")), 2, "minted");
    }

    // ------------------------------------------------------------------------------------------------------- admin

    function test_leavesTheOldAdminInOfficeUntilTheHeirAccepts(address raw, uint256 wait) public {
        address heir = _stranger(raw, address(0));
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(heir);
        vm.warp(_now() + _between(wait, 0, 1_000 days));
        _expectNoRole(heir, 0);
        token.setHourlyMintCap(1);
        _setCap(2);
        vm.assertEq(token.hourlyMintCap(), 2, "cap");
    }

    function test_letsAnHeirAcceptOnlyWhileTheOfferStands(address raw, address rawOther) public {
        address heir = _stranger(raw, address(0));
        address other = _stranger(rawOther, heir);
        vm.assume(other != heir);
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(heir);
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(other); // takes the place of the first offer
        vm.warp(_now() + 30 days);
        _expectRefusal(heir, abi.encodeWithSelector(Rules.AccessControlInvalidDefaultAdmin.selector, heir));
        token.acceptDefaultAdminTransfer();
        vm.prank(other);
        token.acceptDefaultAdminTransfer();
        vm.assertEq(token.defaultAdmin(), other, "admin");
    }

    function test_letsANewAdminUndoTheGrantsOfTheOld(address raw, address rawSpy) public {
        address heir = _stranger(raw, address(0));
        address spy = _stranger(rawSpy, heir);
        bytes32 role = token.MINTER_ROLE();
        vm.prank(ADMIN);
        token.grantRole(role, spy);
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(heir);
        vm.warp(_now() + 3 days);
        vm.prank(heir);
        token.acceptDefaultAdminTransfer();
        vm.prank(heir);
        token.revokeRole(role, spy);
        _expectNoRole(spy, role);
        token.mint(new IPrintEditions.MintItem[](0));
        _expectNoRole(ADMIN, 0);
        token.grantRole(role, spy);
    }

    function test_stopsWhatARenouncedRoleCouldDo(Sheet memory sheet) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        bytes32[5] memory roles = [
            token.CURATOR_ROLE(), token.MINTER_ROLE(), token.REGISTRAR_ROLE(), token.PAUSER_ROLE(), token.VAULT_ROLE()
        ];
        address[5] memory holders = [CURATOR, MINTER, REGISTRAR, PAUSER, VAULT];
        bytes[5] memory acts = [
            abi.encodeCall(token.openEdition, (7, _terms(1))),
            abi.encodeCall(token.mint, (_list(IPrintEditions.MintItem(tokenId, MINTER, 0)))),
            abi.encodeCall(token.void, (_list(IPrintEditions.VoidItem(tokenId, 1)))),
            abi.encodeCall(token.pause, ()),
            abi.encodeCall(token.release, (tokenId, ADMIN))
        ];
        for (uint256 i; i < 5; ++i) {
            vm.prank(holders[i]);
            token.renounceRole(roles[i], holders[i]);
            vm.prank(holders[i]);
            (bool done,) = address(token).call(acts[i]);
            vm.assertFalse(done, "a renounced role acted");
        }
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Bound);
    }

    function test_hasNoAdminForEverAfterTheLastOneLeaves(address raw, bytes32 role) public {
        vm.prank(ADMIN);
        token.beginDefaultAdminTransfer(address(0));
        vm.warp(_now() + 2 days + 1);
        vm.prank(ADMIN);
        token.renounceRole(0, ADMIN);
        address caller = _stranger(raw, address(0));
        _expectNoRole(caller, 0);
        token.beginDefaultAdminTransfer(caller);
        vm.prank(ADMIN);
        (bool done,) = address(token).call(abi.encodeCall(token.grantRole, (role, ADMIN)));
        vm.assertFalse(done, "granted");
        vm.assertEq(token.owner(), address(0), "owner");
    }

    // ---------------------------------------------------------------------------------------------------- chain id

    function test_worksAlikeOnAnotherChainAndSignsNothing(Sheet memory sheet, uint64 chainId) public {
        vm.chainId(_between(chainId, 1, type(uint64).max - 1));
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        vm.chainId(31_337);
        vm.assertEq(token.ownerOf(tokenId), owner, "owner");
        vm.prank(owner);
        token.transferFrom(owner, _account("friend"), tokenId);
        (bool answered,) = address(token).call(abi.encodeWithSignature("DOMAIN_SEPARATOR()"));
        vm.assertFalse(answered, "there is nothing to replay");
    }

    // ------------------------------------------------------------------------------------------------------- inner

    function _delegated(uint256 seed, address code) private returns (address account) {
        uint256 key = _between(seed, 1, type(uint128).max);
        account = vm.addr(key);
        vm.signAndAttachDelegation(code, key);
        (bool poked,) = address(this).staticcall(""); // the delegation takes effect with the next call
        poked;
        vm.assertTrue(account.code.length == 23, "EIP-7702 code");
    }

    function _poison(uint256 seed) private view returns (IPrintEditions.MintItem memory item) {
        item = IPrintEditions.MintItem(_id(12, 3 + seed % 100, 0), _account("buyer"), 0);
        uint256 kind = seed >> 128;
        if (kind % 7 == 0) item.tokenId = _id(12, 1, 0); // lives
        if (kind % 7 == 1) item.tokenId = _id(12, 2, 0); // a tombstone
        if (kind % 7 == 2) item.tokenId = seed; // nonsense
        if (kind % 7 == 3) item.tokenId += 1; // too early an issue
        if (kind % 7 == 4) item.recipient = address(0);
        if (kind % 7 == 5) item.recipient = address(token);
        if (kind % 7 == 6) item.settlesAt = type(uint64).max;
    }

    function _assertBroken(bytes memory call) private {
        vm.prank(MINTER);
        (bool done,) = address(token).call(call);
        vm.assertFalse(done, "broken encoding was taken");
    }
}

contract Refuser {
    fallback() external {
        revert("no");
    }
}
