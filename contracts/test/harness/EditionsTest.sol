// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../../src/IPrintEditions.sol";
import {IToken} from "./IToken.sol";
import {Vm, vm} from "./Vm.sol";

/// @notice A deployed contract, one account for each role, and verbs in the words of the trade.
abstract contract EditionsTest {
    /// @dev Raw fuzz input from which {_openSheet} makes one sheet of one open edition.
    struct Sheet {
        uint256 edition;
        uint256 serials;
        uint256 serial;
        address owner;
        uint256 time;
        uint256 lock;
    }

    uint256 internal constant DAY = 1 days;
    uint32 internal constant CAP = 1000;

    address internal immutable ADMIN = _account("admin");
    address internal immutable CURATOR = _account("curator");
    address internal immutable MINTER = _account("minter");
    address internal immutable REGISTRAR = _account("registrar");
    address internal immutable PAUSER = _account("pauser");
    address internal immutable VAULT = _account("vault");

    IToken internal token;

    function setUp() public virtual {
        vm.warp(1_790_000_000);
        token = _deploy(_deployment());
    }

    // ------------------------------------------------------------------------------------------------- deployment

    function _deployment() internal view returns (IPrintEditions.Deployment memory) {
        address[] memory minters = new address[](1);
        minters[0] = MINTER;
        return IPrintEditions.Deployment({
            name: "Prints",
            symbol: "PRT",
            tokenBaseURI: "https://prints.example/metadata/",
            contractURI: "https://prints.example/contract.json",
            admin: ADMIN,
            adminDelay: 2 days,
            curator: CURATOR,
            minters: minters,
            registrar: REGISTRAR,
            pauser: PAUSER,
            vault: VAULT,
            hourlyMintCap: CAP
        });
    }

    function _deploy(IPrintEditions.Deployment memory deployment) internal returns (IToken) {
        return IToken(vm.deployCode("PrintEditions.sol:PrintEditions", abi.encode(deployment)));
    }

    // ------------------------------------------------------------------------------------------------------- verbs

    function _open(uint256 edition, uint256 serials) internal {
        vm.prank(CURATOR);
        token.openEdition(edition, _terms(serials));
    }

    function _mint(IPrintEditions.MintItem[] memory items) internal {
        vm.prank(MINTER);
        token.mint(items);
    }

    function _mint(address recipient, uint256 tokenId, uint256 settlesAt) internal {
        _mint(_list(IPrintEditions.MintItem(tokenId, recipient, uint64(settlesAt))));
    }

    function _mint(address recipient, uint256 tokenId) internal {
        _mint(recipient, tokenId, _now() + 28 * DAY);
    }

    function _void(IPrintEditions.VoidItem[] memory items) internal {
        vm.prank(REGISTRAR);
        token.void(items);
    }

    function _void(uint256 tokenId) internal {
        _void(_list(IPrintEditions.VoidItem(tokenId, uint8(IPrintEditions.VoidReason.Refunded))));
    }

    function _settle(uint256 tokenId) internal {
        vm.prank(REGISTRAR);
        token.settle(_list(tokenId));
    }

    function _pause() internal {
        vm.prank(PAUSER);
        token.pause();
    }

    function _setCap(uint256 cap) internal {
        vm.prank(ADMIN);
        token.setHourlyMintCap(uint32(cap));
    }

    // ------------------------------------------------------------------------------------------------------ sheets

    /// @dev Opens the edition of a sheet at its time; gives the id of the sheet's first issue and a good recipient.
    function _openSheet(Sheet memory sheet) internal returns (uint256 tokenId, address owner) {
        vm.warp(_between(sheet.time, 1_700_000_000, 4_000_000_000));
        uint256 edition = _between(sheet.edition, 1, 999_999_999);
        uint256 serials = _between(sheet.serials, 1, 9_999);
        _open(edition, serials);
        return (_id(edition, _between(sheet.serial, 1, serials), 0), _recipient(sheet.owner));
    }

    /// @dev The same, and mints it.
    function _boundSheet(Sheet memory sheet) internal returns (uint256 tokenId, address owner) {
        (tokenId, owner) = _openSheet(sheet);
        _mint(owner, tokenId, _now() + _between(sheet.lock, DAY, 90 * DAY));
    }

    /// @dev The same, and lets it settle by time.
    function _settledSheet(Sheet memory sheet) internal returns (uint256 tokenId, address owner) {
        (tokenId, owner) = _boundSheet(sheet);
        vm.warp(token.settlesAtOf(tokenId));
    }

    /// @dev Makes tombstones of all issues below the wanted one, which is next then.
    function _nextIssue(uint256 firstIssueId, uint256 issue) internal returns (uint256) {
        IPrintEditions.VoidItem[] memory items = new IPrintEditions.VoidItem[](issue);
        for (uint256 i; i < issue; ++i) {
            items[i] = IPrintEditions.VoidItem(firstIssueId + i, uint8(IPrintEditions.VoidReason.Lost));
        }
        _void(items);
        return firstIssueId + issue;
    }

    // ---------------------------------------------------------------------------------------------------- reporting

    /// @dev Mints one item and gives what came of it; insists on exactly one of the two answers that there are.
    function _tryMint(address recipient, uint256 tokenId, uint256 settlesAt)
        internal
        returns (IPrintEditions.MintSkipReason reason)
    {
        vm.recordLogs();
        _mint(recipient, tokenId, settlesAt);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 skips = _count(logs, IPrintEditions.MintSkipped.selector);
        vm.assertEq(skips + _count(logs, IERC721.Transfer.selector), 1, "answers to a mint");
        vm.assertEq(_count(logs, IPrintEditions.Locked.selector), 1 - skips, "Locked events");
        if (skips == 0) return IPrintEditions.MintSkipReason.NotSkipped;
        vm.assertEq(uint256(logs[0].topics[1]), tokenId, "skipped id");
        return abi.decode(logs[0].data, (IPrintEditions.MintSkipReason));
    }

    function _expectMintSkip(address recipient, uint256 tokenId, IPrintEditions.MintSkipReason expected) internal {
        IPrintEditions.MintSkipReason reason = _tryMint(recipient, tokenId, _now() + 2 * DAY);
        vm.assertEq(uint256(reason), uint256(expected), "skip reason");
    }

    /// @dev The same for a void.
    function _expectVoidSkip(uint256 tokenId, uint256 why, IPrintEditions.VoidSkipReason expected) internal {
        vm.recordLogs();
        _void(_list(IPrintEditions.VoidItem(tokenId, uint8(why))));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "events");
        vm.assertEq(logs[0].topics[0], IPrintEditions.VoidSkipped.selector, "event");
        vm.assertEq(uint256(logs[0].topics[1]), tokenId, "skipped id");
        vm.assertEq(abi.decode(logs[0].data, (uint256)), uint256(expected), "skip reason");
    }

    function _expectSettleSkip(uint256 tokenId, IPrintEditions.SettleSkipReason expected) internal {
        vm.recordLogs();
        _settle(tokenId);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "events");
        vm.assertEq(logs[0].topics[0], IPrintEditions.SettleSkipped.selector, "event");
        vm.assertEq(uint256(logs[0].topics[1]), tokenId, "skipped id");
        vm.assertEq(abi.decode(logs[0].data, (uint256)), uint256(expected), "skip reason");
    }

    function _assertStatus(uint256 tokenId, IPrintEditions.TokenStatus expected) internal view {
        (IPrintEditions.TokenStatus status,,) = token.statusOf(tokenId);
        vm.assertEq(uint256(status), uint256(expected), "status");
    }

    function _assertTombstone(
        uint256 tokenId,
        IPrintEditions.TokenStatus expected,
        IPrintEditions.VoidReason expectedReason,
        uint256 expectedSuccessor
    ) internal view {
        (IPrintEditions.TokenStatus status, IPrintEditions.VoidReason reason, uint256 successor) =
            token.statusOf(tokenId);
        vm.assertEq(uint256(status), uint256(expected), "status");
        vm.assertEq(uint256(reason), uint256(expectedReason), "reason");
        vm.assertEq(successor, expectedSuccessor, "successor");
    }

    function _count(Vm.Log[] memory logs, bytes32 signature) internal pure returns (uint256 count) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == signature) ++count;
        }
    }

    /// @dev The next call is by this caller and reverts with this data.
    function _expectRefusal(address caller, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(caller);
    }

    function _expectNoRole(address caller, bytes32 role) internal {
        _expectRefusal(
            caller, abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role)
        );
    }

    // -------------------------------------------------------------------------------------------------------- values

    function _terms(uint256 serials) internal pure returns (IPrintEditions.EditionTerms memory) {
        return IPrintEditions.EditionTerms({
            serials: uint16(serials),
            imageDigest: keccak256("image"),
            colophonDigest: keccak256("colophon"),
            royaltyReceiver: _account("artist"),
            royaltyBasisPoints: 750
        });
    }

    function _id(uint256 edition, uint256 serial, uint256 issue) internal pure returns (uint256) {
        return edition * 1_000_000 + serial * 100 + issue;
    }

    function _recipient(address raw) internal view returns (address) {
        return raw == address(0) || raw == address(token) ? _account("buyer") : raw;
    }

    /// @dev Some account that has no role and is none of the given.
    function _stranger(address raw, address other) internal view returns (address) {
        bool known = raw == other || raw == address(0) || raw == address(token) || raw == address(vm) || raw == ADMIN
            || raw == CURATOR || raw == MINTER || raw == REGISTRAR || raw == PAUSER || raw == VAULT;
        if (!known) return raw;
        return other == _account("stranger") ? _account("another stranger") : _account("stranger");
    }

    function _account(string memory name) internal pure returns (address) {
        return address(uint160(uint256(keccak256(bytes(name)))));
    }

    /// @dev Not block.timestamp: the compiler takes that for constant within a function, whatever vm.warp does.
    function _now() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    function _between(uint256 raw, uint256 lowest, uint256 highest) internal pure returns (uint256) {
        if (raw >= lowest && raw <= highest) return raw;
        if (raw == type(uint256).max) return highest;
        return lowest + raw % (highest - lowest + 1);
    }

    function _list(IPrintEditions.MintItem memory item) internal pure returns (IPrintEditions.MintItem[] memory list) {
        list = new IPrintEditions.MintItem[](1);
        list[0] = item;
    }

    function _list(IPrintEditions.VoidItem memory item) internal pure returns (IPrintEditions.VoidItem[] memory list) {
        list = new IPrintEditions.VoidItem[](1);
        list[0] = item;
    }

    function _list(uint256 item) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = item;
    }
}
