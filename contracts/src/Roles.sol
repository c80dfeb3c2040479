// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";

import {IPrintEditions} from "./IPrintEditions.sol";

/// @title Who may do what, as {IPrintEditions} says
abstract contract Roles is IPrintEditions, AccessControlDefaultAdminRules {
    /// @inheritdoc IPrintEditions
    bytes32 public constant CURATOR_ROLE = keccak256("CURATOR_ROLE");
    /// @inheritdoc IPrintEditions
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    /// @inheritdoc IPrintEditions
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");
    /// @inheritdoc IPrintEditions
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    /// @inheritdoc IPrintEditions
    bytes32 public constant VAULT_ROLE = keccak256("VAULT_ROLE");
    /// @inheritdoc IPrintEditions
    uint48 public constant MINIMUM_ADMIN_DELAY = 24 hours;

    constructor(Deployment memory deployment)
        AccessControlDefaultAdminRules(_longEnough(deployment.adminDelay), deployment.admin)
    {
        _appoint(CURATOR_ROLE, deployment.curator);
        for (uint256 i; i < deployment.minters.length; ++i) {
            _appoint(MINTER_ROLE, deployment.minters[i]);
        }
        _appoint(REGISTRAR_ROLE, deployment.registrar);
        _appoint(PAUSER_ROLE, deployment.pauser);
        _appoint(VAULT_ROLE, deployment.vault);
    }

    /// @dev Every grant passes here, the constructor's included.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        bool excluded = (role == MINTER_ROLE && hasRole(REGISTRAR_ROLE, account))
            || (role == REGISTRAR_ROLE && hasRole(MINTER_ROLE, account));
        require(!excluded, MinterAndRegistrar(account));
        return super._grantRole(role, account);
    }

    function _changeDefaultAdminDelay(uint48 newDelay) internal override {
        super._changeDefaultAdminDelay(_longEnough(newDelay));
    }

    function _appoint(bytes32 role, address account) private {
        require(account != address(0), RoleHolderMissing(role));
        _grantRole(role, account);
    }

    function _longEnough(uint48 delay) private pure returns (uint48) {
        require(delay >= MINIMUM_ADMIN_DELAY, AdminDelayTooShort(delay));
        return delay;
    }
}
