/// XML as libvirt's users know it: small trees, read strictly, printed the way libvirt prints them.
/// Used by everything that has a description; a tree is for one thread at a time.
@NullMarked
package io.kahvem.daemon.xml;

import org.jspecify.annotations.NullMarked;
