/// (under construction)
package io.kahvem.cli;
