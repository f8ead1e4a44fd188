/// The operating system, reached by the Foreign Function & Memory API. Every native call Kahvem makes is made here.
module io.kahvem.host {
    requires jdk.net;
    requires static transitive org.jspecify;

    exports io.kahvem.host;
}
