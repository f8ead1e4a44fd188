package io.kahvem.cli;

import java.util.List;
import java.util.concurrent.Callable;

/// A command that takes the usual options without picocli, whose reading of the annotations takes a tenth of a second.
public interface PlainCommand extends Callable<Integer> {
    /// Takes options that are written plainly (see [PlainOptions]). False where one is written otherwise; nothing may be done with this
    /// object then.
    boolean takesPlainly(List<String> arguments);

    @Override
    Integer call() throws InterruptedException;
}
