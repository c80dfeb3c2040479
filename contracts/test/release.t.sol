// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {IToken} from "./harness/IToken.sol";
import {vm} from "./harness/Vm.sol";

contract ReleaseTest is EditionsTest {
    function test_refusesAnOwnerWhoIsNoVault(Sheet memory sheet, address raw, address buyer) public {
        sheet.owner = _stranger(raw, address(0));
        (uint256 tokenId, address owner) = _settledSheet(sheet);
        _expectNoRole(owner, token.VAULT_ROLE());
        token.release(tokenId, buyer);
    }

    function test_refusesATokenOfSomebodyElse(Sheet memory sheet, address buyer) public {
        sheet.owner = _stranger(sheet.owner, address(0));
        (uint256 tokenId,) = _settledSheet(sheet);
        _expectRefusal(VAULT, abi.encodeWithSelector(IPrintEditions.NotTokenOwner.selector, tokenId, VAULT));
        token.release(tokenId, buyer);
    }

    function test_refusesAnIdWithoutAnOwner(uint256 tokenId, address buyer) public {
        _expectRefusal(VAULT, abi.encodeWithSelector(IToken.TokenDoesNotExist.selector));
        token.release(tokenId, buyer);
    }

    function test_refusesALockedToken(Sheet memory sheet, address raw) public {
        uint256 tokenId = _kept(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.warp(settlesAt - 1);
        address buyer = _stranger(raw, address(0));
        _expectRefusal(VAULT, abi.encodeWithSelector(IPrintEditions.TokenLocked.selector, tokenId, settlesAt));
        token.release(tokenId, buyer);
        vm.assertFalse(token.wasReleased(tokenId), "released");
    }

    function test_refusesTheZeroAddressAndTheContractAndTheVaultItself(Sheet memory sheet) public {
        uint256 tokenId = _kept(sheet);
        _settle(tokenId);
        address[3] memory bad = [address(0), address(token), VAULT];
        for (uint256 i; i < bad.length; ++i) {
            _expectRefusal(VAULT, abi.encodeWithSelector(IPrintEditions.BadReleaseRecipient.selector, tokenId, bad[i]));
            token.release(tokenId, bad[i]);
        }
    }

    function test_refusesASecondReleaseWhenTheTokenCameBack(Sheet memory sheet, address raw) public {
        uint256 tokenId = _kept(sheet);
        _settle(tokenId);
        address buyer = _stranger(raw, address(0));
        vm.prank(VAULT);
        token.release(tokenId, buyer);
        vm.prank(buyer);
        token.transferFrom(buyer, VAULT, tokenId);
        _expectRefusal(VAULT, abi.encodeWithSelector(IPrintEditions.AlreadyReleased.selector, tokenId));
        token.release(tokenId, buyer);
        vm.assertEq(token.ownerOf(tokenId), VAULT, "owner");
    }

    function test_handsTheTokenToItsBuyer(Sheet memory sheet, address raw, uint256 later) public {
        uint256 tokenId = _kept(sheet);
        uint256 settlesAt = token.settlesAtOf(tokenId);
        vm.warp(settlesAt + _between(later, 0, 10_000 days));
        _assertRelease(tokenId, _stranger(raw, address(0)));
        vm.assertEq(token.settlesAtOf(tokenId), settlesAt, "settlesAt");
    }

    function test_worksForATokenThatWasSettledEarlyAndWhileMintsArePaused(Sheet memory sheet, address raw) public {
        uint256 tokenId = _kept(sheet);
        _settle(tokenId);
        _pause();
        _assertRelease(tokenId, _stranger(raw, address(0)));
    }

    function _kept(Sheet memory sheet) private returns (uint256 tokenId) {
        sheet.owner = VAULT;
        (tokenId,) = _boundSheet(sheet);
    }

    function _assertRelease(uint256 tokenId, address buyer) private {
        vm.assertFalse(token.wasReleased(tokenId), "released before");
        vm.expectEmit(address(token));
        emit IERC721.Transfer(VAULT, buyer, tokenId);
        vm.expectEmit(address(token));
        emit IPrintEditions.Released(tokenId, VAULT, buyer);
        vm.prank(VAULT);
        token.release(tokenId, buyer);
        vm.assertEq(token.ownerOf(tokenId), buyer, "owner");
        vm.assertTrue(token.wasReleased(tokenId), "released");
        _assertStatus(tokenId, IPrintEditions.TokenStatus.Settled);
    }
}
