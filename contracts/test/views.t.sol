// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract ViewsTest is EditionsTest {
    bytes4[8] private STANDARDS = [
        bytes4(0x01ffc9a7), // ERC-165
        bytes4(0x80ac58cd), // ERC-721
        bytes4(0x5b5e139f), // ERC-721 metadata
        bytes4(0x2a55205a), // ERC-2981
        bytes4(0x49064906), // ERC-4906
        bytes4(0xb45a3c0e), // ERC-5192
        bytes4(0x7965db0b), // AccessControl
        bytes4(0x31498786) // AccessControlDefaultAdminRules
    ];

    function test_saysUnissuedForAnyIdThatWasNeverTouched(uint256 tokenId) public view {
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Unissued, IPrintEditions.VoidReason.NotVoided, 0);
    }

    function test_saysBoundBeforeTheSettlingTimeAndSettledFromItOn(Sheet memory sheet, uint256 later) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.warp(settlesAt - 1);
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Bound, IPrintEditions.VoidReason.NotVoided, 0);
        vm.warp(settlesAt + _between(later, 0, 10_000 days));
        _assertTombstone(tokenId, IPrintEditions.TokenStatus.Settled, IPrintEditions.VoidReason.NotVoided, 0);
    }

    function test_namesTheSuccessorOfATombstoneOnceThereIsOne(Sheet memory sheet, uint256 rawIssue, bool minted)
        public
    {
        (uint256 first, address owner) = _openSheet(sheet);
        uint256 next = _nextIssue(first, _between(rawIssue, 1, 99));
        _assertTombstone(next - 1, IPrintEditions.TokenStatus.Voided, IPrintEditions.VoidReason.Lost, 0);
        if (minted) _mint(owner, next);
        else _void(next);
        _assertTombstone(next - 1, IPrintEditions.TokenStatus.Voided, IPrintEditions.VoidReason.Lost, next);
    }

    function test_namesNoSuccessorAfterTheLastIssue(uint256 rawSerial) public {
        _open(12, 100);
        uint256 first = _id(12, _between(rawSerial, 1, 99), 0);
        _mint(_account("buyer"), first + 100); // the next sheet's first issue is the next number after issue 99
        _nextIssue(first, 100);
        _assertTombstone(first + 99, IPrintEditions.TokenStatus.Voided, IPrintEditions.VoidReason.Lost, 0);
    }

    function test_tellsTheTruthAtEveryTime(Sheet memory sheet, uint256 raw) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.warp(_between(raw, _now(), settlesAt + 1_000 days));
        vm.assertTrue(token.locked(tokenId) == (_now() < settlesAt), "locked");
    }

    function test_refusesAnIdWithoutAnOwner(Sheet memory sheet, uint256 unissued) public {
        (uint256 tokenId,) = _boundSheet(sheet);
        vm.assume(unissued != tokenId);
        _void(tokenId);
        bytes memory refusal = abi.encodeWithSelector(IToken.TokenDoesNotExist.selector);
        vm.expectRevert(refusal);
        token.locked(tokenId);
        vm.expectRevert(refusal);
        token.locked(unissued);
        vm.expectRevert(refusal);
        token.tokenURI(tokenId);
        vm.expectRevert(refusal);
        token.tokenURI(unissued);
    }

    function test_isZeroForAnIdThatWasNeverTouched(uint256 tokenId) public view {
        vm.assertEq(token.settlesAtOf(tokenId), 0, "settlesAt");
        vm.assertFalse(token.wasReleased(tokenId), "released");
    }

    function test_isTheBaseAndTheIdInDecimalAndJson() public {
        _open(12, 200);
        _mint(_account("buyer"), 12017100);
        vm.assertEq(token.tokenURI(12017100), "https://prints.example/metadata/12017100.json", "token URI");
    }

    function test_followsTheBaseThatTheAdminSets(string memory base) public {
        _open(12, 200);
        _mint(_account("buyer"), 12017100);
        vm.expectEmit(address(token));
        emit IPrintEditions.BatchMetadataUpdate(0, type(uint256).max);
        vm.prank(ADMIN);
        token.setTokenBaseURI(base);
        vm.assertEq(token.tokenURI(12017100), string.concat(base, "12017100.json"), "token URI");
    }

    function test_followsWhatTheAdminSets(string memory uri) public {
        vm.expectEmit(address(token));
        emit IPrintEditions.ContractURIUpdated();
        vm.prank(ADMIN);
        token.setContractURI(uri);
        vm.assertEq(token.contractURI(), uri, "contract URI");
    }

    function test_isTheShareOfTheEditionForEveryIdOfIt(uint256 edition, uint256 rest, uint256 points, uint256 price)
        public
    {
        edition = _between(edition, 1, 999_999_999);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.royaltyBasisPoints = uint16(_between(points, 0, 10_000));
        price = _between(price, 0, type(uint256).max / 10_000);
        vm.prank(CURATOR);
        token.openEdition(edition, terms);
        (address receiver, uint256 amount) = token.royaltyInfo(edition * 1_000_000 + _between(rest, 0, 999_999), price);
        vm.assertEq(receiver, terms.royaltyReceiver, "receiver");
        vm.assertEq(amount, price * terms.royaltyBasisPoints / 10_000, "amount");
    }

    function test_isNothingOutsideOfOpenEditions(uint256 tokenId, uint256 price) public {
        _open(12, 10);
        vm.assume(tokenId / 1_000_000 != 12);
        (address receiver, uint256 amount) = token.royaltyInfo(tokenId, price);
        vm.assertEq(receiver, address(0), "receiver");
        vm.assertEq(amount, 0, "amount");
    }

    function test_isEmptyForAnEditionThatIsNotOpen(uint256 edition) public view {
        IPrintEditions.EditionTerms memory empty;
        vm.assertEq(keccak256(abi.encode(token.editionTerms(edition))), keccak256(abi.encode(empty)), "terms");
    }

    function test_knowsTheStandardsThatTheContractKeeps() public view {
        for (uint256 i; i < STANDARDS.length; ++i) {
            vm.assertTrue(token.supportsInterface(STANDARDS[i]), "standard");
        }
    }

    function test_knowsNoOther(bytes4 interfaceId) public view {
        for (uint256 i; i < STANDARDS.length; ++i) {
            vm.assume(interfaceId != STANDARDS[i]);
        }
        vm.assertFalse(token.supportsInterface(interfaceId), "other");
        vm.assertFalse(token.supportsInterface(0xffffffff), "the id that ERC-165 forbids");
    }
}
