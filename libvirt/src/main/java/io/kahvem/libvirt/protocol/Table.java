package io.kahvem.libvirt.protocol;

import io.kahvem.libvirt.protocol.Procedure.Access;
import java.util.HashSet;
import java.util.Set;

/// Makes the rows of one subject while its class loads; a number that stands there twice fails it.
final class Table {
    private final Program program;
    private final Set<Integer> numbers = new HashSet<>();

    Table(Program program) {
        this.program = program;
    }

    <A extends Record, R extends Record> Procedure<A, R> opening(int number, String api, Class<A> arguments, Class<R> result) {
        return new Procedure<>(program, once(number), api, arguments, result, Access.OPENING);
    }

    <A extends Record, R extends Record> Procedure<A, R> read(int number, String api, Class<A> arguments, Class<R> result) {
        return new Procedure<>(program, once(number), api, arguments, result, Access.READ);
    }

    <A extends Record, R extends Record> Procedure<A, R> write(int number, String api, Class<A> arguments, Class<R> result) {
        return new Procedure<>(program, once(number), api, arguments, result, Access.WRITE);
    }

    <M extends Record> Event<M> event(int number, Class<M> message) {
        return new Event<>(program, once(number), message);
    }

    private int once(int number) {
        if (!numbers.add(number)) throw new AssertionError("procedure %d of %s stands in the table twice".formatted(number, program));
        return number;
    }
}
