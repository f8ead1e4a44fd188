package io.kahvem.libvirt;

import java.util.Arrays;

/// What went wrong (virErrorNumber), and the sentence libvirt puts around the detail.
public enum ErrorCode {
    OK(0, "%s"),
    INTERNAL_ERROR(1, "internal error: %s"),
    NO_MEMORY(2, "out of memory: %s"),
    NO_SUPPORT(3, "this function is not supported by the connection driver: %s"),
    NO_CONNECT(5, "no connection driver available for %s"),
    INVALID_CONN(6, "invalid connection pointer in %s"),
    INVALID_DOMAIN(7, "invalid domain pointer in %s"),
    INVALID_ARG(8, "invalid argument: %s"),
    OPERATION_FAILED(9, "operation failed: %s"),
    XML_ERROR(27, "XML error: %s"),
    DOM_EXIST(28, "domain %s exists already"),
    OPERATION_DENIED(29, "operation forbidden: %s"),
    CONF_SYNTAX(33, "configuration file syntax error: %s"),
    XML_DETAIL(35, "%s"),
    SYSTEM_ERROR(38, "%s"),
    RPC(39, "%s"),
    NO_DOMAIN(42, "Domain not found: %s"),
    NO_NETWORK(43, "Network not found: %s"),
    AUTH_FAILED(45, "authentication failed: %s"),
    NO_STORAGE_POOL(49, "Storage pool not found: %s"),
    NO_STORAGE_VOL(50, "Storage volume not found: %s"),
    NO_NODE_DEVICE(52, "Node device not found: %s"),
    OPERATION_INVALID(55, "Requested operation is not valid: %s"),
    NO_INTERFACE(57, "interface not found: %s"),
    NO_NWFILTER(62, "Network filter not found: %s"),
    NO_SECRET(66, "Secret not found: %s"),
    CONFIG_UNSUPPORTED(67, "unsupported configuration: %s"),
    OPERATION_TIMEOUT(68, "Timed out during operation: %s"),
    NO_DOMAIN_SNAPSHOT(72, "Domain snapshot not found: %s"),
    INVALID_STREAM(73, "invalid stream pointer: %s"),
    ARGUMENT_UNSUPPORTED(74, "argument unsupported: %s"),
    OPERATION_ABORTED(78, "operation aborted: %s"),
    NO_DOMAIN_METADATA(80, "metadata not found: %s"),
    OVERFLOW(82, "numerical overflow: %s"),
    OPERATION_UNSUPPORTED(84, "Operation not supported: %s"),
    AGENT_UNRESPONSIVE(86, "Guest agent is not responding: %s"),
    RESOURCE_BUSY(87, "resource busy: %s"),
    ACCESS_DENIED(88, "access denied: %s"),
    STORAGE_VOL_EXIST(90, "storage volume %s exists already"),
    CPU_INCOMPATIBLE(91, "the CPU is incompatible with host CPU: %s"),
    XML_INVALID_SCHEMA(92, "XML document failed to validate against schema: %s"),
    AUTH_UNAVAILABLE(94, "authentication unavailable: %s"),
    DEVICE_MISSING(99, "device not found: %s"),
    NO_DOMAIN_CHECKPOINT(103, "Domain checkpoint not found: %s"),
    NO_DOMAIN_BACKUP(104, "Domain backup job id not found: %s"),
    NO_NETWORK_PORT(107, "network port not found: %s");

    private final int number;
    private final String format;

    ErrorCode(int number, String format) {
        this.number = number;
        this.format = format;
    }

    public int number() {
        return number;
    }

    /// The whole message, with one %s for the detail.
    public String format() {
        return format;
    }

    /// The code of that number; [#INTERNAL_ERROR] for one this client does not know.
    public static ErrorCode of(int number) {
        return Arrays.stream(values()).filter(each -> each.number == number).findFirst().orElse(INTERNAL_ERROR);
    }
}
