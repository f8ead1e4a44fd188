/// Tests of the translator by itself: what it emits, as text and by size. What translated code does is compared with the interpreter and
/// the host's processor in `semantics`, and in whole machines by guest-tests.
package io.kahvem.jvm.translate;
