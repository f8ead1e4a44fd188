package io.kahvem.qmp.schema;

import java.util.List;

/// Objects by their paths: QEMU's qom.json, as far as clients ask for it. [Balloons.QomSetNumber] is its qom-set.
public interface Qom {
    record QomList(String path) implements Command<List<ObjectPropertyInfo>> {}

    record ObjectPropertyInfo(String name, String type) {}

    record QomGet(String path, String property) implements Command<Object> {}
}
