// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {vm} from "./harness/Vm.sol";

contract OpenEditionTest is EditionsTest {
    function test_refusesACallerWhoIsNoCurator(address raw, uint256 edition) public {
        address caller = _stranger(raw, address(0));
        _expectNoRole(caller, token.CURATOR_ROLE());
        token.openEdition(_edition(edition), _terms(10));
    }

    function test_refusesEditionZero(uint256 serials) public {
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.EditionOutOfRange.selector, 0));
        token.openEdition(0, _terms(_between(serials, 1, 9_999)));
    }

    function test_refusesAnEditionAboveTheLast(uint256 raw) public {
        uint256 edition = _between(raw, 1_000_000_000, type(uint256).max);
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.EditionOutOfRange.selector, edition));
        token.openEdition(edition, _terms(10));
    }

    function test_refusesToOpenAnEditionTwice(uint256 raw, IPrintEditions.EditionTerms memory second) public {
        uint256 edition = _edition(raw);
        _open(edition, 10);
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.EditionAlreadyOpen.selector, edition));
        token.openEdition(edition, second);
        _assertTerms(edition, _terms(10));
    }

    function test_refusesAnEditionWithoutSerials(uint256 raw) public {
        uint256 edition = _edition(raw);
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.SerialsOutOfRange.selector, edition, 0));
        token.openEdition(edition, _terms(0));
    }

    function test_refusesMoreSerialsThanAnIdCanSay(uint256 raw, uint256 rawSerials) public {
        uint256 edition = _edition(raw);
        uint256 serials = _between(rawSerials, 10_000, type(uint16).max);
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.SerialsOutOfRange.selector, edition, serials));
        token.openEdition(edition, _terms(serials));
    }

    function test_refusesAMissingImageDigest(uint256 raw) public {
        uint256 edition = _edition(raw);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.imageDigest = 0;
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.DigestMissing.selector, edition));
        token.openEdition(edition, terms);
    }

    function test_refusesAMissingColophonDigest(uint256 raw) public {
        uint256 edition = _edition(raw);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.colophonDigest = 0;
        _expectRefusal(CURATOR, abi.encodeWithSelector(IPrintEditions.DigestMissing.selector, edition));
        token.openEdition(edition, terms);
    }

    function test_refusesARoyaltyAboveTheWholePrice(uint256 raw, uint256 rawPoints) public {
        uint256 edition = _edition(raw);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.royaltyBasisPoints = uint16(_between(rawPoints, 10_001, type(uint16).max));
        _expectRefusal(
            CURATOR,
            abi.encodeWithSelector(IPrintEditions.RoyaltyOutOfRange.selector, edition, terms.royaltyBasisPoints)
        );
        token.openEdition(edition, terms);
    }

    function test_refusesARoyaltyThatNobodyReceives(uint256 raw, uint256 rawPoints) public {
        uint256 edition = _edition(raw);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.royaltyReceiver = address(0);
        terms.royaltyBasisPoints = uint16(_between(rawPoints, 1, 10_000));
        _expectRefusal(
            CURATOR,
            abi.encodeWithSelector(IPrintEditions.RoyaltyReceiverMissing.selector, edition, terms.royaltyBasisPoints)
        );
        token.openEdition(edition, terms);
    }

    function test_storesTheTermsAndEmitsThem(uint256 raw, IPrintEditions.EditionTerms memory terms) public {
        uint256 edition = _edition(raw);
        terms.serials = uint16(_between(terms.serials, 1, 9_999));
        terms.royaltyBasisPoints = uint16(_between(terms.royaltyBasisPoints, 0, 10_000));
        vm.assume(terms.imageDigest != 0 && terms.colophonDigest != 0 && terms.royaltyReceiver != address(0));

        vm.expectEmit(address(token));
        emit IPrintEditions.EditionOpened(edition, terms);
        vm.prank(CURATOR);
        token.openEdition(edition, terms);
        _assertTerms(edition, terms);
    }

    function test_takesAnEditionWithoutRoyaltyAndReceiver(uint256 raw, uint256 price) public {
        uint256 edition = _edition(raw);
        IPrintEditions.EditionTerms memory terms = _terms(10);
        terms.royaltyReceiver = address(0);
        terms.royaltyBasisPoints = 0;
        vm.prank(CURATOR);
        token.openEdition(edition, terms);
        _assertTerms(edition, terms);
        (address receiver, uint256 amount) = token.royaltyInfo(_id(edition, 1, 0), price);
        vm.assertEq(receiver, address(0), "receiver");
        vm.assertEq(amount, 0, "amount");
    }

    function test_worksWhileMintsArePaused(uint256 raw) public {
        _pause();
        _open(_edition(raw), 10);
        _assertTerms(_edition(raw), _terms(10));
    }

    function _edition(uint256 raw) private pure returns (uint256) {
        return _between(raw, 1, 999_999_999);
    }

    function _assertTerms(uint256 edition, IPrintEditions.EditionTerms memory expected) private view {
        vm.assertEq(keccak256(abi.encode(token.editionTerms(edition))), keccak256(abi.encode(expected)), "terms");
    }
}
