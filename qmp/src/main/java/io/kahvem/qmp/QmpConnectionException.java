package io.kahvem.qmp;

/// The other side of a control socket is gone, or does not answer.
public final class QmpConnectionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public QmpConnectionException(String message) {
        super(message);
    }
}
