// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    IAccessControlDefaultAdminRules as Rules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";

import {IPrintEditions} from "../src/IPrintEditions.sol";
import {EditionsTest} from "./harness/EditionsTest.sol";
import {vm} from "./harness/Vm.sol";

contract DeploymentTest is EditionsTest {
    function test_givesEachRoleToItsHolderAndToNobodyElse(address second, address raw) public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.minters = new address[](2);
        deployment.minters[0] = MINTER;
        deployment.minters[1] = second = _stranger(second, address(0));
        token = _deploy(deployment);
        bytes32[6] memory roles = [
            bytes32(0),
            token.CURATOR_ROLE(),
            token.MINTER_ROLE(),
            token.REGISTRAR_ROLE(),
            token.PAUSER_ROLE(),
            token.VAULT_ROLE()
        ];
        address[6] memory holders = [ADMIN, CURATOR, MINTER, REGISTRAR, PAUSER, VAULT];
        for (uint256 i; i < 6; ++i) {
            for (uint256 j; j < 6; ++j) {
                vm.assertTrue(token.hasRole(roles[i], holders[j]) == (i == j), "role and holder");
            }
            vm.assertFalse(token.hasRole(roles[i], _stranger(raw, second)), "stranger");
            vm.assertEq(token.getRoleAdmin(roles[i]), 0, "who grants the role");
        }
        vm.assertTrue(token.hasRole(roles[2], second), "second minter");
        vm.assertEq(token.owner(), ADMIN, "ERC-5313 owner");
        vm.assertEq(token.defaultAdminDelay(), 2 days, "delay");
    }

    function test_namesTheCollection(string memory name, string memory symbol, string memory uri) public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.name = name;
        deployment.symbol = symbol;
        deployment.contractURI = uri;
        token = _deploy(deployment);
        vm.assertEq(token.name(), name, "name");
        vm.assertEq(token.symbol(), symbol, "symbol");
        vm.assertEq(token.contractURI(), uri, "contract URI");
    }

    function test_setsTheCap(uint32 cap) public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.hourlyMintCap = cap;
        token = _deploy(deployment);
        vm.assertEq(token.hourlyMintCap(), cap, "cap");
        vm.assertEq(token.mintsLeftThisHour(), cap, "left");
    }

    function test_refusesAMissingAdmin() public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.admin = address(0);
        _assertRefused(deployment, abi.encodeWithSelector(Rules.AccessControlInvalidDefaultAdmin.selector, address(0)));
    }

    function test_refusesAMissingHolderOfAnyRole() public {
        bytes32[5] memory roles = [
            token.CURATOR_ROLE(), token.MINTER_ROLE(), token.REGISTRAR_ROLE(), token.PAUSER_ROLE(), token.VAULT_ROLE()
        ];
        for (uint256 i; i < 5; ++i) {
            IPrintEditions.Deployment memory deployment = _deployment();
            if (i == 0) deployment.curator = address(0);
            if (i == 1) deployment.minters[0] = address(0);
            if (i == 2) deployment.registrar = address(0);
            if (i == 3) deployment.pauser = address(0);
            if (i == 4) deployment.vault = address(0);
            _assertRefused(deployment, abi.encodeWithSelector(IPrintEditions.RoleHolderMissing.selector, roles[i]));
        }
    }

    function test_refusesAMinterWhoIsTheRegistrar(address raw) public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.registrar = deployment.minters[0] = _stranger(raw, address(0));
        _assertRefused(
            deployment, abi.encodeWithSelector(IPrintEditions.MinterAndRegistrar.selector, deployment.registrar)
        );
    }

    function test_refusesADelayBelowOneDay(uint256 raw) public {
        IPrintEditions.Deployment memory deployment = _deployment();
        deployment.adminDelay = uint48(_between(raw, 0, 1 days - 1));
        _assertRefused(
            deployment, abi.encodeWithSelector(IPrintEditions.AdminDelayTooShort.selector, deployment.adminDelay)
        );
    }

    function _assertRefused(IPrintEditions.Deployment memory deployment, bytes memory reason) private {
        try this.deploy(deployment) {
            vm.assertTrue(false, "deployed");
        } catch (bytes memory found) {
            vm.assertEq(keccak256(found), keccak256(reason), "error");
        }
    }

    function deploy(IPrintEditions.Deployment calldata deployment) external {
        bytes memory code = bytes.concat(vm.getCode("PrintEditions.sol:PrintEditions"), abi.encode(deployment));
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
            if iszero(deployed) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
