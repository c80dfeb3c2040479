// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice The part of halmos's cheatcodes that the proofs use.
interface Svm {
    function createCalldata(string calldata contractName) external pure returns (bytes memory);
    function createBytes32(string calldata name) external pure returns (bytes32);
    function createUint256(string calldata name) external pure returns (uint256);
    function enableSymbolicStorage(address account) external;
}

Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
