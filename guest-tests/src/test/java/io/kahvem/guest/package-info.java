/// Real guests, booted through the launcher as a user would.
/// Called by JUnit; a guest is a process of its own.
package io.kahvem.guest;
