/// Local APICs, as engines use them.
module io.kahvem.apic {
    requires transitive io.kahvem.host;

    exports io.kahvem.apic;
}
