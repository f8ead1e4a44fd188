package io.kahvem.qmp;

/// A command was refused: a class and a description, as they go over the wire.
public final class QmpException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorClass errorClass;

    public QmpException(ErrorClass errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
    }

    /// Of class GenericError.
    public QmpException(String description) {
        this(ErrorClass.GenericError, description);
    }

    public ErrorClass errorClass() {
        return errorClass;
    }

    /// What went wrong, in words.
    public String description() {
        return String.valueOf(getMessage());
    }
}
