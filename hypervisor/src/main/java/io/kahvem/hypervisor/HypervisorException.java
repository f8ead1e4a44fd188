package io.kahvem.hypervisor;

/// The host failed an engine. The message has cause, evidence and, where there is one, the remedy.
public class HypervisorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public HypervisorException(String message) {
        super(message);
    }

    public HypervisorException(String message, Throwable cause) {
        super(message, cause);
    }
}
