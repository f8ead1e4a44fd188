package io.kahvem.libvirt;

/// What a daemon refuses or cannot do, with libvirt's code; its subclasses are the kinds that programs tell apart. A daemon throws it to
/// answer a call, a client throws what the daemon answered.
public class LibvirtException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ErrorCode code;
    private final ErrorDomain domain;
    private final String detail;

    protected LibvirtException(ErrorCode code, ErrorDomain domain, String message, String detail) {
        super(message);
        this.code = code;
        this.domain = domain;
        this.detail = detail;
    }

    /// The exception a daemon answers with: the code's sentence around `detail`.
    public static LibvirtException of(ErrorCode code, ErrorDomain domain, String detail) {
        return typed(code, domain, code.format().formatted(detail), detail);
    }

    /// The exception for what a daemon answered, of the subclass its code has.
    public static LibvirtException typed(ErrorCode code, ErrorDomain domain, String message, String detail) {
        return switch (code) {
            case NO_DOMAIN, NO_NETWORK, NO_STORAGE_POOL, NO_STORAGE_VOL, NO_NODE_DEVICE, NO_INTERFACE, NO_NWFILTER, NO_SECRET,
                    NO_DOMAIN_SNAPSHOT, NO_DOMAIN_METADATA, NO_DOMAIN_CHECKPOINT, NO_DOMAIN_BACKUP, NO_NETWORK_PORT, DEVICE_MISSING ->
                new NotFoundException(code, domain, message, detail);
            case OPERATION_INVALID, RESOURCE_BUSY, OPERATION_TIMEOUT -> new InvalidStateException(code, domain, message, detail);
            case OPERATION_DENIED, AUTH_FAILED, AUTH_UNAVAILABLE, ACCESS_DENIED -> new DeniedException(code, domain, message, detail);
            case NO_SUPPORT, CONFIG_UNSUPPORTED, ARGUMENT_UNSUPPORTED, OPERATION_UNSUPPORTED ->
                new UnsupportedException(code, domain, message, detail);
            case INVALID_ARG, XML_ERROR, XML_DETAIL, XML_INVALID_SCHEMA, OVERFLOW ->
                new InvalidInputException(code, domain, message, detail);
            default -> new LibvirtException(code, domain, message, detail);
        };
    }

    public ErrorCode code() {
        return code;
    }

    public ErrorDomain domain() {
        return domain;
    }

    /// The message without the sentence its code puts around it.
    public String detail() {
        return detail;
    }
}
