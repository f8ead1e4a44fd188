/// Starting with firmware: where distributions have it, its ROM and flash, what it is told of the machine.
/// Called where a machine is made; nothing here runs with the guest but what fw_cfg makes when it is asked.
package io.kahvem.vmm.firmware;
